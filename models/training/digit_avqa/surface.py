"""The loss surface: validation loss and accuracy over token lengths and SNRs, on a seeded design."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import qmc
from torch.nn import functional

from .evaluate import load_parts
from .precision import mixed
from .task_training import FeatureSet, packed_logits

SNR_DB = [-15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0]
ANCHOR_SNR_DB = 20.0
BATCH_SCENES = 250


@dataclass(frozen=True)
class Setting:
    """What the three users send at: token lengths, and SNR (Es/N0) in dB."""

    visual_tokens: int
    audio_tokens: int
    visual_snr_db: float
    audio_snr_db: float
    text_snr_db: float


def measure(
    settings: list[Setting], trained: dict[str, Any], data: FeatureSet, device: torch.device, seed: int, say: Any = None
) -> list[tuple[float, float]]:
    """Loss (cross-entropy of the right answer, nats) and accuracy of all questions of `data` at every setting.

    Every burst has a noise of its own.
    """
    model, parts = (part.to(device) for part in load_parts(trained))
    text = data.questions.text
    target = torch.from_numpy(data.questions.answer).to(device)
    found = []
    torch.manual_seed(seed)
    for setting in settings:
        losses, right = [], []
        for start in range(0, len(data.visual), BATCH_SCENES):
            rows = torch.arange(start, min(start + BATCH_SCENES, len(data.visual)))
            levels = [setting.visual_snr_db, setting.audio_snr_db, *[setting.text_snr_db] * text.shape[1]]
            snr_db = torch.tensor(levels, device=device)[:, None].expand(-1, len(rows)).contiguous()
            lengths = setting.visual_tokens, setting.audio_tokens
            with torch.no_grad(), mixed(device):
                logits = packed_logits(model, parts, data, rows, text[rows.numpy()], lengths, snr_db, None, device)
            losses.append(functional.cross_entropy(logits.flatten(0, 1), target[rows].flatten(), reduction="none"))
            right.append(logits.argmax(-1) == target[rows])
        found.append((float(torch.cat(losses).mean()), float(torch.cat(right).float().mean())))
        if say:
            say(setting, found[-1])
    return found
