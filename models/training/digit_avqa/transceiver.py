"""What the users and the base station train for the air: projections before it, token receivers behind it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .channel import IDEAL, Air, over_the_air, pooling_matrix
from .foundation import FoundationModel
from .recipe import FEATURE_DIM, MODEL_DIM, PATCHES, TOKEN_DIM

HIDDEN = 256


def _receiver(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, MODEL_DIM))


class Transceiver(nn.Module):
    """Projections 64 -> 16 and one two-layer receiver per user."""

    def __init__(self) -> None:
        super().__init__()
        self.visual_projection = nn.Linear(FEATURE_DIM, TOKEN_DIM)
        self.audio_projection = nn.Linear(FEATURE_DIM, TOKEN_DIM)
        self.visual_receiver = _receiver(TOKEN_DIM)
        self.audio_receiver = _receiver(TOKEN_DIM)
        self.text_receiver = _receiver(MODEL_DIM)

    def rescale_receivers(self, factors: dict[str, float]) -> None:
        """Multiply receiver outputs: InfoNCE fixes their direction, not their size."""
        with torch.no_grad():
            for user, factor in factors.items():
                last = getattr(self, f"{user}_receiver")[-1]
                last.weight *= factor
                last.bias *= factor


def pooled(matrix_rows: int, device: torch.device) -> Tensor:
    """Pooling matrix [rows, 64] on `device`."""
    return torch.from_numpy(pooling_matrix(matrix_rows, PATCHES)).to(device)


def received_visual(
    parts: Transceiver,
    features: Tensor,
    length: int,
    snr_db: Tensor,
    lost: Tensor | None = None,
    air: Air = IDEAL,
) -> Tensor:
    """Receiver output [B, L, 128] of visual features [B, 64, 64] sent as L tokens at snr_db [B]."""
    tokens = parts.visual_projection(pooled(length, features.device) @ features)
    return parts.visual_receiver(_drop(over_the_air(tokens, snr_db, air), lost))


def received_audio(
    parts: Transceiver,
    features: Tensor,
    length: int,
    snr_db: Tensor,
    lost: Tensor | None = None,
    air: Air = IDEAL,
) -> Tensor:
    """Receiver output [B, L, 128] of audio features [B, 64, 64] sent as L tokens at snr_db [B]."""
    tokens = parts.audio_projection(pooled(length, features.device) @ features)
    return parts.audio_receiver(_drop(over_the_air(tokens, snr_db, air), lost))


def received_text(
    parts: Transceiver,
    model: FoundationModel,
    words: Tensor,
    lengths: Tensor,
    snr_db: Tensor,
    lost: Tensor | None = None,
    air: Air = IDEAL,
) -> Tensor:
    """Receiver output [B, T, 128] of word indices [B, T]; each burst carries its own `lengths` [B] words."""
    present = torch.arange(words.shape[1], device=words.device)[None, :] < lengths[:, None]
    sent = model.words[words] * present.unsqueeze(-1)
    received = over_the_air(sent, snr_db, air, lengths) * present.unsqueeze(-1)
    return parts.text_receiver(_drop(received, lost))


def _drop(tokens: Tensor, lost: Tensor | None) -> Tensor:
    """A lost burst arrives as zeros."""
    return tokens if lost is None else tokens * (~lost).to(tokens.dtype).view(-1, 1, 1)


def prefix(model: FoundationModel, visual: Tensor, audio: Tensor) -> Tensor:
    """Received visual [B, Lv, 128] and audio [B, La, 128] with their pooled positions, [B, Lv + La, 128]."""
    visual_positions = pooled(visual.shape[1], visual.device) @ model.visual_positions
    audio_positions = pooled(audio.shape[1], audio.device) @ model.audio_positions
    return torch.cat([visual + visual_positions, audio + audio_positions], dim=1)
