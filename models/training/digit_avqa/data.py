"""The data set: training and validation scenes from MNIST train and training voices, test scenes from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import mnist
from .questions import QuestionSet, build_questions
from .recipe import Recipe
from .scenes import Digits, Pictures, Recordings, Sounds, draw_digits
from .speech import ClipBank, build_bank, with_speeds

TRAIN_IMAGES = 55000
# flite is a seventh of the training voices but speaks a quarter of the training scenes: it is the harder one.
FLITE_SHARE = {"train": 0.25, "test": 0.1}


@dataclass(frozen=True)
class Scenes:
    """Raw inputs of N scenes and their questions."""

    digits: Digits
    pixels: np.ndarray
    sounds: Sounds
    questions: QuestionSet


class Sources:
    """Handwritten and spoken digits that scenes are made of, per split."""

    def __init__(self, downloads: Path, train_bank: ClipBank, test_bank: ClipBank) -> None:
        archive = mnist.fetch(downloads)
        pixels, labels = mnist.load(archive, "train")
        test_pixels, test_labels = mnist.load(archive, "t10k")
        self.train_pictures = Pictures(pixels[:TRAIN_IMAGES], labels[:TRAIN_IMAGES])
        self.validation_pictures = Pictures(pixels[TRAIN_IMAGES:], labels[TRAIN_IMAGES:])
        self.test_pictures = Pictures(test_pixels, test_labels)
        self.train_recordings = Recordings(train_bank, FLITE_SHARE["train"])
        self.test_recordings = Recordings(test_bank, FLITE_SHARE["test"])


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


def split(sources: Sources, recipe: Recipe, name: str) -> Scenes:
    """The `train`, `validation` or `test` scenes of a recipe."""
    if name == "train":
        pictures, recordings, count = sources.train_pictures, sources.train_recordings, recipe.train_scenes
        return build_scenes(pictures, recordings, count, recipe.train_questions_per_scene, recipe.seed, 101)
    if name == "validation":
        # Voices cannot be held out a second time; validation hears training voices.
        pictures, recordings, count = sources.validation_pictures, sources.train_recordings, recipe.validation_scenes
        return build_scenes(pictures, recordings, count, recipe.questions_per_scene, recipe.seed, 102)
    pictures, recordings, count = sources.test_pictures, sources.test_recordings, recipe.bundle_scenes
    return build_scenes(pictures, recordings, count, recipe.questions_per_scene, recipe.seed, 103)
