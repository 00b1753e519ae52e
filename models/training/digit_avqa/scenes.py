"""Scenes: four handwritten digits in a picture, three spoken digits in a sound."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from .recipe import CLIP_SAMPLES, IMAGE_SIZE, PATCHES, SPOKEN_WORDS
from .speech import ClipBank

SILENCE = 10
MU = 255.0
FRAME_SAMPLES = CLIP_SAMPLES // PATCHES


@dataclass(frozen=True)
class Digits:
    """What scenes contain: seen [N, 4] (top left, top right, bottom left, bottom right), spoken [N, 3]."""

    seen: np.ndarray
    spoken: np.ndarray

    def __len__(self) -> int:
        return len(self.seen)


@dataclass(frozen=True)
class Sounds:
    """mu_law [N, 16384] uint8; layout [N, 64] int8: index of the spoken word per audio token, -1 in a gap."""

    mu_law: np.ndarray
    layout: np.ndarray
    voice: np.ndarray


def draw_digits(count: int, random: np.random.Generator) -> Digits:
    """Independent uniform digits."""
    seen = random.integers(0, 10, (count, 4)).astype(np.int64)
    return Digits(seen, random.integers(0, 10, (count, SPOKEN_WORDS)).astype(np.int64))


def mu_law_encode(samples: np.ndarray) -> np.ndarray:
    """8-bit mu-law codes, continuous formula (not G.711 segments): 255 levels around code 128, of [-1, 1]."""
    compressed = np.sign(samples) * np.log1p(MU * np.abs(samples)) / np.log1p(MU)
    return (np.round(np.clip(compressed, -1, 1) * 127) + 128).astype(np.uint8)


def mu_law_decode(codes: np.ndarray) -> np.ndarray:
    """float32 samples in [-1, 1]."""
    compressed = (codes.astype(np.float32) - 128) / 127
    return (np.sign(compressed) * np.expm1(np.abs(compressed) * np.log1p(MU)) / MU).astype(np.float32)


class Pictures:
    """Renders pictures [N, 56, 56] uint8 from a pool of MNIST digits."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.pixels = pixels
        self.by_digit = [np.nonzero(labels == digit)[0] for digit in range(10)]

    def render(self, seen: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Every digit is shifted by up to 2 pixels each way; Gaussian pixel noise of 0.1 on top."""
        count = len(seen)
        canvas = np.zeros((count, IMAGE_SIZE, IMAGE_SIZE), np.float32)
        half = IMAGE_SIZE // 2
        for slot in range(4):
            pick = np.empty(count, np.int64)
            for digit in range(10):
                at = np.nonzero(seen[:, slot] == digit)[0]
                pick[at] = random.choice(self.by_digit[digit], len(at))
            tile = np.zeros((count, half + 4, half + 4), np.float32)
            tile[:, 2:-2, 2:-2] = self.pixels[pick].astype(np.float32) / 255
            shift = random.integers(0, 5, (count, 2))
            rows = shift[:, 0, None, None] + np.arange(half)[None, :, None]
            columns = shift[:, 1, None, None] + np.arange(half)[None, None, :]
            top, left = (slot // 2) * half, (slot % 2) * half
            canvas[:, top : top + half, left : left + half] = tile[np.arange(count)[:, None, None], rows, columns]
        canvas += 0.1 * random.standard_normal(canvas.shape, dtype=np.float32)
        return np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8)


class Recordings:
    """Renders sounds of three words, one voice per scene, from a clip bank."""

    def __init__(self, bank: ClipBank, flite_share: float) -> None:
        self.clips = bank.clips
        names = [voice.synthesiser for voice in bank.voices]
        self.clip_index = {
            (int(v), int(d)): np.nonzero((bank.voice == v) & (bank.digit == d))[0]
            for v in np.unique(bank.voice)
            for d in range(10)
        }
        complete = [v for v in range(len(names)) if all(len(self.clip_index.get((v, d), ())) for d in range(10))]
        self.flite = np.array([v for v in complete if names[v] == "flite"])
        self.espeak = np.array([v for v in complete if names[v] != "flite"])
        self.flite_share = flite_share

    def sharing(self, flite_share: float) -> Recordings:
        """The same clips with another share of scenes spoken by flite."""
        other = copy.copy(self)
        other.flite_share = flite_share
        return other

    def render(self, spoken: np.ndarray, random: np.random.Generator) -> Sounds:
        """Random gaps, level within 4 dB, a faint noise floor between -60 and -40 dB full scale."""
        count = len(spoken)
        mu_law = np.empty((count, CLIP_SAMPLES), np.uint8)
        layout = np.full((count, PATCHES), -1, np.int8)
        voices = np.empty(count, np.int64)
        centres = (np.arange(PATCHES) + 0.5) * FRAME_SAMPLES
        for index in range(count):
            pool = self.flite if random.random() < self.flite_share else self.espeak
            voice = int(pool[random.integers(len(pool))])
            voices[index] = voice
            clips = [
                self.clips[int(choices[random.integers(len(choices))])]
                for choices in (self.clip_index[(voice, int(digit))] for digit in spoken[index])
            ]
            spare = CLIP_SAMPLES - sum(len(clip) for clip in clips)
            cuts = np.sort(random.integers(0, spare + 1, SPOKEN_WORDS))
            wave = random.standard_normal(CLIP_SAMPLES, dtype=np.float32)
            wave *= np.float32(10 ** (random.uniform(-60, -40) / 20))
            gain = np.float32(10 ** (random.uniform(-4, 4) / 20) / 32768)
            start = 0
            for word, clip in enumerate(clips):
                begin = int(cuts[word]) + start
                wave[begin : begin + len(clip)] += clip.astype(np.float32) * gain
                layout[index, (centres >= begin) & (centres < begin + len(clip))] = word
                start += len(clip)
            mu_law[index] = mu_law_encode(np.clip(wave, -1, 1))
        return Sounds(mu_law, layout, voices)


def frame_labels(layout: np.ndarray, spoken: np.ndarray) -> np.ndarray:
    """Digit heard at each audio token [N, 64], SILENCE in gaps."""
    words = np.take_along_axis(spoken, np.maximum(layout, 0).astype(np.int64), axis=1)
    return np.where(layout < 0, SILENCE, words)
