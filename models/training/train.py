"""Trains a bundle from nothing: `scripts/train --recipe digit-avqa`. See docs/models.md."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# Set before NumPy and PyTorch load: two thread pools that spin against each other halve the speed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402

from digit_avqa.cache import Steps  # noqa: E402
from digit_avqa.pipeline import train  # noqa: E402
from digit_avqa.progress import say  # noqa: E402
from digit_avqa.recipe import recipe  # noqa: E402

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", required=True, help="what to train: digit-avqa")
    parser.add_argument(
        "--preset", choices=["full", "quick"], default="full", help="quick: every step, hardly any training"
    )
    parser.add_argument("--seed", type=int, help="seed of data and training (default: the recipe's)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of intermediate results")
    parser.add_argument("--out", type=Path, help="bundle folder (default models/bundles/<recipe>)")
    parser.add_argument("--until", help="stop after this step, for example visual-encoder")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = recipe(arguments.recipe, arguments.preset, arguments.seed)
    out = arguments.out or HERE.parent / "bundles" / chosen.name
    say(f"recipe {chosen.name}, preset {chosen.preset}, seed {chosen.seed}, {device}, {arguments.threads} threads")
    train(chosen, Steps(arguments.cache, device, arguments.until), arguments.cache / "downloads", out, device)


if __name__ == "__main__":
    main()
