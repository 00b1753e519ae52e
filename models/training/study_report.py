"""Statistics of a study's runs: paired by seed, intervals over seeds, as Markdown tables and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterable

import numpy as np
from scipy.stats import t as student

from svg import Axes, Line, beside

REFERENCE = "alignment"
CONFIDENCE = 0.95
TOKENS = 16
DETAIL_SNR_DB = 10


@dataclass(frozen=True)
class Interval:
    """Mean and 95 % interval (Student's t over seeds); the ends are NaN with a single seed."""

    mean: float
    low: float
    high: float
    count: int

    @staticmethod
    def of(values: Iterable[float]) -> "Interval":
        found = np.array(list(values), float)
        mean, count = float(found.mean()), len(found)
        if count < 2:
            return Interval(mean, float("nan"), float("nan"), count)
        half = float(student.ppf(0.5 + CONFIDENCE / 2, count - 1) * found.std(ddof=1) / np.sqrt(count))
        return Interval(mean, mean - half, mean + half, count)

    def text(self, sign: bool = False) -> str:
        """In percent, or points with a sign; the interval in brackets."""
        if not np.isfinite(self.low):
            return f"{self.mean:+.1f}" if sign else f"{self.mean:.1f}"
        if sign:
            return f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"
        return f"{self.mean:.1f} [{self.low:.1f}, {self.high:.1f}]"


Cell = Callable[[dict[str, Any]], "dict[str, int] | None"]


class Study:
    """Runs by arm and seed."""

    def __init__(self, results: dict[str, Any]) -> None:
        self.results = results
        self.runs: dict[str, dict[int, dict[str, Any]]] = {}
        for run in results["runs"]:
            self.runs.setdefault(run["arm"], {})[run["seed"]] = run
        if REFERENCE not in self.runs:
            raise SystemExit(f"study: runs: no arm {REFERENCE}; allowed a study with that arm")
        self.arms = list(self.runs)
        self.others = [arm for arm in self.arms if arm != REFERENCE]

    def snr_db(self, tokens: int) -> list[float]:
        first = next(iter(self.runs[REFERENCE].values()))
        return sorted(row["snrDb"] for row in first["rows"] if row["visualTokens"] == row["audioTokens"] == tokens)

    def percent(self, arm: str, seed: int, tokens: int, snr_db: float, cell: Cell = lambda row: row) -> float:
        """Accuracy of a run at one point, in percent."""
        for row in self.runs[arm][seed]["rows"]:
            if row["visualTokens"] == row["audioTokens"] == tokens and row["snrDb"] == snr_db:
                counts = cell(row)
                if counts is not None and counts["questions"] > 0:
                    return 100 * counts["right"] / counts["questions"]
        return float("nan")

    def accuracy(self, arm: str, tokens: int, snr_db: float, cell: Cell = lambda row: row) -> Interval:
        return Interval.of(self.percent(arm, seed, tokens, snr_db, cell) for seed in sorted(self.runs[arm]))

    def seeds(self, arm: str) -> list[int]:
        """Seeds that both arms of a pair have."""
        return sorted(self.runs[arm].keys() & self.runs[REFERENCE].keys())

    def gain(self, arm: str, tokens: int, levels: Iterable[float], cell: Cell = lambda row: row) -> Interval:
        """Points that alignment is above `arm`, mean over `levels`, paired by seed."""
        levels = list(levels)

        def mean(which: str, seed: int) -> float:
            return float(np.mean([self.percent(which, seed, tokens, level, cell) for level in levels]))

        return Interval.of(mean(REFERENCE, seed) - mean(arm, seed) for seed in self.seeds(arm))


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def curves(study: Study, tokens: int = TOKENS) -> str:
    levels = study.snr_db(tokens)
    head = ["arm \\ SNR dB", *(f"{level:g}" for level in levels)]
    return table(head, ([arm, *(study.accuracy(arm, tokens, level).text() for level in levels)] for arm in study.arms))


def gains(study: Study, tokens: int = TOKENS) -> str:
    levels = study.snr_db(tokens)
    head = ["alignment above", *(f"{level:g} dB" for level in levels), "mean of all"]
    rows = []
    for arm in study.others:
        cells = [study.gain(arm, tokens, [level]).text(True) for level in levels]
        rows.append([arm, *cells, study.gain(arm, tokens, levels).text(True)])
    return table(head, rows)


def groups(study: Study, kind: str, tokens: int = TOKENS, snr_db: float = DETAIL_SNR_DB) -> str:
    """Per family or voice group: accuracy of the aligned arm, and how far it is above each other one."""
    first = next(iter(study.runs[REFERENCE].values()))
    names = next(row[kind] for row in first["rows"] if row["visualTokens"] == tokens).keys()
    head = [{"families": "family", "voices": "voices"}[kind], REFERENCE, *(f"above {arm}" for arm in study.others)]
    rows = []
    for name in names:

        def cell(row: dict[str, Any], name: str = name) -> dict[str, int] | None:
            return row[kind].get(name)

        above = [study.gain(arm, tokens, [snr_db], cell).text(True) for arm in study.others]
        rows.append([name, study.accuracy(REFERENCE, tokens, snr_db, cell).text(), *above])
    return table(head, rows)


def tuning(study: Study) -> str:
    tried = study.results["tuning"]
    rates = sorted({run["learningRate"] for run in tried})
    head = ["arm \\ learning rate of stage 2", *(f"{rate:g}" for rate in rates)]
    rows = []
    for arm in dict.fromkeys(run["arm"] for run in tried):
        losses = {run["learningRate"]: run["validationLossNats"] for run in tried if run["arm"] == arm}
        best = min(losses.values())
        shown = [losses.get(rate) for rate in rates]
        cells = ["" if loss is None else f"**{loss:.3f}**" if loss == best else f"{loss:.3f}" for loss in shown]
        rows.append([arm, *cells])
    return table(head, rows)


def picture(study: Study, blind_percent: float | None = None, tokens: int = TOKENS) -> str:
    """Accuracy over SNR of all arms with intervals, and what alignment gains on each."""
    levels = study.snr_db(tokens)
    span = (min(levels), max(levels))
    count = len(study.seeds(REFERENCE))
    left = Axes(f"accuracy, L = {tokens}, {count} seeds", "SNR of all users, dB", "%", span, (0, 100), levels)
    left.y_ticks = range(0, 101, 20)
    left.lines([_line(arm, levels, [study.accuracy(arm, tokens, level) for level in levels]) for arm in study.arms])
    if blind_percent is not None:
        y = left.y(blind_percent)
        left.body.append(f'<path d="M{left.x(span[0])} {y}H{left.x(span[1])}" stroke="#888" stroke-dasharray="1 3"/>')
        left.body.append(f'<text x="{left.x(span[0]) + 4}" y="{y - 4}">blind prior</text>')
    found = {arm: [study.gain(arm, tokens, [level]) for level in levels] for arm in study.others}
    ends = [end for each in found.values() for one in each for end in (one.low, one.high, one.mean) if np.isfinite(end)]
    low, high = 5 * np.floor(min([0, *ends]) / 5), 5 * np.ceil(max([5, *ends]) / 5)
    right = Axes(
        "alignment above each arm, paired by seed", "SNR of all users, dB", "points", span, (low, high), levels
    )
    right.y_ticks = np.arange(low, high + 1, 5 if high - low <= 40 else 10)
    right.lines([_line(arm, levels, each) for arm, each in found.items()])
    return beside([left, right], "Accuracy over SNR with and without alignment, 95 % intervals over seeds")


def _line(name: str, levels: list[float], found: list[Interval]) -> Line:
    ends = [(one.low, one.high) if np.isfinite(one.low) else (one.mean, one.mean) for one in found]
    return Line(name, levels, [one.mean for one in found], [low for low, _ in ends], [high for _, high in ends])
