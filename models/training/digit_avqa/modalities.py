"""Where the modalities lie before and after alignment: received picture, sound and words of the same digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from .encoders import QUADRANT
from .foundation import FoundationModel
from .questions import INDEX
from .speech import WORDS
from .task_training import FeatureSet
from .transceiver import Transceiver, received_audio, received_text, received_visual

TOKENS = 64
SNR_DB = 20.0
SCENES = 500


def concepts(parts: Transceiver, model: FoundationModel, data: FeatureSet) -> dict[str, np.ndarray]:
    """Mean direction of received features of each digit, per user [10, 128], at 20 dB and L = 64.

    Visual: the tokens of a quadrant that shows the digit; audio: the tokens while it is spoken; text: its word.
    """
    scenes = min(SCENES, len(data.visual))
    level = torch.full((scenes,), SNR_DB)
    layout = torch.from_numpy(data.layout[:scenes])
    quadrant = torch.from_numpy(QUADRANT)
    torch.manual_seed(1)
    with torch.no_grad():
        seen = received_visual(parts, data.visual[:scenes], TOKENS, level)
        heard = received_audio(parts, data.audio[:scenes], TOKENS, level)
        words = torch.tensor([[INDEX[word]] for word in WORDS])
        said = received_text(parts, model, words, torch.ones(10, dtype=torch.int64), torch.full((10,), SNR_DB))

    def mean(tokens: torch.Tensor, membership: torch.Tensor, digits: np.ndarray) -> np.ndarray:
        """tokens [N, 64, 128]; membership [N, parts, 64]; digits [N, parts]."""
        weights = membership.float() / membership.sum(dim=2, keepdim=True).clamp_min(1)
        features = functional.normalize(weights @ tokens, dim=2).flatten(0, 1).numpy()
        flat = digits[:scenes].reshape(-1)
        return np.stack([features[flat == digit].mean(axis=0) for digit in range(10)])

    in_quadrant = torch.stack([quadrant == part for part in range(4)]).expand(scenes, -1, -1)
    in_word = torch.stack([layout == word for word in range(3)], dim=1)
    return {
        "visual": mean(seen, in_quadrant, data.digits.seen),
        "audio": mean(heard, in_word, data.digits.spoken),
        "text": functional.normalize(said[:, 0], dim=1).numpy(),
    }


def plane(features: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], float]:
    """First two principal components of all users' features together [10, 2], and their share of the variance."""
    stacked = np.concatenate(list(features.values()))
    centred = stacked - stacked.mean(axis=0)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)
    share = float((singular[:2] ** 2).sum() / (singular**2).sum())
    placed = np.split(centred @ axes[:2].T, len(features))
    return dict(zip(features, placed)), share


def nearest_words(features: dict[str, np.ndarray]) -> dict[str, Any]:
    """Of ten digits, how many seen and heard ones have their own word as the nearest (cosine)."""
    own = {}
    for user in ("visual", "audio"):
        unit = features[user] / np.linalg.norm(features[user], axis=1, keepdims=True)
        own[user] = int(((unit @ features["text"].T).argmax(axis=1) == np.arange(10)).sum())
    return own
