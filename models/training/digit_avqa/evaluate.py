"""Offline evaluation over the ideal AWGN channel, and the question-only (blind) prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .progress import say
from .foundation import FoundationModel
from .questions import FAMILIES, blind_answers
from .recipe import Recipe
from .task_training import FeatureSet, packed_logits
from .transceiver import Transceiver, pooled, prefix

SNR_DB = [-15, -10, -5, 0, 5, 10, 15, 20]
TOKEN_LENGTHS = [2, 4, 8, 16, 32, 64]
DETAIL_TOKENS = 16
USERS = ("visual", "audio", "text")
NOISE_FREE_DB = 200.0
SCENES_AT_ONCE = 50


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


def answered(
    model: FoundationModel,
    parts: Transceiver,
    data: FeatureSet,
    lengths: tuple[int, int],
    snr_db: Mapping[str, float],
) -> tuple[np.ndarray, np.ndarray]:
    """Which questions are answered rightly, and the loss of each in nats; both [scenes, questions], float32.

    Every user has its SNR (visual, audio, text). A scene's questions hear the same picture and sound bursts, and
    have a text burst each.
    """
    asked = data.questions.text.shape[1]
    right, loss = [], []
    for start in range(0, len(data.visual), SCENES_AT_ONCE):
        rows = torch.arange(start, min(start + SCENES_AT_ONCE, len(data.visual)))
        text = data.questions.text[rows.numpy()]
        levels = torch.tensor([snr_db["visual"], snr_db["audio"], *[snr_db["text"]] * asked])
        levels = levels[:, None].expand(-1, len(rows))
        logits = packed_logits(model, parts, data, rows, text, lengths, levels, None, torch.device("cpu"))
        target = torch.from_numpy(data.questions.answer[rows.numpy()])
        right.append((logits.argmax(-1) == target).numpy())
        loss.append(
            functional.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(target.shape)
        )
    return np.concatenate(right), torch.cat(loss).numpy()


def alike(snr_db: float | None) -> dict[str, float]:
    """One SNR for all users; None: no noise to speak of."""
    return dict.fromkeys(USERS, NOISE_FREE_DB if snr_db is None else snr_db)


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
    recipe: Recipe,
    trained: dict[str, Any],
    features: dict[str, FeatureSet],
    synthesisers: dict[str, list[str]],
) -> dict[str, Any]:
    """Accuracy over SNR and token length, with one noisy user, per family, and of known and unseen voices.

    Families, noisy users and voices are at L = 16; families and voices at 20 dB.
    """
    torch.manual_seed(recipe.seed * 1000 + 40)
    model, parts = load_parts(trained)
    test, draws = features["test"], recipe.evaluation_draws

    def right(data: FeatureSet, length: int, snr_db: Mapping[str, float], draws: int = draws) -> np.ndarray:
        return np.stack([answered(model, parts, data, (length, length), snr_db)[0] for _ in range(draws)])

    rows, noise_free, noisy_user = [], [], []
    with torch.no_grad():
        for length in TOKEN_LENGTHS:
            clean = right(test, length, alike(None), 1)
            noise_free.append({"tokens": length, **_share(clean)})
            rows += [
                {"tokens": length, "snrDb": snr_db, **_share(right(test, length, alike(snr_db)))} for snr_db in SNR_DB
            ]
            shown = "".join(f" {100 * row['accuracy']:5.1f}" for row in rows if row["tokens"] == length)
            say(f"  L {length:2d}:{shown}  noise-free {100 * clean.mean():.1f}")
        for user in USERS:
            for snr_db in SNR_DB:
                others = {**alike(20), user: snr_db}
                noisy_user.append({"user": user, "snrDb": snr_db, **_share(right(test, DETAIL_TOKENS, others))})
        detail = right(test, DETAIL_TOKENS, alike(20), 2 * draws)
        heard = {
            name: _per_synthesiser(
                features[f"{name}-voices"],
                right(features[f"{name}-voices"], DETAIL_TOKENS, alike(20)),
                synthesisers[f"{name}-voices"],
            )
            for name in ("known", "unseen")
        }
    families = test.questions.families[test.questions.text]
    return {
        "rows": rows,
        "noiseFree": noise_free,
        "noisyUser": noisy_user,
        "perFamily": {name: _share(detail[:, families == index]) for index, name in enumerate(FAMILIES)},
        "spokenQuestionsPerSynthesiser": heard["unseen"],
        "spokenQuestionsOfKnownVoices": heard["known"],
    }


def _per_synthesiser(data: FeatureSet, right: np.ndarray, synthesiser: list[str]) -> dict[str, Any]:
    """Accuracy of questions about spoken digits [draws, scenes, questions] per synthesiser."""
    spoken = np.array(["spoken" in words for words in data.questions.texts])[data.questions.text]
    said_by = np.array(synthesiser)[:, None]
    return {name: _share(right[:, spoken & (said_by == name)]) for name in sorted(set(synthesiser))}


def _share(right: np.ndarray) -> dict[str, Any]:
    return {"accuracy": round(float(right.mean()), 4), "questions": int(right.size)}
