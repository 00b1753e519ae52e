"""Everything that decides what a training run produces: seeds, sizes, schedules (in steps, never seconds)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

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
    voice_scenes: int = 600
    questions_per_scene: int = 5
    train_questions_per_scene: int = 8
    symbolic_scenes: int = 60000

    visual_steps: int = 2000
    visual_batch: int = 64
    visual_lr: float = 2e-3

    audio_steps: int = 1400
    audio_batch: int = 64
    audio_lr: float = 2e-3

    foundation_steps: int = 2200
    foundation_batch: int = 64
    foundation_questions: int = 6
    foundation_lr: float = 2e-3
    foundation_one_digit_steps: int = 90
    foundation_two_digit_steps: int = 180
    foundation_alike_share: float = 0.25

    alignment_steps: int = 300
    alignment_batch: int = 192
    alignment_lr: float = 2e-3
    alignment_temperature: float = 0.07
    alignment_snr_low_db: float = -10
    alignment_snr_high_db: float = 20

    finetune_steps: int = 1200
    finetune_batch: int = 48
    finetune_questions: int = 6
    finetune_lr: float = 1.5e-3
    finetune_snr_low_db: float = -10
    finetune_snr_high_db: float = 20
    lora_rank: int = 4
    lora_alpha: float = 16.0

    # Both stages: "drawn" lengths from 2 to 64 tokens or always "full"; impairments beside noise (channel.Air).
    token_lengths: str = "drawn"
    rayleigh: bool = False
    clip_db: float | None = None
    phase_noise_rad: float = 0.0
    # Bursts that arrive as zeros in stage 2: each by itself, and picture and sound of a scene together.
    burst_lost_share: float = 0.03
    scene_lost_share: float = 0.02

    evaluation_draws: int = 2

    def fields(self) -> dict[str, object]:
        return dataclasses.asdict(self)


# The authors' channel: one SNR in each stage, all tokens, no burst lost.
FIXED_12DB = {
    "alignment_snr_low_db": 10,
    "alignment_snr_high_db": 10,
    "finetune_snr_low_db": 12,
    "finetune_snr_high_db": 12,
    "token_lengths": "full",
    "burst_lost_share": 0.0,
    "scene_lost_share": 0.0,
}
# Clip and filter 6 dB over the mean power, what phase tracking leaves of an oscillator of 30 Hz linewidth, flat fading.
IMPAIRED = {"rayleigh": True, "clip_db": 6.0, "phase_noise_rad": 0.024}

RECIPES: dict[str, dict[str, Any]] = {
    "digit-avqa": {},
    "digit-avqa-no-alignment": {"alignment_steps": 0},
    "digit-avqa-fixed-12db": FIXED_12DB,
    "digit-avqa-impaired": IMPAIRED,
}

# Every step, hardly any training: minutes.
QUICK: dict[str, Any] = {
    "preset": "quick",
    "train_scenes": 2000,
    "validation_scenes": 250,
    "voice_scenes": 100,
    "symbolic_scenes": 8000,
    "visual_steps": 150,
    "audio_steps": 150,
    "foundation_steps": 150,
    "foundation_one_digit_steps": 20,
    "foundation_two_digit_steps": 30,
    "finetune_steps": 60,
    "evaluation_draws": 1,
}


def recipe(name: str, preset: str, seed: int | None = None) -> Recipe:
    """The recipe called `name`; preset `quick` runs every step with hardly any training (a few minutes)."""
    if name not in RECIPES:
        raise SystemExit(f'--recipe: value "{name}"; allowed {", ".join(RECIPES)}')
    chosen = dataclasses.replace(Recipe(), name=name, **RECIPES[name])
    if preset == "quick":
        chosen = dataclasses.replace(chosen, alignment_steps=min(20, chosen.alignment_steps), **QUICK)
    return chosen if seed is None else dataclasses.replace(chosen, seed=seed)
