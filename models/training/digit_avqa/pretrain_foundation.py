"""Pre-training of the foundation model on clean words at token positions; it is frozen afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .channel import pooling_matrix
from .encoders import QUADRANT
from .foundation import FoundationModel
from .optimise import Schedule, seeded
from .precision import mixed
from .questions import INDEX, SILENCE_WORD, build_questions
from .recipe import MAX_WORDS, PATCHES, Recipe
from .scenes import draw_digits


def caption_words(seen: np.ndarray, spoken: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Captions of N scenes: words [N, 2, 9], lengths [2], and where digits stand [2, 9]."""
    count = len(seen)
    words = np.zeros((count, 2, MAX_WORDS), np.int64)
    words[:, 0, :2] = [INDEX["picture"], INDEX["shows"]]
    words[:, 0, 2:6] = seen
    words[:, 1, :2] = [INDEX["sound"], INDEX["says"]]
    words[:, 1, 2:5] = spoken
    digits_at = np.zeros((2, MAX_WORDS), bool)
    digits_at[0, 2:6] = digits_at[1, 2:5] = True
    return words, np.array([6, 5]), digits_at


def symbolic_lengths(step: int, steps: int, random: np.random.Generator) -> tuple[int, int]:
    """Token lengths of a step: one token per digit at first, later mostly 4 to 32."""
    if step < steps // 5:
        return 4, int(random.choice([12, 16]))
    return int(random.choice([4, 5, 8, 12, 16, 16, 24])), int(random.choice([6, 8, 12, 16, 16, 24]))


def train_foundation(recipe: Recipe, layouts: np.ndarray, device: torch.device) -> dict[str, Any]:
    """Words at patch positions (pooled as features will be) -> captions and answers.

    `layouts` [N, 64] are word placements of the training sounds. Noise and a few wrong words at token
    positions stand for imperfect encoders, so that the model learns to weigh all tokens of a digit.
    """
    random, generator = seeded(recipe.seed, 7)
    digits = draw_digits(recipe.symbolic_scenes, random)
    questions = build_questions(digits, recipe.foundation_questions, random)
    model = FoundationModel().to(device)
    schedule = Schedule("foundation", model.parameters(), recipe.foundation_steps, recipe.foundation_lr, decay=0.02)
    batch = recipe.foundation_batch
    order = random.permutation(len(digits))
    right = asked = 0
    parts = {"answers": 0.0, "captions": 0.0}

    def probe() -> dict[str, float]:
        return {"answerAccuracy": right / max(1, asked), **parts}

    for step in range(recipe.foundation_steps):
        rows = np.take(order, np.arange(step * batch, (step + 1) * batch), mode="wrap")
        seen, spoken = digits.seen[rows], digits.spoken[rows]
        layout = layouts[random.integers(0, len(layouts), batch)]
        heard = np.where(layout < 0, SILENCE_WORD, np.take_along_axis(spoken, np.maximum(layout, 0).astype(int), 1))
        lengths = symbolic_lengths(step, recipe.foundation_steps, random)
        prefix = symbolic_prefix(model, (seen[:, QUADRANT], heard), lengths, random, generator, device)
        words, counts = questions.of_text(questions.text[rows])
        captions, caption_counts, digits_at = caption_words(seen, spoken)
        text = torch.from_numpy(np.concatenate([words, captions], axis=1)).to(device)
        with mixed(device):
            logits = model.logits(model.packed(prefix, model.words[text])).float()
        asking = logits[:, : words.shape[1]]
        at = torch.from_numpy(counts - 1).to(device)[..., None, None].expand(-1, -1, 1, logits.shape[-1])
        answers = asking.gather(2, at).squeeze(2).flatten(0, 1)
        target = torch.from_numpy(questions.answer[rows]).to(device).flatten()
        answer_loss = functional.cross_entropy(answers, target)
        # The word before a digit predicts it.
        telling = logits[:, words.shape[1] :, :-1][:, torch.from_numpy(digits_at[:, 1:])]
        caption_loss = functional.cross_entropy(
            telling.flatten(0, 1), torch.from_numpy(captions[:, digits_at]).to(device).flatten()
        )
        if step % schedule.every == 0:
            right = asked = 0
        right += int((answers.argmax(-1) == target).sum())
        asked += len(target)
        parts["answers"], parts["captions"] = float(answer_loss), float(caption_loss)
        schedule.apply(step, answer_loss + 0.5 * caption_loss, probe)
    return {"state": model.cpu().state_dict(), "log": schedule.log}


def symbolic_prefix(
    model: FoundationModel,
    patches: tuple[np.ndarray, np.ndarray],
    lengths: tuple[int, int],
    random: np.random.Generator,
    generator: torch.Generator,
    device: torch.device,
) -> Tensor:
    """Pooled word embeddings of visual and audio patches with their positions, [B, Lv + La, 128]."""
    found = []
    tables = (model.visual_positions, model.audio_positions)
    for words, length, table in zip(patches, lengths, tables):
        wrong = random.random(words.shape) < 0.03
        words = np.where(wrong, random.integers(0, 10, words.shape), words)
        pool = torch.from_numpy(pooling_matrix(length, PATCHES)).to(device)
        tokens = pool @ model.words[torch.from_numpy(words).to(device)]
        level = tokens.detach().square().mean().sqrt() * 0.3
        noise = torch.randn(tokens.shape, generator=generator).to(device) * level
        found.append(tokens + noise + pool @ table)
    return torch.cat(found, dim=1)
