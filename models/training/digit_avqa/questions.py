"""Templated questions, each with a one-word answer, balanced per question text.

Every question text ("instance") is answered for all scenes at once; an answer that is more common than
others is accepted less often, so that knowing the question alone helps as little as possible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .recipe import MAX_WORDS
from .scenes import Digits
from .speech import WORDS as NUMBERS

FAMILIES = ["location", "order", "count", "extreme", "temporal", "existence", "comparison", "where", "cross"]
PLACES = ["top left", "top right", "bottom left", "bottom right"]
ORDINALS = ["first", "second", "third"]
VOCABULARY = (
    NUMBERS
    + "yes no left right top bottom silence first second third what digit is at the spoken seen how many even odd "
    "digits are largest smallest before after a an greater than or picture shows sound says".split()
)
INDEX = {word: index for index, word in enumerate(VOCABULARY)}
SILENCE_WORD = INDEX["silence"]
# Answers rarer than this among scenes may stay rarer among questions: no scene shows 0 as its largest digit.
RAREST_SHARE = 0.03
NONE = -1


@dataclass(frozen=True)
class Instance:
    """One question text; `answers` [N] holds vocabulary indices, NONE where the question does not apply."""

    family: int
    words: list[str]
    answers: np.ndarray


def _yes_no(truth: np.ndarray) -> np.ndarray:
    return np.where(truth, INDEX["yes"], INDEX["no"])


def instances(digits: Digits) -> list[Instance]:
    """All question texts with their answers for all scenes."""
    seen, spoken = digits.seen, digits.spoken
    found: list[Instance] = []

    def add(family: str, text: str, answers: np.ndarray, applies: np.ndarray | None = None) -> None:
        if applies is not None:
            answers = np.where(applies, answers, NONE)
        words = text.split()
        assert len(words) <= MAX_WORDS, text
        found.append(Instance(FAMILIES.index(family), words, answers.astype(np.int64)))

    for slot, place in enumerate(PLACES):
        add("location", f"what digit is at the {place}", seen[:, slot])
    for word, ordinal in enumerate(ORDINALS):
        add("order", f"what digit is spoken {ordinal}", spoken[:, word])
    for parity, name in enumerate(("even", "odd")):
        add("count", f"how many {name} digits are seen", (seen % 2 == parity).sum(axis=1))
        add("count", f"how many {name} digits are spoken", (spoken % 2 == parity).sum(axis=1))
    for sense, values in (("seen", seen), ("spoken", spoken)):
        add("extreme", f"what is the largest digit {sense}", values.max(axis=1))
        add("extreme", f"what is the smallest digit {sense}", values.min(axis=1))
    for number in range(10):
        once = (spoken == number).sum(axis=1) == 1
        at = (spoken == number).argmax(axis=1)
        rows = np.arange(len(seen))
        before, after = spoken[rows, np.maximum(at - 1, 0)], spoken[rows, np.minimum(at + 1, 2)]
        add("temporal", f"what digit is spoken before the {NUMBERS[number]}", before, once & (at > 0))
        add("temporal", f"what digit is spoken after the {NUMBERS[number]}", after, once & (at < 2))
    for sense, values in (("seen", seen), ("spoken", spoken)):
        for number in range(10):
            article = "an" if number == 8 else "a"
            add("existence", f"is {article} {NUMBERS[number]} {sense}", _yes_no((values == number).any(axis=1)))
    for first in range(4):
        for second in range(4):
            if first != second:
                text = f"is the {PLACES[first]} greater than the {PLACES[second]}"
                add("comparison", text, _yes_no(seen[:, first] > seen[:, second]))
    for first in range(3):
        for second in range(3):
            if first != second:
                text = f"is the {ORDINALS[first]} spoken greater than the {ORDINALS[second]}"
                add("comparison", text, _yes_no(spoken[:, first] > spoken[:, second]))
    for number in range(10):
        shown = seen == number
        left, right = shown[:, [0, 2]].any(axis=1), shown[:, [1, 3]].any(axis=1)
        top, bottom = shown[:, :2].any(axis=1), shown[:, 2:].any(axis=1)
        side = np.where(left, INDEX["left"], INDEX["right"])
        height = np.where(top, INDEX["top"], INDEX["bottom"])
        add("where", f"is the {NUMBERS[number]} seen left or right", side, left != right)
        add("where", f"is the {NUMBERS[number]} seen top or bottom", height, top != bottom)
    both = (spoken[:, :, None] == seen[:, None, :]).any(axis=2)
    for word, ordinal in enumerate(ORDINALS):
        add("cross", f"is the {ordinal} spoken digit seen", _yes_no(both[:, word]))
    for slot, place in enumerate(PLACES):
        add("cross", f"is the {place} digit spoken", _yes_no((spoken == seen[:, [slot]]).any(axis=1)))
    add("cross", "how many spoken digits are seen", both.sum(axis=1))
    return found


@dataclass(frozen=True)
class QuestionSet:
    """Questions of N scenes, K each. `text` indexes `texts`; `answer` is a vocabulary index."""

    texts: list[list[str]]
    families: np.ndarray
    text: np.ndarray
    answer: np.ndarray
    words: np.ndarray
    lengths: np.ndarray

    def of_text(self, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Word indices [..., 9] (padded with 0) and word counts [...] of question texts."""
        return self.words[text], self.lengths[text]


