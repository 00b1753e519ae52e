"""Pre-training of the two encoders on dense labels; they are frozen afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .encoders import QUADRANT, AudioEncoder, VisualEncoder
from .optimise import Schedule, seeded
from .precision import mixed
from .recipe import FEATURE_DIM, Recipe
from .scenes import Pictures, Recordings, draw_digits, frame_labels, mu_law_decode


def train_visual(recipe: Recipe, pictures: Pictures, validation: Pictures, device: torch.device) -> dict[str, Any]:
    """Every token names its quadrant's digit."""
    random, generator = seeded(recipe.seed, 1)
    encoder = VisualEncoder().to(device)
    head = torch.nn.Linear(FEATURE_DIM, 10).to(device)
    schedule = Schedule("visual", [encoder, head], recipe.visual_steps, recipe.visual_lr, (random, generator))
    held = draw_digits(500, np.random.default_rng([recipe.seed, 2]))
    held_pixels = validation.render(held.seen, np.random.default_rng([recipe.seed, 3]))

    def probe() -> dict[str, float]:
        encoder.eval()
        with torch.no_grad():
            guess = head(encoder(torch.from_numpy(held_pixels).to(device).float())).view(-1, 4, 16, 10).mean(2)
        encoder.train()
        return {"digitAccuracy": float((guess.argmax(-1).cpu().numpy() == held.seen).mean())}

    for step in schedule.remaining():
        digits = draw_digits(recipe.visual_batch, random)
        pixels = torch.from_numpy(pictures.render(digits.seen, random)).to(device).float()
        target = torch.from_numpy(digits.seen[:, QUADRANT]).to(device)
        with mixed(device):
            scores = head(encoder(pixels)).flatten(0, 1).float()
        loss = functional.cross_entropy(scores, target.flatten(), label_smoothing=0.05)
        schedule.apply(step, loss, probe)
    return {"state": encoder.cpu().state_dict(), "log": schedule.log}


def train_audio(recipe: Recipe, recordings: Recordings, validation: Recordings, device: torch.device) -> dict[str, Any]:
    """Every token names the digit heard in it, or silence."""
    random, generator = seeded(recipe.seed, 4)
    encoder = AudioEncoder().to(device)
    head = torch.nn.Linear(FEATURE_DIM, 11).to(device)
    schedule = Schedule("audio", [encoder, head], recipe.audio_steps, recipe.audio_lr, (random, generator))
    held = draw_digits(400, np.random.default_rng([recipe.seed, 5]))
    held_sounds = validation.render(held.spoken, np.random.default_rng([recipe.seed, 6]))

    def probe() -> dict[str, float]:
        with torch.no_grad():
            guess = head(encoder(torch.from_numpy(mu_law_decode(held_sounds.mu_law)).to(device))).softmax(-1).cpu()
        return {"unseenVoiceWordAccuracy": word_accuracy(guess, held_sounds.layout, held.spoken)}

    for step in schedule.remaining():
        digits = draw_digits(recipe.audio_batch, random)
        sounds = recordings.render(digits.spoken, random)
        with torch.no_grad():
            log_mel = encoder.log_mel(torch.from_numpy(mu_law_decode(sounds.mu_law)).to(device))
        log_mel = mask_bands(log_mel, generator)
        target = torch.from_numpy(frame_labels(sounds.layout, digits.spoken)).to(device)
        with mixed(device):
            scores = head(encoder.from_log_mel(log_mel)).flatten(0, 1).float()
        schedule.apply(step, functional.cross_entropy(scores, target.flatten(), label_smoothing=0.05), probe)
    return {"state": encoder.cpu().state_dict(), "log": schedule.log}


def mask_bands(log_mel: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts the spectrum by up to 2 bands, tilts it and blanks 0-5 bands: other vocal tracts, other rooms."""
    batch, _, bands = log_mel.shape
    shift = torch.randint(-2, 3, (batch, 1), generator=generator)
    index = (torch.arange(bands)[None] + shift).clamp(0, bands - 1)
    tilt = (torch.rand(batch, 1, generator=generator) - 0.5) * torch.linspace(-1, 1, bands)[None] * 0.8
    start = torch.randint(0, bands, (batch, 1), generator=generator)
    width = torch.randint(0, 6, (batch, 1), generator=generator)
    band = torch.arange(bands)[None]
    keep = ~((band >= start) & (band < start + width))
    index, tilt, keep = index.to(log_mel.device), tilt.to(log_mel.device), keep.to(log_mel.device)
    shifted = log_mel.gather(2, index.unsqueeze(1).expand_as(log_mel)) + tilt.unsqueeze(1)
    return torch.where(keep.unsqueeze(1), shifted, shifted.mean(dim=(1, 2), keepdim=True))


def word_accuracy(probabilities: Tensor, layout: np.ndarray, spoken: np.ndarray) -> float:
    """Share of spoken words whose tokens, added up, name the right digit."""
    right = 0
    for word in range(spoken.shape[1]):
        inside = torch.from_numpy(layout == word).float().unsqueeze(-1)
        guess = (probabilities[..., :10] * inside).sum(1).argmax(-1).numpy()
        right += int((guess == spoken[:, word]).sum())
    return right / spoken.size
