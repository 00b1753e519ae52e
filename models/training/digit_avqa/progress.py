"""Progress of a training: one line that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import time

BAR = 24
REDRAW_SECONDS = 0.2
_drawn = False


def say(text: str) -> None:
    """One line, at once."""
    global _drawn
    clear = "\r\x1b[K" if _drawn else ""
    _drawn = False
    print(f"{clear}[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def duration(seconds: float) -> str:
    """For example `48 s`, `3 min 05 s`, `1 h 02 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class Progress:
    """Steps done of one part of a training, and an estimate of the time that the rest takes."""

    def __init__(self, name: str, steps: int, done: int = 0) -> None:
        self.name, self.steps, self.first = name, steps, done
        self.begun = time.monotonic()
        self.shown = 0.0
        self.terminal = sys.stdout.isatty()

    def left(self, done: int) -> str:
        """Time that the steps after `done` take at the pace so far."""
        if done <= self.first:
            return "time left unknown"
        pace = (time.monotonic() - self.begun) / (done - self.first)
        return f"{duration(pace * (self.steps - done))} left"

    def step(self, done: int, loss: float) -> None:
        """Redraws the bar on a terminal, a few times a second."""
        global _drawn
        moment = time.monotonic()
        if not self.terminal or moment - self.shown < REDRAW_SECONDS:
            return
        self.shown = moment
        full = BAR * done // self.steps
        bar = "#" * full + "-" * (BAR - full)
        line = (
            f"  {self.name} [{bar}] {100 * done // self.steps} % {done}/{self.steps} loss {loss:.4f}, {self.left(done)}"
        )
        print("\r\x1b[K" + line[: shutil.get_terminal_size().columns - 1], end="", flush=True)
        _drawn = True

    def entry(self, done: int, loss: float, figures: dict[str, float]) -> None:
        """A line that stays: mean loss and figures of the last steps."""
        shown = "".join(f" {key} {value:.3f}" for key, value in figures.items())
        say(f"  {self.name} {done}/{self.steps} loss {loss:.4f}{shown}, {self.left(done)}")
