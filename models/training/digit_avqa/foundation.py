"""Foundation model of the base station: a small causal transformer over embeddings, with LoRA on q and v."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .questions import VOCABULARY
from .recipe import MAX_TOKENS, MAX_WORDS, MODEL_DIM, MODEL_HEADS, MODEL_LAYERS, PATCHES

LONGEST = 2 * MAX_TOKENS + MAX_WORDS
MASKED = -1e9


class LoraLinear(nn.Module):
    """Linear layer with an optional low-rank update: W x + (alpha / r) B A x."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.base = nn.Linear(dim, dim)
        self.down: nn.Linear | None = None
        self.up: nn.Linear | None = None
        self.gain = 0.0

    def add_lora(self, rank: int, alpha: float) -> None:
        """Add a trainable update that is zero at first."""
        dim = self.base.in_features
        self.down, self.up = nn.Linear(dim, rank, bias=False), nn.Linear(rank, dim, bias=False)
        nn.init.zeros_(self.up.weight)
        self.gain = alpha / rank

    def merge(self) -> None:
        """Fold the update into the base weights."""
        if self.down is not None and self.up is not None:
            with torch.no_grad():
                self.base.weight += self.gain * self.up.weight @ self.down.weight
            self.down = self.up = None

    def forward(self, x: Tensor) -> Tensor:
        y = self.base(x)
        if self.down is not None and self.up is not None:
            y = y + self.gain * self.up(self.down(x))
        return y


class CausalBlock(nn.Module):
    """Pre-norm block; `mask` [S, S] is added to the attention scores."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, dim // heads
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.q, self.v = LoraLinear(dim), LoraLinear(dim)
        self.k, self.out = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.up, self.down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], -1, self.heads, self.width).transpose(1, 2)

    def _finish(self, x: Tensor, weights: Tensor, values: Tensor) -> Tensor:
        x = x + self.out((weights @ values).transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(self.norm2(x))))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = self.norm1(x)
        q, k, v = self._split(self.q(y)), self._split(self.k(y)), self._split(self.v(y))
        scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(self.width)) + mask
        return self._finish(x, torch.softmax(scores, dim=-1), v)

    def last(self, x: Tensor, x_last: Tensor, mask_last: Tensor) -> Tensor:
        """Output at one position per sample: x_last [B, 1, C] of x [B, S, C], mask_last [B, 1, 1, S]."""
        y = self.norm1(x)
        q, k, v = self._split(self.q(self.norm1(x_last))), self._split(self.k(y)), self._split(self.v(y))
        scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(self.width)) + mask_last
        return self._finish(x_last, torch.softmax(scores, dim=-1), v)


class FoundationModel(nn.Module):
    """Embeddings in, vocabulary logits out; the output matrix is the word embedding table."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Parameter(torch.randn(len(VOCABULARY), MODEL_DIM) * 0.1)
        self.visual_positions = nn.Parameter(torch.randn(PATCHES, MODEL_DIM) * 0.05)
        self.audio_positions = nn.Parameter(torch.randn(PATCHES, MODEL_DIM) * 0.05)
        self.text_positions = nn.Parameter(torch.randn(MAX_WORDS, MODEL_DIM) * 0.05)
        self.blocks = nn.ModuleList(CausalBlock(MODEL_DIM, MODEL_HEADS) for _ in range(MODEL_LAYERS))
        self.norm = nn.LayerNorm(MODEL_DIM)
        causal = torch.full((LONGEST, LONGEST), MASKED).triu(1)
        self.register_buffer("causal", causal, persistent=False)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., 128] -> [..., vocabulary]."""
        return self.norm(hidden) @ self.words.t()

    def packed(self, prefix: Tensor, text: Tensor) -> Tensor:
        """Hidden states [B, K, T, 128] of K texts [B, K, T, 128] that share a prefix [B, P, 128] and do not
        see one another. Equal to K separate causal sequences, at the price of one prefix."""
        batch, texts, words, dim = text.shape
        x = torch.cat([prefix, (text + self.text_positions[:words]).view(batch, texts * words, dim)], dim=1)
        mask = packed_mask(prefix.shape[1], texts, words, x.device)
        for block in self.blocks:
            x = block(x, mask)
        return x[:, prefix.shape[1] :].view(batch, texts, words, dim)

    def answer(self, prefix: Tensor, text: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B, vocabulary] after the last word of texts [B, T, 128] of `lengths` [B] words.

        Texts are padded at the end; attention is causal, so padding never reaches the last word. The last
        block is evaluated at that position alone.
        """
        x = torch.cat([prefix, text + self.text_positions[: text.shape[1]]], dim=1)
        count = x.shape[1]
        mask = self.causal[:count, :count]
        for block in self.blocks[:-1]:
            x = block(x, mask)
        at = prefix.shape[1] + lengths - 1
        index = at.view(-1, 1, 1).expand(-1, 1, MODEL_DIM)
        mask_last = mask.index_select(0, at).unsqueeze(1).unsqueeze(1)
        return self.logits(self.blocks[-1].last(x, x.gather(1, index), mask_last).squeeze(1))


def packed_mask(prefix: int, texts: int, words: int, device: torch.device) -> Tensor:
    """Additive mask [S, S]: the prefix is causal, every text sees the prefix and its own past."""
    size = prefix + texts * words
    group = torch.full((size,), -1, device=device)
    group[prefix:] = torch.arange(texts * words, device=device) // words
    place = torch.arange(size, device=device)
    allowed = (place[None, :] <= place[:, None]) & ((group[None, :] == -1) | (group[None, :] == group[:, None]))
    return torch.zeros(size, size, device=device).masked_fill(~allowed, MASKED)
