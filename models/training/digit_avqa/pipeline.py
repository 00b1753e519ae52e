"""The order of training steps and what each depends on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .bundle import write_bundle
from .cache import Steps
from .data import SPLITS, UNSEEN, Scenes, Sources, build_banks, picture_pools, recordings
from .evaluate import evaluate
from .export import load_encoders
from .measure_surface import measure_surface
from .pretrain_encoders import train_audio, train_visual
from .pretrain_foundation import train_foundation
from .progress import duration, say
from .recipe import Recipe
from .scenes import mu_law_decode
from .speech import Voice
from .task_training import FeatureSet, align, finetune


def pretrain(
    recipe: Recipe, steps: Steps, downloads: Path, device: torch.device
) -> tuple[Sources, dict[str, list[Voice]], dict[str, Any]]:
    """Data sources, known and unseen voices, and the three frozen parts."""
    foundation = steps.run("foundation-model", lambda: train_foundation(recipe, device), [train_foundation], recipe)
    pictures = picture_pools(downloads)
    visual = steps.run(
        "visual-encoder",
        lambda: train_visual(recipe, pictures.train, pictures.validation, device),
        [picture_pools, train_visual],
        recipe,
    )
    banks = steps.run("voices", lambda: build_banks(recipe.seed), [build_banks], seed=recipe.seed)
    sources = Sources(pictures, *recordings(*banks))
    voices = {"known": banks[0].voices, "unseen": banks[1].voices}
    audio = steps.run(
        "audio-encoder",
        lambda: train_audio(recipe, sources.train_recordings, sources.test_recordings, device),
        [recordings, train_audio],
        recipe,
        ["voices"],
    )
    return sources, voices, {"visual": visual, "audio": audio, "foundation": foundation}


def encode_split(scenes: Scenes, frozen: dict[str, Any], device: torch.device) -> FeatureSet:
    """Features of the frozen encoders, float32."""
    visual, audio = (encoder.to(device) for encoder in load_encoders(frozen))
    seen, heard = [], []
    with torch.no_grad():
        for start in range(0, len(scenes.digits), 250):
            pixels = torch.from_numpy(scenes.pixels[start : start + 250]).to(device).float()
            waveform = torch.from_numpy(mu_law_decode(scenes.sounds.mu_law[start : start + 250])).to(device)
            seen.append(visual(pixels).cpu())
            heard.append(audio(waveform).cpu())
    return FeatureSet(torch.cat(seen), torch.cat(heard), scenes.sounds.layout, scenes.digits, scenes.questions)


# Names of all steps, in order.
STEPS = (
    *("foundation-model", "visual-encoder", "voices", "audio-encoder"),
    *(f"{name}-{kind}" for name in SPLITS for kind in ("scenes", "features")),
    *("alignment", "fine-tuning", "evaluation", "surface"),
)


@dataclass(frozen=True)
class Prepared:
    """What both stages start from: scenes, their features, and the frozen parts; `after` are the steps behind them."""

    scenes: dict[str, Scenes]
    features: dict[str, FeatureSet]
    synthesisers: dict[str, list[str]]
    frozen: dict[str, Any]
    after: tuple[str, ...] = ("train-features", "foundation-model")


def prepare(recipe: Recipe, steps: Steps, downloads: Path, device: torch.device) -> Prepared:
    """All steps before the two stages."""
    sources, voices, frozen = pretrain(recipe, steps, downloads, device)
    scenes: dict[str, Scenes] = {}
    features: dict[str, FeatureSet] = {}
    synthesisers: dict[str, list[str]] = {}
    for name, split in SPLITS.items():
        scenes[name] = steps.run(
            f"{name}-scenes",
            lambda split=split: split(recipe, sources),
            [picture_pools, recordings, split],
            recipe,
            ["voices"],
        )
        features[name] = steps.run(
            f"{name}-features",
            lambda name=name: encode_split(scenes[name], frozen, device),
            [encode_split],
            after=[f"{name}-scenes", "visual-encoder", "audio-encoder"],
        )
        bank = voices["unseen" if name in UNSEEN else "known"]
        synthesisers[name] = [bank[voice].synthesiser for voice in scenes[name].sounds.voice]
    return Prepared(scenes, features, synthesisers, frozen)


def train(recipe: Recipe, steps: Steps, downloads: Path, out: Path, device: torch.device) -> None:
    """All steps, to the bundle in `out`."""
    prepared = prepare(recipe, steps, downloads, device)
    features, frozen = prepared.features, prepared.frozen
    aligned = steps.run(
        "alignment",
        lambda: align(recipe, features["train"], frozen, device),
        [align],
        recipe,
        prepared.after,
    )
    trained = steps.run(
        "fine-tuning",
        lambda: finetune(recipe, features["train"], features["validation"], frozen, aligned, device),
        [finetune],
        recipe,
        ["alignment", "validation-features"],
    )
    accuracy = steps.run(
        "evaluation",
        lambda: evaluate(recipe, trained, features, prepared.synthesisers),
        [evaluate],
        recipe,
        ["fine-tuning", "test-features", "unseen-voices-features", "known-voices-features"],
    )
    surface = steps.run(
        "surface",
        lambda: measure_surface(recipe, trained, features["validation"]),
        [measure_surface],
        recipe,
        ["fine-tuning", "validation-features"],
    )
    logs = {
        "visualEncoder": frozen["visual"]["log"],
        "audioEncoder": frozen["audio"]["log"],
        "foundationModel": frozen["foundation"]["log"],
        "alignment": aligned["log"],
        "fineTuning": trained["log"],
    }
    write_bundle(
        out,
        recipe,
        prepared.scenes["test"],
        features["train"],
        features["test"],
        frozen,
        trained,
        logs,
        accuracy,
        surface,
        steps,
    )
    size = sum(path.stat().st_size for path in out.iterdir())
    wall = sum(record["wallSeconds"] for record in steps.records.values())
    cpu = sum(record["cpuSeconds"] or 0 for record in steps.records.values())
    say(f"bundle {out.name}: {size / 1e6:.1f} MB; training took {duration(wall)}, {duration(cpu)} of CPU time")