def acceptance(found: list[Instance]) -> np.ndarray:
    """Probability [N, texts] of asking a text of a scene, such that its answers become equally frequent; 0 where it
    does not apply."""
    accept = np.zeros((len(found[0].answers), len(found)))
    for column, instance in enumerate(found):
        applies = instance.answers >= 0
        if applies.any():
            shares = np.bincount(instance.answers[applies], minlength=len(VOCABULARY)) / applies.sum()
            floor = max(shares[shares > 0].min(), RAREST_SHARE)
            keep = np.minimum(1, floor / np.maximum(shares, 1e-9))
            accept[:, column] = np.where(applies, keep[np.maximum(instance.answers, 0)], 0)
    return accept


def template(words: list[str]) -> str:
    """A text without the digit, place or ordinal that it names: "is a D seen"."""
    text = " ".join("D" if word in NUMBERS else "N" if word in ORDINALS else word for word in words)
    for place in PLACES:
        text = text.replace(place, "P")
    return text.replace(" an ", " a ")


class QuestionPool:
    """All questions that N scenes allow, to draw from by text."""

    def __init__(self, digits: Digits) -> None:
        found = instances(digits)
        self.answers = np.stack([instance.answers for instance in found], axis=1)
        self.accept = acceptance(found).astype(np.float32)

    def draw(
        self, rows: np.ndarray, per_scene: int, weights: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """`per_scene` different texts [B, K] for scenes `rows` [B], drawn by `weights` [texts], and answers [B, K].

        An answer is NONE where a scene allows fewer texts.
        """
        wanted = self.accept[rows] * weights.astype(np.float32)
        keys = random.standard_exponential(wanted.shape, dtype=np.float32) / np.maximum(wanted, 1e-30)
        text = np.argpartition(keys, per_scene, axis=1)[:, :per_scene]
        allowed = np.take_along_axis(wanted, text, axis=1) > 0
        return text, np.where(allowed, np.take_along_axis(self.answers[rows], text, axis=1), NONE)


@dataclass(frozen=True)
class Texts:
    """Question texts as word indices [texts, 9] (padded with 0), word counts and families [texts]."""

    texts: list[list[str]]
    families: np.ndarray
    words: np.ndarray
    lengths: np.ndarray


def all_texts() -> Texts:
    """Every question text."""
    found = instances(Digits(np.zeros((1, 4), np.int64), np.zeros((1, 3), np.int64)))
    words = np.zeros((len(found), MAX_WORDS), np.int64)
    for row, instance in enumerate(found):
        words[row, : len(instance.words)] = [INDEX[word] for word in instance.words]
    return Texts(
        texts=[instance.words for instance in found],
        families=np.array([instance.family for instance in found]),
        words=words,
        lengths=np.array([len(instance.words) for instance in found]),
    )


def build_questions(digits: Digits, per_scene: int, random: np.random.Generator) -> QuestionSet:
    """`per_scene` questions of different families for every scene."""
    found = instances(digits)
    count = len(digits)
    answers = np.stack([instance.answers for instance in found], axis=1)
    accept = acceptance(found)
    keys = np.where(random.random(answers.shape) < accept, random.random(answers.shape), np.inf)
    known = all_texts()
    families = known.families
    best = np.empty((count, len(FAMILIES)), np.int64)
    best_key = np.empty((count, len(FAMILIES)))
    for family in range(len(FAMILIES)):
        columns = np.nonzero(families == family)[0]
        position = keys[:, columns].argmin(axis=1)
        best[:, family] = columns[position]
        best_key[:, family] = keys[np.arange(count), best[:, family]]
    order = np.where(np.isinf(best_key), np.inf, random.random(best_key.shape)).argsort(axis=1)[:, :per_scene]
    text = np.take_along_axis(best, order, axis=1)
    if np.isinf(np.take_along_axis(best_key, order, axis=1)).any():
        # Too few families were accepted for a scene: repeat its accepted ones.
        valid = ~np.isinf(best_key)
        for row in np.nonzero(valid.sum(axis=1) < per_scene)[0]:
            text[row] = random.choice(best[row, np.nonzero(valid[row])[0]], per_scene)
    answer = np.take_along_axis(answers, text, axis=1)
    return QuestionSet(known.texts, families, text, answer, known.words, known.lengths)


def blind_answers(questions: QuestionSet) -> dict[int, int]:
    """Best question-only predictor: majority answer per question text, counted on training questions."""
    majority: dict[int, int] = {}
    for text in range(len(questions.texts)):
        given = questions.answer[questions.text == text]
        majority[text] = int(np.bincount(given, minlength=len(VOCABULARY)).argmax())
    return majority
