"""Offline evaluation over the ideal AWGN channel, and the question-only (blind) prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .cache import say
from .channel import ideal_awgn
from .foundation import FoundationModel
from .questions import FAMILIES, blind_answers
from .recipe import Recipe
from .speech import Voice
from .task_training import FeatureSet
from .transceiver import Transceiver, pooled, prefix

SNR_DB = [-10, -5, 0, 5, 10, 15, 20]
TOKEN_LENGTHS = [2, 4, 8, 16, 32, 64]
BATCH = 250


@dataclass(frozen=True)
class Sent:
    """What the users send for Q questions: visual [Q, Lv, 16], audio [Q, La, 16], text [Q, 9, 128] and word counts."""

    visual: Tensor
    audio: Tensor
    text: Tensor
    counts: Tensor


def load_parts(trained: dict[str, Any]) -> tuple[FoundationModel, Transceiver]:
    """Model with LoRA merged, and the transceiver, from a fine-tuning result."""
    model, parts = FoundationModel(), Transceiver()
    model.load_state_dict(trained["model"])
    parts.load_state_dict(trained["parts"])
    return model.requires_grad_(False).eval(), parts.requires_grad_(False).eval()


def sent_tokens(model: FoundationModel, parts: Transceiver, data: FeatureSet, length: int) -> Sent:
    """Token matrices of all questions, scene by scene."""
    asked = data.questions.text.shape[1]
    words, counts = data.questions.of_text(data.questions.text.reshape(-1))
    pool = pooled(length, torch.device("cpu"))
    lengths = torch.from_numpy(counts)
    present = torch.arange(words.shape[1])[None] < lengths[:, None]
    return Sent(
        parts.visual_projection(pool @ data.visual).repeat_interleave(asked, 0),
        parts.audio_projection(pool @ data.audio).repeat_interleave(asked, 0),
        model.words[torch.from_numpy(words)] * present.unsqueeze(-1),
        lengths,
    )


def answer_logits(
    model: FoundationModel, parts: Transceiver, visual: Tensor, audio: Tensor, text: Tensor, counts: Tensor
) -> Tensor:
    """What the exported answer model computes: received tokens -> logits [B, vocabulary]."""
    context = prefix(model, parts.visual_receiver(visual), parts.audio_receiver(audio))
    return model.answer(context, parts.text_receiver(text), counts)


def right_answers(
    model: FoundationModel, parts: Transceiver, sent: Sent, targets: Tensor, snr_db: float | None
) -> np.ndarray:
    """Which of Q questions are answered rightly [Q]; every burst has its own noise, None sends without."""
    right = []
    for start in range(0, len(targets), BATCH):
        rows = slice(start, start + BATCH)
        visual, audio, text, counts = sent.visual[rows], sent.audio[rows], sent.text[rows], sent.counts[rows]
        if snr_db is not None:
            level = torch.full((len(visual),), float(snr_db))
            present = (torch.arange(text.shape[1])[None] < counts[:, None]).unsqueeze(-1)
            visual, audio = ideal_awgn(visual, level), ideal_awgn(audio, level)
            text = ideal_awgn(text, level, counts) * present
        logits = answer_logits(model, parts, visual, audio, text, counts)
        right.append((logits.argmax(-1) == targets[rows]).numpy())
    return np.concatenate(right)


def blind_prior(train: FeatureSet, test: FeatureSet) -> dict[str, Any]:
    """Accuracy on test questions of the majority answer per question text, counted on training questions."""
    majority = blind_answers(train.questions)
    answers = np.vectorize(majority.get)(test.questions.text)
    right = answers == test.questions.answer
    families = test.questions.families[test.questions.text]
    per_family = {
        name: {
            "accuracy": round(float(right[families == index].mean()), 4),
            "questions": int((families == index).sum()),
        }
        for index, name in enumerate(FAMILIES)
    }
    overall = {"accuracy": round(float(right.mean()), 4), "questions": int(right.size)}
    return {"overall": overall, "perFamily": per_family, "answers": answers}


def evaluate(
    recipe: Recipe, trained: dict[str, Any], test: FeatureSet, test_voices: list[Voice], voice_of_scene: np.ndarray
) -> dict[str, Any]:
    """Accuracy over SNR and token length (all users alike), and per family and synthesiser at 20 dB, L = 16."""
    torch.manual_seed(recipe.seed * 1000 + 40)
    model, parts = load_parts(trained)
    targets = torch.from_numpy(test.questions.answer.reshape(-1))
    families = test.questions.families[test.questions.text].reshape(-1)
    synthesiser = np.array([test_voices[voice].synthesiser for voice in voice_of_scene])
    synthesiser = synthesiser.repeat(test.questions.text.shape[1])
    hears = np.array([_hears(words) for words in test.questions.texts])[test.questions.text].reshape(-1)
    rows, noise_free, detail = [], [], {}
    with torch.no_grad():
        for length in TOKEN_LENGTHS:
            sent = sent_tokens(model, parts, test, length)
            clean = right_answers(model, parts, sent, targets, None)
            noise_free.append({"tokens": length, "accuracy": round(float(clean.mean()), 4), "questions": len(clean)})
            shown = []
            for snr_db in SNR_DB:
                draws = recipe.evaluation_draws * (2 if length == 16 else 1)
                right = np.concatenate([right_answers(model, parts, sent, targets, snr_db) for _ in range(draws)])
                accuracy = round(float(right.mean()), 4)
                rows.append({"tokens": length, "snrDb": snr_db, "accuracy": accuracy, "questions": len(right)})
                shown.append(f"{100 * accuracy:5.1f}")
                if length == 16 and snr_db == 20:
                    detail = _detail(
                        right, np.tile(families, draws), np.tile(synthesiser, draws), np.tile(hears, draws)
                    )
            say(f"  L {length:2d}: {' '.join(shown)}  noise-free {100 * clean.mean():.1f}")
    return {"rows": rows, "noiseFree": noise_free, **detail}


def _hears(words: list[str]) -> bool:
    return "spoken" in words


def _detail(right: np.ndarray, families: np.ndarray, synthesiser: np.ndarray, hears: np.ndarray) -> dict[str, Any]:
    def share(mask: np.ndarray) -> dict[str, Any]:
        return {"accuracy": round(float(right[mask].mean()), 4), "questions": int(mask.sum())}

    return {
        "perFamily": {name: share(families == index) for index, name in enumerate(FAMILIES)},
        "spokenQuestionsPerSynthesiser": {
            str(name): share(hears & (synthesiser == name)) for name in np.unique(synthesiser)
        },
    }
