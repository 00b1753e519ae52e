"""The channel contract shared with the radio link, and sliding-window pooling.

models/runtime/channel.ts and models/runtime/pooling.ts do the same; test/models holds the two together.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

TINY = 1e-12


def pooling_matrix(outputs: int, inputs: int) -> np.ndarray:
    """Sliding-window average [outputs, inputs] float32: window i spans floor(i n/L) .. ceil((i+1) n/L)."""
    matrix = np.zeros((outputs, inputs), np.float32)
    for row in range(outputs):
        start, end = row * inputs // outputs, -(-(row + 1) * inputs // outputs)
        matrix[row, start:end] = 1 / (end - start)
    return matrix


def ideal_awgn(tokens: Tensor, snr_db: Tensor, present: Tensor | None = None) -> Tensor:
    """Received tokens [B, L, D] of bursts sent at `snr_db` [B] (Es/N0 per complex symbol).

    `present` [B] counts the tokens that each burst really has, where the batch is padded with zero tokens.

    Two reals make a complex symbol; every burst is normalised to unit mean power and its scale reaches the
    receiver exactly; the output is LMMSE-equalised, r = g/(1+g) (x + n), n ~ CN(0, 1/g), so biased to zero.
    """
    batch, length, dim = tokens.shape
    tokens = tokens.float()
    counts = torch.full_like(snr_db, length) if present is None else present.to(snr_db.dtype)
    symbols = torch.ceil(counts * dim / 2).view(batch, 1, 1)
    snr = torch.pow(10.0, snr_db / 10).view(batch, 1, 1)
    scale = torch.sqrt(tokens.square().sum(dim=(1, 2), keepdim=True) / symbols + TINY)
    # CN(0, 1/g) has variance 1/(2g) in each real dimension.
    noise = torch.randn_like(tokens) * torch.sqrt(0.5 / snr)
    return snr / (1 + snr) * (tokens + scale * noise)


def training_snr_db(users: int, batch: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """SNR [users, batch] in dB, uniform in (-10, 20): alike for all users in half of the samples."""
    drawn = torch.rand(users, batch, generator=generator) * 30 - 10
    alike = torch.rand(batch, generator=generator) < 0.5
    return torch.where(alike, drawn[:1].expand_as(drawn), drawn).to(device)
