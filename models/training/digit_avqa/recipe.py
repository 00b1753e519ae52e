"""Everything that decides what a training run produces: seeds, sizes, schedules (in steps, never seconds)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

SAMPLE_RATE_HZ = 8000
CLIP_SAMPLES = 16384
IMAGE_SIZE = 56
PATCHES = 64
FEATURE_DIM = 64
TOKEN_DIM = 16
MODEL_DIM = 128
MODEL_LAYERS = 4
MODEL_HEADS = 4
MAX_WORDS = 9
MIN_TOKENS = 2
MAX_TOKENS = 64
SPOKEN_WORDS = 3


@dataclass(frozen=True)
class Recipe:
    """Sizes and schedules of one run. `steps` are optimiser steps, learning rates are peak values."""

    name: str = "digit-avqa"
    preset: str = "full"
    seed: int = 20260

    train_scenes: int = 16000
    validation_scenes: int = 1000
    bundle_scenes: int = 250
    questions_per_scene: int = 5
    train_questions_per_scene: int = 8
    symbolic_scenes: int = 60000

    visual_steps: int = 2000
    visual_batch: int = 64
    visual_lr: float = 2e-3

    audio_steps: int = 1400
    audio_batch: int = 64
    audio_lr: float = 2e-3

    foundation_steps: int = 2600
    foundation_batch: int = 64
    foundation_questions: int = 6
    foundation_lr: float = 2e-3

    alignment_steps: int = 300
    alignment_batch: int = 192
    alignment_lr: float = 2e-3
    alignment_temperature: float = 0.07

    finetune_steps: int = 1200
    finetune_batch: int = 48
    finetune_questions: int = 6
    finetune_lr: float = 1.5e-3
    lora_rank: int = 4
    lora_alpha: float = 16.0

    evaluation_draws: int = 2

    def fields(self) -> dict[str, object]:
        return dataclasses.asdict(self)


def recipe(name: str, preset: str, seed: int | None = None) -> Recipe:
    """The recipe called `name`; preset `quick` runs every step with hardly any training (a few minutes)."""
    if name != "digit-avqa":
        raise SystemExit(f"--recipe: unknown recipe '{name}', allowed: digit-avqa")
    chosen = Recipe()
    if preset == "quick":
        chosen = dataclasses.replace(
            chosen,
            preset="quick",
            train_scenes=2000,
            validation_scenes=250,
            symbolic_scenes=8000,
            visual_steps=150,
            audio_steps=150,
            foundation_steps=150,
            alignment_steps=20,
            finetune_steps=60,
            evaluation_draws=1,
        )
    if seed is not None:
        chosen = dataclasses.replace(chosen, seed=seed)
    return chosen
