"""Draws the modalities before and after alignment from a finished training: `scripts/modalities`. See docs/results.md."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch  # noqa: E402

from digit_avqa.cache import Steps  # noqa: E402
from digit_avqa.foundation import FoundationModel  # noqa: E402
from digit_avqa.modalities import concepts, nearest_words, plane  # noqa: E402
from digit_avqa.pipeline import prepare  # noqa: E402
from digit_avqa.recipe import recipe  # noqa: E402
from digit_avqa.storage import write_whole  # noqa: E402
from digit_avqa.task_training import align  # noqa: E402
from digit_avqa.transceiver import Transceiver  # noqa: E402
from svg import Axes, beside  # noqa: E402

HERE = Path(__file__).resolve().parent
NAMES = {"visual": "seen", "audio": "heard", "text": "word"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="digit-avqa")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="folder of intermediate results")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "docs" / "pictures" / "modalities.svg")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device("cpu")
    chosen = recipe(arguments.recipe, "full", None)
    steps = Steps(arguments.cache, device, None)
    prepared = prepare(chosen, steps, arguments.cache / "downloads", device)
    data = prepared.features["validation"]
    aligned = steps.run(
        "alignment",
        lambda: align(chosen, prepared.features["train"], prepared.frozen, device),
        [align],
        chosen,
        prepared.after,
    )
    model = FoundationModel()
    model.load_state_dict(prepared.frozen["foundation"]["state"])
    torch.manual_seed(chosen.seed)
    before, after = Transceiver(), Transceiver()
    after.load_state_dict(aligned["state"])
    charts = []
    for title, parts in (("before alignment", before), ("after alignment", after)):
        features = concepts(parts.requires_grad_(False), model.requires_grad_(False), data)
        placed, share = plane(features)
        own = nearest_words(features)
        print(
            f"{title}: own word nearest for {own['visual']} of 10 digits seen, {own['audio']} of 10 heard; {share:.0%} of variance"
        )
        every = [point for points in placed.values() for point in points]
        (low_x, low_y), (high_x, high_y) = (
            [min(p[i] for p in every) for i in (0, 1)],
            [max(p[i] for p in every) for i in (0, 1)],
        )
        pad_x, pad_y = 0.12 * (high_x - low_x), 0.12 * (high_y - low_y)
        span = (low_x - pad_x, high_x + 1.2 * pad_x), (low_y - pad_y, high_y + 2.5 * pad_y)
        axes = Axes(f"{title}: {share:.0%} of the variance", "first component", "second component", *span)
        for index, (user, points) in enumerate(placed.items()):
            axes.cloud(NAMES[user], index, [tuple(point) for point in points], [str(digit) for digit in range(10)])
        charts.append(axes)
    write_whole(
        arguments.out,
        beside(charts, "Received features of ten digits as picture, sound and word, before and after alignment"),
    )


if __name__ == "__main__":
    main()
