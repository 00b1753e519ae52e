"""Bank of spoken digits from espeak-ng and flite, 8 kHz. Test voices are never heard in training."""

from __future__ import annotations

import io
import subprocess
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

from .recipe import SAMPLE_RATE_HZ

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
ESPEAK_ACCENTS = ["en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]
# Plain human-like variants only: whispers, robots and jokes are left out.
ESPEAK_TRAIN_VARIANTS = (
    "m1 m2 m3 m5 m6 m8 f1 f2 f4 f5 Alex Alicia Andrea Annie Denis Gene Hugo Jacky Marco Michael Mike adam anika "
    "aunty belinda benjamin boris caleb david ed edward gustave iven john linda max michel miguel norbert pablo "
    "paul pedro quincy rob sandro shelby steph travis victor"
).split()
ESPEAK_TEST_VARIANTS = "m4 m7 f3 Andy Diogo Lee Mario Henrique antonio grandma marcelo robert steph3 zac Gene2".split()
ESPEAK_TRAIN_VOICES = 160
ESPEAK_TEST_VOICES = 36
# flite has four speakers: three for training, rms kept for the test. Prosody varies per voice.
FLITE_TRAIN = {"kal": 8, "awb": 12, "slt": 16}
FLITE_TEST = {"rms": 4}
FLITE_PITCH_HZ = {"kal": 105, "awb": 120, "slt": 170, "rms": 95}
TARGET_RMS = 0.12
MAX_CLIP_SAMPLES = 4800
# Speech is what lies above this share of the loudest 20 ms (-40 dB): at -30 dB, "six" of flite's slt lost its s.
QUIETEST_SHARE = 1e-4
# Clips are also played faster and slower (pitch and formants move along); flite more, having few speakers.
SPEEDS = {"espeak-ng": ((25, 23), (23, 25)), "flite": ((25, 23), (23, 25), (20, 17), (17, 20))}


@dataclass(frozen=True)
class Voice:
    """One speaker with one prosody."""

    synthesiser: str
    speaker: str
    words_per_minute: int
    pitch: int


@dataclass(frozen=True)
class ClipBank:
    """Spoken digits: clips[i] is int16 [samples] of digit[i] by voices[voice[i]]."""

    clips: list[np.ndarray]
    digit: np.ndarray
    voice: np.ndarray
    voices: list[Voice]


def _voices(test: bool, random: np.random.Generator) -> list[Voice]:
    variants = ESPEAK_TEST_VARIANTS if test else ESPEAK_TRAIN_VARIANTS
    chosen: list[Voice] = []
    for index in range(ESPEAK_TEST_VOICES if test else ESPEAK_TRAIN_VOICES):
        accent = ESPEAK_ACCENTS[int(random.integers(len(ESPEAK_ACCENTS)))]
        variant = variants[index % len(variants)]
        rate, pitch = int(random.integers(150, 215)), int(random.integers(30, 71))
        chosen.append(Voice("espeak-ng", f"{accent}+{variant}", rate, pitch))
    for speaker, count in (FLITE_TEST if test else FLITE_TRAIN).items():
        for _ in range(count):
            rate = int(random.integers(150, 205))
            pitch = int(FLITE_PITCH_HZ[speaker] * random.uniform(0.8, 1.25))
            chosen.append(Voice("flite", speaker, rate, pitch))
    return chosen


def _synthesise(voice: Voice, word: str) -> np.ndarray:
    """Float samples at 8 kHz in [-1, 1]."""
    if voice.synthesiser == "espeak-ng":
        rate, pitch = str(voice.words_per_minute), str(voice.pitch)
        command = ["espeak-ng", "-v", voice.speaker, "-s", rate, "-p", pitch, "--stdout", word]
    else:
        stretch = f"duration_stretch={175 / voice.words_per_minute:.3f}"
        pitch_hz = f"int_f0_target_mean={voice.pitch}"
        command = [
            "flite",
            "-voice",
            voice.speaker,
            "--setf",
            stretch,
            "--setf",
            pitch_hz,
            "-t",
            word,
            "-o",
            "/dev/stdout",
        ]
    raw = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    # Both write a WAV header with an unknown length to a pipe; take all samples after it.
    with wave.open(io.BytesIO(raw)) as reader:
        rate_hz = reader.getframerate()
    data = raw[raw.index(b"data") + 8 :]
    samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.float64) / 32768
    if rate_hz == 22050:
        return resample_poly(samples, 160, 441)
    return resample_poly(samples, SAMPLE_RATE_HZ, rate_hz) if rate_hz != SAMPLE_RATE_HZ else samples


def _trim(samples: np.ndarray) -> np.ndarray | None:
    """Speech alone at a fixed level; None when too long or silent."""
    frame = SAMPLE_RATE_HZ // 50
    frames = len(samples) // frame
    energy = (samples[: frames * frame].reshape(frames, frame) ** 2).mean(axis=1) if frames else np.zeros(0)
    if frames == 0 or energy.max() < 1e-7:
        return None
    loud = np.nonzero(energy > energy.max() * QUIETEST_SHARE)[0]
    speech = samples[max(0, loud[0] - 1) * frame : (loud[-1] + 2) * frame]
    if len(speech) > MAX_CLIP_SAMPLES:
        # Same pitch change as a faster tape: at most 30 %, otherwise the voice is left out.
        if len(speech) > MAX_CLIP_SAMPLES * 1.3:
            return None
        speech = resample_poly(speech, MAX_CLIP_SAMPLES * 100 // len(speech), 100)[:MAX_CLIP_SAMPLES]
    speech = speech * (TARGET_RMS / np.sqrt((speech**2).mean()))
    return np.clip(np.round(speech * 32767), -32767, 32767).astype(np.int16)


def build_bank(test: bool, seed: int) -> ClipBank:
    """Synthesise every voice saying every digit."""
    random = np.random.default_rng([seed, 11, int(test)])
    voices = _voices(test, random)
    jobs = [(index, digit) for index in range(len(voices)) for digit in range(10)]
    with ThreadPoolExecutor(4) as pool:
        spoken = list(pool.map(lambda job: _trim(_synthesise(voices[job[0]], WORDS[job[1]])), jobs))
    kept = [(clip, job) for clip, job in zip(spoken, jobs) if clip is not None]
    return ClipBank(
        clips=[clip for clip, _ in kept],
        digit=np.array([job[1] for _, job in kept]),
        voice=np.array([job[0] for _, job in kept]),
        voices=voices,
    )


def with_speeds(bank: ClipBank) -> ClipBank:
    """The bank with copies at other speeds, as augmentation."""
    clips, digit, voice = list(bank.clips), list(bank.digit), list(bank.voice)
    for index, clip in enumerate(bank.clips):
        for up, down in SPEEDS[bank.voices[bank.voice[index]].synthesiser]:
            changed = np.clip(resample_poly(clip.astype(np.float64), up, down), -32767, 32767)
            if len(changed) <= MAX_CLIP_SAMPLES * 1.09:
                clips.append(changed.astype(np.int16))
                digit.append(bank.digit[index])
                voice.append(bank.voice[index])
    return ClipBank(clips, np.array(digit), np.array(voice), bank.voices)
