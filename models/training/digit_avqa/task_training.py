"""The two stages of the paper: cross-modal alignment, then task-oriented fine-tuning, both through the channel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .channel import IDEAL, Air, training_snr_db
from .encoders import QUADRANT
from .foundation import FoundationModel
from .optimise import Schedule, seeded
from .precision import mixed
from .questions import QuestionSet
from .recipe import MAX_TOKENS, MIN_TOKENS, Recipe
from .scenes import Digits
from .transceiver import Transceiver, pooled, prefix, received_audio, received_text, received_visual


@dataclass(frozen=True)
class FeatureSet:
    """Encoder features of a split: visual and audio [N, 64, 64] float32, with labels and questions."""

    visual: Tensor
    audio: Tensor
    layout: np.ndarray
    digits: Digits
    questions: QuestionSet


def draw_length(recipe: Recipe, random: np.random.Generator) -> int:
    """Token length of a step: log-uniform over 2..64, with 16 and longer drawn more often; or always 64.

    One model for all lengths under-serves the long ones when short ones are as frequent.
    """
    if recipe.token_lengths == "full":
        return MAX_TOKENS
    kind = random.random()
    if kind < 0.3:
        return 16
    shortest = 12 if kind < 0.7 else MIN_TOKENS
    return int(round(math.exp(random.uniform(math.log(shortest), math.log(MAX_TOKENS)))))


def air_of(recipe: Recipe) -> Air:
    """Impairments that both stages train with."""
    return Air(recipe.clip_db, recipe.phase_noise_rad, recipe.rayleigh)


def align(recipe: Recipe, data: FeatureSet, frozen: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """Stage 1: normalised MSE of received words, InfoNCE of received visual and audio features against words.

    Features are pooled over a whole scene or over one part of it (a quadrant, a spoken word), and compared
    with the received words of that part's caption. Alike captions in a batch are positives of one another.
    """
    random, generator = seeded(recipe.seed, 20)
    model = _frozen_model(frozen, device)
    parts = Transceiver().to(device)
    if recipe.alignment_steps == 0:
        return {"state": parts.cpu().state_dict(), "log": []}
    levels = {"visual": 1.0, "audio": 1.0}
    streams = (random, generator)
    schedule = Schedule("alignment", [parts], recipe.alignment_steps, recipe.alignment_lr, streams, levels)
    batch, temperature, air = recipe.alignment_batch, recipe.alignment_temperature, air_of(recipe)
    limits = (recipe.alignment_snr_low_db, recipe.alignment_snr_high_db)
    figures: dict[str, float] = {}
    for step in schedule.remaining():
        rows = torch.from_numpy(random.integers(0, len(data.visual), batch))
        snr_db = training_snr_db(4, batch, limits, generator, device)
        seen, spoken = data.digits.seen[rows.numpy()], data.digits.spoken[rows.numpy()]
        lengths = draw_length(recipe, random), draw_length(recipe, random)
        with mixed(device):
            visual = received_visual(parts, data.visual[rows].to(device), lengths[0], snr_db[0], air=air).float()
            audio = received_audio(parts, data.audio[rows].to(device), lengths[1], snr_db[1], air=air).float()
            word_loss = _word_loss(parts, model, snr_db[2], air, random)
            loss = word_loss
            layout = data.layout[rows.numpy()]
            for user, received, words, membership in (
                ("visual", visual, seen, np.eye(4, dtype=bool)[QUADRANT].T[None].repeat(batch, 0)),
                ("audio", audio, spoken, np.stack([layout == word for word in range(3)], axis=1)),
            ):
                part = int(random.integers(-1, words.shape[1]))
                contrast = _contrast(parts, model, received, words, membership, part, snr_db[3], air, temperature)
                figures[user] = float(contrast)
                loss = loss + contrast
        for user, tokens in (("visual", visual), ("audio", audio)):
            levels[user] = 0.9 * levels[user] + 0.1 * float(tokens.detach().square().mean().sqrt())
        figures["words"] = float(word_loss)
        schedule.apply(step, loss, lambda: dict(figures))
    target = float(model.words.square().mean().sqrt())
    parts.rescale_receivers({user: target / levels[user] for user in ("visual", "audio")})
    return {"state": parts.cpu().state_dict(), "log": schedule.log}


def _word_loss(
    parts: Transceiver, model: FoundationModel, snr_db: Tensor, air: Air, random: np.random.Generator
) -> Tensor:
    """Normalised MSE of bursts of random vocabulary words.

    Captions alone would leave out the words that only questions use.
    """
    device = snr_db.device
    words = torch.from_numpy(random.integers(0, len(model.words), (len(snr_db), 8))).to(device)
    counts = torch.from_numpy(random.integers(4, 9, len(snr_db))).to(device)
    received = received_text(parts, model, words, counts, snr_db, air=air).float()
    present = (torch.arange(8, device=device)[None] < counts[:, None]).unsqueeze(-1)
    sent = model.words[words]
    return ((received - sent).square() * present).sum() / (sent.square() * present).sum()


def _contrast(
    parts: Transceiver,
    model: FoundationModel,
    received: Tensor,
    words: np.ndarray,
    membership: np.ndarray,
    part: int,
    snr_db: Tensor,
    air: Air,
    temperature: float,
) -> Tensor:
    """Symmetric InfoNCE between pooled received features and pooled received caption words.

    received [B, L, 128]; words [B, W] of the scene; membership [B, W, 64] says which patches a word covers;
    part: the word to look at, -1 for the whole scene.
    """
    device = received.device
    pool = pooled(received.shape[1], device)
    if part < 0:
        caption, covered = words, membership.any(axis=1)
    else:
        caption, covered = words[:, [part]], membership[:, part]
    weights = torch.from_numpy(covered.astype(np.float32)).to(device) @ pool.t()
    weights = weights / weights.sum(dim=1, keepdim=True).clamp_min(1e-6)
    features = (received * weights.unsqueeze(-1)).sum(dim=1)
    indices = torch.from_numpy(caption).to(device)
    counts = torch.full((len(caption),), caption.shape[1], device=device)
    text = received_text(parts, model, indices, counts, snr_db, air=air).float().mean(dim=1)
    with torch.autocast(device.type, enabled=False):
        scores = functional.normalize(features, dim=1) @ functional.normalize(text, dim=1).t() / temperature
        ordered = torch.sort(indices, dim=1).values
        alike = (ordered[:, None] == ordered[None]).all(dim=2).float()
        target = alike / alike.sum(dim=1, keepdim=True)
        loss = functional.cross_entropy(scores, target) + functional.cross_entropy(scores.t(), target)
    return loss / 2


def _frozen_model(frozen: dict[str, Any], device: torch.device) -> FoundationModel:
    model = FoundationModel()
    model.load_state_dict(frozen["foundation"]["state"])
    return model.to(device).requires_grad_(False)


def finetune(
    recipe: Recipe,
    data: FeatureSet,
    validation: FeatureSet,
    frozen: dict[str, Any],
    aligned: dict[str, Any],
    device: torch.device,
) -> dict[str, Any]:
    """Stage 2: cross-entropy of the answer word through the channel; trains LoRA, projections, receivers."""
    random, generator = seeded(recipe.seed, 30)
    model = _frozen_model(frozen, device)
    for block in model.blocks:
        for layer in (block.q, block.v):
            layer.add_lora(recipe.lora_rank, recipe.lora_alpha)
            layer.down.to(device), layer.up.to(device)
    parts = Transceiver().to(device)
    parts.load_state_dict(aligned["state"])
    streams = (random, generator)
    schedule = Schedule("fine-tuning", [parts, model], recipe.finetune_steps, recipe.finetune_lr, streams)
    batch, asked, air = recipe.finetune_batch, recipe.finetune_questions, air_of(recipe)
    limits = (recipe.finetune_snr_low_db, recipe.finetune_snr_high_db)

    def probe() -> dict[str, float]:
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(5)
            rows = torch.arange(min(150, len(validation.visual)))
            return {
                f"accuracy{snr_db:+d}dB": float(packed_accuracy(model, parts, validation, rows, 16, snr_db, device))
                for snr_db in (0, 20)
            }

    for step in schedule.remaining():
        rows = random.integers(0, len(data.visual), batch)
        columns = random.permuted(np.tile(np.arange(data.questions.text.shape[1]), (batch, 1)), axis=1)[:, :asked]
        text = np.take_along_axis(data.questions.text[rows], columns, axis=1)
        target = torch.from_numpy(np.take_along_axis(data.questions.answer[rows], columns, axis=1)).to(device)
        snr_db = training_snr_db(2 + asked, batch, limits, generator, device)
        lost = torch.rand(2 + asked, batch, generator=generator) < recipe.burst_lost_share
        lost[:2] |= torch.rand(batch, generator=generator) < recipe.scene_lost_share
        lost = lost.to(device)
        lengths = draw_length(recipe, random), draw_length(recipe, random)
        with mixed(device):
            logits = packed_logits(model, parts, data, torch.from_numpy(rows), text, lengths, snr_db, lost, device, air)
        schedule.apply(step, functional.cross_entropy(logits.flatten(0, 1), target.flatten()), probe)
    for block in model.blocks:
        block.q.merge()
        block.v.merge()
    return {"parts": parts.cpu().state_dict(), "model": model.cpu().state_dict(), "log": schedule.log}


def packed_logits(
    model: FoundationModel,
    parts: Transceiver,
    data: FeatureSet,
    rows: Tensor,
    text: np.ndarray,
    lengths: tuple[int, int],
    snr_db: Tensor,
    lost: Tensor | None,
    device: torch.device,
    air: Air = IDEAL,
) -> Tensor:
    """Answer logits [B, K, vocabulary] of K questions per scene; snr_db and lost are [2 + K, B]."""
    batch, asked = text.shape
    lost_of = [None] * (2 + asked) if lost is None else list(lost)
    visual = received_visual(parts, data.visual[rows].to(device), lengths[0], snr_db[0], lost_of[0], air)
    audio = received_audio(parts, data.audio[rows].to(device), lengths[1], snr_db[1], lost_of[1], air)
    words, counts = data.questions.of_text(text)
    flat_lost = None if lost is None else lost[2:].t().reshape(-1)
    flat_words = torch.from_numpy(words.reshape(batch * asked, -1)).to(device)
    flat_counts = torch.from_numpy(counts.reshape(-1)).to(device)
    sent = received_text(parts, model, flat_words, flat_counts, snr_db[2:].t().reshape(-1), flat_lost, air)
    hidden = model.packed(prefix(model, visual, audio), sent.view(batch, asked, words.shape[2], -1))
    at = (flat_counts - 1).view(batch, asked, 1, 1).expand(-1, -1, 1, hidden.shape[-1])
    return model.logits(hidden.gather(2, at).squeeze(2)).float()


def packed_accuracy(
    model: FoundationModel,
    parts: Transceiver,
    data: FeatureSet,
    rows: Tensor,
    length: int,
    snr_db: float,
    device: torch.device,
) -> Tensor:
    """Share of right answers with all users at `snr_db` and both token lengths alike."""
    text = data.questions.text[rows.numpy()]
    levels = torch.full((2 + text.shape[1], len(rows)), float(snr_db), device=device)
    with mixed(device):
        logits = packed_logits(model, parts, data, rows, text, (length, length), levels, None, device)
    target = torch.from_numpy(data.questions.answer[rows.numpy()]).to(device)
    return (logits.argmax(-1) == target).float().mean()
