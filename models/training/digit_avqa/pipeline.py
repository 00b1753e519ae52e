"""The order of training steps and what each depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .bundle import write_bundle
from .cache import Steps, say
from .data import Scenes, Sources, build_banks, split
from .evaluate import evaluate
from .export import load_encoders
from . import recipe as constants
from .pretrain_encoders import train_audio, train_visual
from .pretrain_foundation import train_foundation
from .recipe import Recipe
from .scenes import mu_law_decode
from .speech import Voice
from .task_training import FeatureSet, align, finetune

SCENES = ["mnist.py", "scenes.py", "data.py"]
ENCODERS = [*SCENES, "encoders.py", "optimise.py", "precision.py", "pretrain_encoders.py"]
STAGES = ["channel.py", "foundation.py", "transceiver.py", "task_training.py", "optimise.py", "precision.py"]
FOUNDATION = ["scenes.py", "questions.py", "channel.py", "encoders.py", "foundation.py", "optimise.py", "precision.py"]


def parameters(recipe: Recipe, *prefixes: str) -> dict[str, Any]:
    """The recipe's fields that start with one of `prefixes`, and its seed."""
    chosen = {name: value for name, value in recipe.fields().items() if name.startswith(prefixes)}
    sizes = {name: value for name, value in vars(constants).items() if name.isupper()}
    return {"seed": recipe.seed, **chosen, **sizes}


def pretrain(
    recipe: Recipe, steps: Steps, downloads: Path, device: torch.device
) -> tuple[Sources, list[Voice], dict[str, Any]]:
    """Data sources, the test voices and the three frozen parts."""
    banks = steps.run("voices", lambda: build_banks(recipe.seed), {"seed": recipe.seed}, ["speech.py"], [])
    sources = Sources(downloads, *banks)

    def layouts() -> np.ndarray:
        random = np.random.default_rng([recipe.seed, 8])
        return sources.train_recordings.render(random.integers(0, 10, (4000, 3)), random).layout

    results = {
        "visual": steps.run(
            "visual-encoder",
            lambda: train_visual(recipe, sources.train_pictures, sources.validation_pictures, device),
            parameters(recipe, "visual"),
            ENCODERS,
            [],
        ),
        "audio": steps.run(
            "audio-encoder",
            lambda: train_audio(recipe, sources.train_recordings, sources.test_recordings, device),
            parameters(recipe, "audio"),
            ENCODERS,
            ["voices"],
        ),
        "foundation": steps.run(
            "foundation-model",
            lambda: train_foundation(recipe, layouts(), device),
            parameters(recipe, "foundation", "symbolic"),
            [*FOUNDATION, "pretrain_foundation.py"],
            ["voices"],
        ),
    }
    return sources, banks[1].voices, results


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


def train(recipe: Recipe, steps: Steps, downloads: Path, out: Path, device: torch.device) -> None:
    """All steps, to the bundle in `out`."""
    sources, voices, frozen = pretrain(recipe, steps, downloads, device)
    encoded_after = ["visual-encoder", "audio-encoder"]
    per_split = {
        "train": ("train_scenes", "train_questions_per_scene"),
        "validation": ("validation_scenes", "questions_per_scene"),
        "test": ("bundle_scenes", "questions_per_scene"),
    }
    scenes: dict[str, Scenes] = {}
    features: dict[str, FeatureSet] = {}
    for name, fields in per_split.items():
        sizes = parameters(recipe, *fields)
        scenes[name] = steps.run(
            f"{name}-scenes",
            lambda name=name: split(sources, recipe, name),
            sizes,
            [*SCENES, "questions.py"],
            ["voices"],
        )
        features[name] = steps.run(
            f"{name}-features",
            lambda name=name: encode_split(scenes[name], frozen, device),
            {},
            ["encoders.py"],
            [f"{name}-scenes", *encoded_after],
        )
    aligned = steps.run(
        "alignment",
        lambda: align(recipe, features["train"], frozen, device),
        parameters(recipe, "alignment"),
        STAGES,
        ["train-features", "foundation-model"],
    )
    trained = steps.run(
        "fine-tuning",
        lambda: finetune(recipe, features["train"], features["validation"], frozen, aligned, device),
        parameters(recipe, "finetune", "lora"),
        STAGES,
        ["alignment", "validation-features"],
    )
    accuracy = steps.run(
        "evaluation",
        lambda: evaluate(recipe, trained, features["test"], voices, scenes["test"].sounds.voice),
        parameters(recipe, "evaluation"),
        ["evaluate.py", "channel.py", "foundation.py", "transceiver.py"],
        ["fine-tuning", "test-features"],
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
        scenes["test"],
        features["train"],
        features["test"],
        frozen,
        trained,
        logs,
        accuracy,
        steps.wall_seconds,
        device,
    )
    size = sum(path.stat().st_size for path in out.iterdir())
    say(f"bundle {out.name}: {size / 1e6:.1f} MB; training {sum(steps.wall_seconds.values()) / 60:.1f} min in all")
