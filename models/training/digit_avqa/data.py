"""The data set: training and validation scenes from MNIST train and training voices, test scenes from the rest."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import mnist
from .questions import QuestionSet, build_questions
from .recipe import Recipe
from .scenes import Digits, Pictures, Recordings, Sounds, draw_digits
from .speech import ClipBank, build_bank, with_speeds

TRAIN_IMAGES = 55000
# flite is a fifth of the training voices but speaks a third of the training scenes: it is the harder one.
FLITE_SHARE = {"train": 0.35, "test": 0.1, "voices": 0.5}


@dataclass(frozen=True)
class Scenes:
    """Raw inputs of N scenes and their questions."""

    digits: Digits
    pixels: np.ndarray
    sounds: Sounds
    questions: QuestionSet


@dataclass(frozen=True)
class PicturePools:
    """Handwritten digits of each split."""

    train: Pictures
    validation: Pictures
    test: Pictures


@dataclass(frozen=True)
class Sources:
    """What scenes are made of, per split."""

    pictures: PicturePools
    train_recordings: Recordings
    test_recordings: Recordings


def picture_pools(downloads: Path) -> PicturePools:
    """MNIST, fetched when it is not there."""
    archive = mnist.fetch(downloads)
    pixels, labels = mnist.load(archive, "train")
    train, validation = slice(0, TRAIN_IMAGES), slice(TRAIN_IMAGES, None)
    return PicturePools(
        Pictures(pixels[train], labels[train]),
        Pictures(pixels[validation], labels[validation]),
        Pictures(*mnist.load(archive, "t10k")),
    )


def recordings(train_bank: ClipBank, test_bank: ClipBank) -> tuple[Recordings, Recordings]:
    """Sounds by training voices, and by unseen ones."""
    return Recordings(train_bank, FLITE_SHARE["train"]), Recordings(test_bank, FLITE_SHARE["test"])


def build_banks(seed: int) -> tuple[ClipBank, ClipBank]:
    """Training voices (with speed copies) and unseen test voices."""
    return with_speeds(build_bank(False, seed)), build_bank(True, seed)


def build_scenes(
    pictures: Pictures, recordings: Recordings, count: int, questions_per_scene: int, seed: int, stream: int
) -> Scenes:
    """`count` scenes; the same bytes for the same seed and stream."""
    random = np.random.default_rng([seed, stream])
    digits = draw_digits(count, random)
    pixels = pictures.render(digits.seen, random)
    sounds = recordings.render(digits.spoken, random)
    return Scenes(digits, pixels, sounds, build_questions(digits, questions_per_scene, random))


def train_split(recipe: Recipe, sources: Sources) -> Scenes:
    """Training scenes."""
    count, asked = recipe.train_scenes, recipe.train_questions_per_scene
    return build_scenes(sources.pictures.train, sources.train_recordings, count, asked, recipe.seed, 101)


def validation_split(recipe: Recipe, sources: Sources) -> Scenes:
    """Other pictures of MNIST train; voices cannot be held out a second time, so validation hears training voices."""
    count, asked = recipe.validation_scenes, recipe.questions_per_scene
    return build_scenes(sources.pictures.validation, sources.train_recordings, count, asked, recipe.seed, 102)


def test_split(recipe: Recipe, sources: Sources) -> Scenes:
    """The bundle's test: pictures of MNIST test, unseen voices."""
    count, asked = recipe.bundle_scenes, recipe.questions_per_scene
    return build_scenes(sources.pictures.test, sources.test_recordings, count, asked, recipe.seed, 103)


def unseen_voices_split(recipe: Recipe, sources: Sources) -> Scenes:
    """Test pictures with unseen voices, both synthesisers alike."""
    unseen = sources.test_recordings.sharing(FLITE_SHARE["voices"])
    return build_scenes(
        sources.pictures.test, unseen, recipe.voice_scenes, recipe.questions_per_scene, recipe.seed, 104
    )


def known_voices_split(recipe: Recipe, sources: Sources) -> Scenes:
    """The same digits, pictures and questions, spoken by training voices: what unseen ones cost."""
    known = sources.train_recordings.sharing(FLITE_SHARE["voices"])
    scenes = unseen_voices_split(recipe, sources)
    sounds = known.render(scenes.digits.spoken, np.random.default_rng([recipe.seed, 105]))
    return dataclasses.replace(scenes, sounds=sounds)


SPLITS = {
    "train": train_split,
    "validation": validation_split,
    "test": test_split,
    "unseen-voices": unseen_voices_split,
    "known-voices": known_voices_split,
}
# Splits that no training voice speaks in.
UNSEEN = ("test", "unseen-voices")
