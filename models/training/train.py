"""Trains a bundle from nothing: `scripts/train --recipe digit-avqa`. See docs/models.md."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# Set before NumPy and PyTorch load: two thread pools that spin against each other halve the speed.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402

from digit_avqa.cache import Steps  # noqa: E402
from digit_avqa.pipeline import STEPS, prepare, train  # noqa: E402
from digit_avqa.progress import say  # noqa: E402
from digit_avqa.recipe import RECIPES, recipe  # noqa: E402
from digit_avqa.study import ARMS, Plan, arms, run_study  # noqa: E402

HERE = Path(__file__).resolve().parent


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="digit-avqa", help=f"what to train: {', '.join(RECIPES)}")
    parser.add_argument(
        "--preset", choices=["full", "quick"], default="full", help="quick: every step, hardly any training"
    )
    parser.add_argument("--seed", type=int, help="seed of data and training (default: the recipe's)")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (default 2)")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda where there is one")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of intermediate results")
    parser.add_argument("--out", type=Path, help="bundle folder (default models/bundles/<recipe>), or study file")
    parser.add_argument("--until", help="stop after this step, for example visual-encoder")
    study = parser.add_argument_group(
        "study", "trains arms instead of a bundle; every run is kept, so it can be stopped"
    )
    study.add_argument("--study", choices=["alignment"], help="with and without alignment, over seeds")
    study.add_argument("--arms", default=",".join(ARMS[:3]), help=f"of {', '.join(ARMS)} (default: the first three)")
    study.add_argument("--seeds", type=int, default=5, help="seeds 1, 2, ... (default 5)")
    study.add_argument("--alignment-steps", type=int, default=150, help="of stage 1 (default 150)")
    study.add_argument("--task-steps", type=int, default=300, help="of stage 2 (default 300)")
    study.add_argument("--draws", type=int, default=2, help="noise draws a point (default 2)")
    return parser.parse_args()


def check(arguments: argparse.Namespace) -> None:
    """Ends with one line for a value that cannot be."""
    for name in ("threads", "seeds", "alignment_steps", "task_steps", "draws"):
        if getattr(arguments, name) < 1:
            raise SystemExit(f'--{name.replace("_", "-")}: value "{getattr(arguments, name)}"; allowed integers from 1')
    unknown = [name for name in arguments.arms.split(",") if name not in ARMS]
    if unknown:
        raise SystemExit(f'--arms: value "{unknown[0]}"; allowed {", ".join(ARMS)}')
    if arguments.until not in (None, *STEPS):
        raise SystemExit(f'--until: value "{arguments.until}"; allowed {", ".join(STEPS)}')
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit('--device: value "cuda"; allowed cpu, PyTorch finds no CUDA device here')
    if arguments.seed is not None and not 0 <= arguments.seed < 2**31:
        raise SystemExit(f'--seed: value "{arguments.seed}"; allowed integers from 0 to {2**31 - 1}')


def main() -> None:
    arguments = options()
    check(arguments)
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    device = torch.device(arguments.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    chosen = recipe(arguments.recipe, arguments.preset, arguments.seed)
    steps = Steps(arguments.cache, device, arguments.until)
    downloads = arguments.cache / "downloads"
    say(f"recipe {chosen.name}, preset {chosen.preset}, seed {chosen.seed}, {device}, {arguments.threads} threads")
    if arguments.study is None:
        out = arguments.out or HERE.parent / "bundles" / chosen.name
        train(chosen, steps, downloads, out, device)
        return
    plan = Plan(
        arms(arguments.arms.split(","), arguments.alignment_steps, arguments.task_steps),
        list(range(1, arguments.seeds + 1)),
        arguments.draws,
        chosen.preset,
        f"scripts/train --study {arguments.study} --arms {arguments.arms} --seeds {arguments.seeds} --draws {arguments.draws}"
        f" --alignment-steps {arguments.alignment_steps} --task-steps {arguments.task_steps}",
    )
    out = arguments.out or HERE.parent / "studies" / f"{arguments.study}.json"
    run_study(chosen, prepare(chosen, steps, downloads, device), steps, plan, out, device)


if __name__ == "__main__":
    main()
