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
from .questions import FAMILIES, INDEX, NONE, SILENCE_WORD, QuestionPool, all_texts, template
from .recipe import MAX_WORDS, PATCHES, SPOKEN_WORDS, Recipe
from .scenes import Digits, draw_digits


# Questions of the curriculum's first part.
EARLY_FAMILIES = ("location", "order", "existence")
# What stays longest at chance; the log shows these by themselves.
PLATEAUS = {"digitSeen": "is a D seen", "spokenSeen": "how many spoken digits are seen"}
# How much less or more often than the mean a text is asked for its loss.
WEIGHT_LIMITS = (0.35, 4.0)


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


def draw_alike(count: int, distinct: int, random: np.random.Generator) -> Digits:
    """Scenes with at most `distinct` different digits in the picture, and as many in the sound."""
    digits = draw_digits(count, random)

    def thinned(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, random.integers(0, distinct, values.shape), axis=1)

    return Digits(thinned(digits.seen), thinned(digits.spoken))


class Curriculum:
    """Which scenes and questions a step trains on.

    Whether a digit is among several is not learned from scenes of four and three random ones: the answer stays
    at chance while everything else is learned. So scenes hold one digit at first (everywhere in the picture,
    three times in the sound), then two, and in the end all, with a share of alike ones; and the first questions
    are those that ask for one digit or for its presence. Texts are drawn in proportion to their current loss.
    """

    def __init__(self, recipe: Recipe, random: np.random.Generator) -> None:
        count = recipe.symbolic_scenes
        drawn = [draw_alike(count // 3, 1, random), draw_alike(count // 3, 2, random), draw_digits(count, random)]
        self.digits, self.pools = drawn, [QuestionPool(digits) for digits in drawn]
        self.texts = all_texts()
        self.one_until = recipe.foundation_one_digit_steps
        self.two_until = self.one_until + recipe.foundation_two_digit_steps
        self.alike_share = recipe.foundation_alike_share
        names = [template(words) for words in self.texts.texts]
        self.templates = sorted(set(names))
        self.template = np.array([self.templates.index(name) for name in names])
        families = self.texts.families
        per_family = [len(set(self.template[families == family])) for family in range(len(FAMILIES))]
        share = [1 / (names.count(name) * per_family[family]) for name, family in zip(names, families)]
        self.shares = np.array(share)
        self.early = np.isin(families, [FAMILIES.index(name) for name in EARLY_FAMILIES])

    def pool(self, step: int, random: np.random.Generator) -> int:
        """0: one digit in a scene, 1: two, 2: any."""
        if step < self.one_until:
            return 0
        return 1 if step < self.two_until or random.random() < self.alike_share else 2

    def weights(self, step: int, losses: np.ndarray) -> np.ndarray:
        """Weight of each text for the current losses [templates]."""
        relative = np.clip(losses / losses.mean(), *WEIGHT_LIMITS)[self.template]
        return self.shares * relative * (self.early if step < self.two_until else 1)


def word_layouts(count: int, random: np.random.Generator) -> np.ndarray:
    """Index of the spoken word at each audio patch [count, 64], -1 in a gap: words of 6 to 19 patches (0.2 to 0.6 s)."""
    lengths = random.integers(6, 20, (count, SPOKEN_WORDS))
    cuts = np.sort(random.integers(0, PATCHES + 1 - lengths.sum(axis=1)[:, None], (count, SPOKEN_WORDS)), axis=1)
    begin = cuts + np.cumsum(lengths, axis=1) - lengths
    place = np.arange(PATCHES)
    layout = np.full((count, PATCHES), -1)
    for word in range(SPOKEN_WORDS):
        first = begin[:, [word]]
        layout[(place >= first) & (place < first + lengths[:, [word]])] = word
    return layout


def train_foundation(recipe: Recipe, device: torch.device) -> dict[str, Any]:
    """Words at patch positions (pooled as features will be) -> captions and answers.

    Noise and a few wrong words at token
    positions stand for imperfect encoders, so that the model learns to weigh all tokens of a digit.
    """
    random, generator = seeded(recipe.seed, 7)
    curriculum = Curriculum(recipe, random)
    texts, asked = curriculum.texts, recipe.foundation_questions
    model = FoundationModel().to(device)
    kinds = len(curriculum.templates)
    carry: dict[str, Any] = {"losses": np.ones(kinds), "right": np.zeros(kinds), "asked": np.zeros(kinds)}
    schedule = Schedule(
        "foundation", [model], recipe.foundation_steps, recipe.foundation_lr, (random, generator), carry, decay=0.02
    )
    batch = recipe.foundation_batch

    def probe() -> dict[str, float]:
        """Training accuracy since the last entry: all, and the template that stands worst."""
        right, count = carry["right"], carry["asked"]
        rates = np.where(count > 0, right / np.maximum(count, 1), np.inf)
        figures = {"answerAccuracy": float(right.sum() / max(1, count.sum()))}
        for name, kind in PLATEAUS.items():
            at = curriculum.templates.index(kind)
            figures[name] = float(rates[at]) if count[at] else 0.0
        figures["worst"] = float(rates.min())
        right[:], count[:] = 0, 0
        return figures

    for step in schedule.remaining():
        kind = curriculum.pool(step, random)
        digits = curriculum.digits[kind]
        rows = random.integers(0, len(digits), batch)
        seen, spoken = digits.seen[rows], digits.spoken[rows]
        chosen, answer = curriculum.pools[kind].draw(rows, asked, curriculum.weights(step, carry["losses"]), random)
        layout = word_layouts(batch, random)
        heard = np.where(layout < 0, SILENCE_WORD, np.take_along_axis(spoken, np.maximum(layout, 0), 1))
        lengths = symbolic_lengths(step, recipe.foundation_steps, random)
        prefix = symbolic_prefix(model, (seen[:, QUADRANT], heard), lengths, random, generator, device)
        captions, _, digits_at = caption_words(seen, spoken)
        text = torch.from_numpy(np.concatenate([texts.words[chosen], captions], axis=1)).to(device)
        with mixed(device):
            logits = model.logits(model.packed(prefix, model.words[text])).float()
        at = torch.from_numpy(texts.lengths[chosen] - 1).to(device)[..., None, None]
        answers = logits[:, :asked].gather(2, at.expand(-1, -1, 1, logits.shape[-1])).flatten(0, 2)
        target = torch.from_numpy(answer).to(device).flatten()
        each = functional.cross_entropy(answers, target, reduction="none", ignore_index=NONE)
        answer_loss = each.sum() / (target != NONE).sum()
        # The word before a digit predicts it.
        telling = logits[:, asked:, :-1][:, torch.from_numpy(digits_at[:, 1:])]
        caption_loss = functional.cross_entropy(
            telling.flatten(0, 1), torch.from_numpy(captions[:, digits_at]).to(device).flatten()
        )
        _count(carry, curriculum.template[chosen].ravel(), answer.ravel(), answers.detach(), each.detach())
        schedule.apply(step, answer_loss + 0.5 * caption_loss, probe)
    return {"state": model.cpu().state_dict(), "log": schedule.log}


def _count(carry: dict[str, Any], kinds: np.ndarray, answer: np.ndarray, logits: Tensor, losses: Tensor) -> None:
    """Adds a step's answers to the counts per template, and moves their mean losses a tenth of the way."""
    there = answer != NONE
    kinds, right = kinds[there], (logits.argmax(-1).cpu().numpy() == answer)[there]
    np.add.at(carry["right"], kinds, right)
    np.add.at(carry["asked"], kinds, 1)
    count = np.bincount(kinds, minlength=len(carry["losses"]))
    total = np.bincount(kinds, weights=losses.cpu().numpy()[there], minlength=len(carry["losses"]))
    met = count > 0
    carry["losses"][met] += 0.1 * (total[met] / count[met] - carry["losses"][met])


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
