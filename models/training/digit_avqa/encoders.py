"""Frozen unimodal encoders: a picture or a waveform to features [B, 64, 64]."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from .recipe import CLIP_SAMPLES, FEATURE_DIM, PATCHES, SAMPLE_RATE_HZ

FRAME = 256
HOP = 128
MELS = 32
LOG_FLOOR = 1e-2


def morton_order() -> np.ndarray:
    """Raster index of the k-th token of an 8x8 grid along the Z-order curve.

    Sliding windows over this order cover square neighbourhoods: 16 tokens are one digit's quadrant.
    """
    order = np.empty(PATCHES, np.int64)
    for code in range(PATCHES):
        column = (code & 1) | (code >> 1 & 2) | (code >> 2 & 4)
        row = (code >> 1 & 1) | (code >> 2 & 2) | (code >> 3 & 4)
        order[code] = row * 8 + column
    return order


# Quadrant of every visual token; in Morton order the quadrants are four runs of 16.
QUADRANT = (morton_order() // 8 // 4) * 2 + morton_order() % 8 // 4


def distance_bias(slopes: list[float]) -> np.ndarray:
    """Attention bias [heads, 64, 64]: minus slope times grid distance, so that heads start out local.

    Without it the encoder stays long on the plateau where no token knows which digit is its own.
    """
    order = morton_order()
    place = np.stack([order // 8, order % 8], axis=1).astype(np.float32)
    distance = np.sqrt(((place[:, None] - place[None, :]) ** 2).sum(axis=2))
    return -np.array(slopes, np.float32)[:, None, None] * distance


class Block(nn.Module):
    """Pre-norm transformer block with full attention, [B, N, C] -> [B, N, C]; `bias` adds to the scores."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        batch, count, dim = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-1, -2) / math.sqrt(dim // self.heads)
        weights = torch.softmax(scores if bias is None else scores + bias, dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, count, dim))
        return x + self.down(torch.relu(self.up(self.norm2(x))))


class VisualEncoder(nn.Module):
    """Pixels [B, 56, 56] in 0..255 -> features [B, 64, 64], tokens in Morton order of the 8x8 grid."""

    def __init__(self, layers: int = 2) -> None:
        super().__init__()
        # 56 is padded to 64, so that three strides of 2 give 8x8 and quadrants meet between tokens.
        self.stem = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=2, padding=5, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.Conv2d(32, FEATURE_DIM, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(FEATURE_DIM),
        )
        self.position = nn.Parameter(torch.randn(PATCHES, FEATURE_DIM) * 0.02)
        self.blocks = nn.ModuleList(Block(FEATURE_DIM, 4) for _ in range(layers))
        self.norm = nn.LayerNorm(FEATURE_DIM)
        self.register_buffer("order", torch.from_numpy(morton_order()), persistent=False)
        self.register_buffer("bias", torch.from_numpy(distance_bias([2.0, 1.0, 0.5, 0.25])), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.stem((pixels / 255 - 0.15).unsqueeze(1)).flatten(2).transpose(1, 2)
        x = x.index_select(1, self.order) + self.position
        for block in self.blocks:
            x = block(x, self.bias)
        return self.norm(x)


def _mel_filters() -> np.ndarray:
    """Triangular mel filters [129, 32] over 60..4000 Hz."""

    def mel(hz: np.ndarray | float) -> np.ndarray:
        return 2595 * np.log10(1 + np.asarray(hz) / 700)

    edges = np.linspace(mel(60.0), mel(SAMPLE_RATE_HZ / 2), MELS + 2)
    bins = mel(np.arange(FRAME // 2 + 1) * SAMPLE_RATE_HZ / FRAME)
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


class LogMel(nn.Module):
    """Waveform [B, 16384] in [-1, 1] -> normalised log-mel [B, 128, 32].

    The transform is a product with a windowed DFT matrix (a convolution of stride HOP), so that it lies inside
    the exported graph and every runtime computes the same features.
    """

    def __init__(self) -> None:
        super().__init__()
        time = np.arange(FRAME)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * (time + 0.5) / FRAME)
        angle = 2 * np.pi * np.outer(time, np.arange(FRAME // 2 + 1)) / FRAME
        basis = np.concatenate([np.cos(angle), np.sin(angle)], axis=1) * window[:, None]
        self.register_buffer("basis", torch.from_numpy(basis.astype(np.float32)), persistent=False)
        self.register_buffer("filters", torch.from_numpy(_mel_filters()), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        padded = nn.functional.pad(waveform, (HOP // 2, HOP // 2))
        hops = padded.view(-1, CLIP_SAMPLES // HOP + 1, HOP)
        frames = torch.cat([hops[:, :-1], hops[:, 1:]], dim=2)
        cosine, sine = (frames @ self.basis).split(FRAME // 2 + 1, dim=2)
        power = (cosine * cosine + sine * sine) @ self.filters
        return (torch.log(power + LOG_FLOOR) + 1.0) / 3.0


class AudioEncoder(nn.Module):
    """Waveform [B, 16384] in [-1, 1] at 8 kHz -> features [B, 64, 64], one token per 32 ms."""

    def __init__(self, layers: int = 3) -> None:
        super().__init__()
        self.log_mel = LogMel()
        self.stem = nn.Sequential(
            nn.Conv1d(MELS, 96, 5, padding=2),
            nn.ReLU(),
            nn.Conv1d(96, FEATURE_DIM, 4, stride=2, padding=1),
        )
        self.position = nn.Parameter(torch.randn(PATCHES, FEATURE_DIM) * 0.02)
        self.blocks = nn.ModuleList(Block(FEATURE_DIM, 4) for _ in range(layers))
        self.norm = nn.LayerNorm(FEATURE_DIM)

    def forward(self, waveform: Tensor) -> Tensor:
        return self.from_log_mel(self.log_mel(waveform))

    def from_log_mel(self, log_mel: Tensor) -> Tensor:
        x = self.stem(log_mel.transpose(1, 2)).transpose(1, 2) + self.position
        for block in self.blocks:
            x = block(x)
        return self.norm(x)
