"""States of unfinished steps, so that a killed training goes on where it was, with the same bits."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator

import torch

from .progress import say
from .storage import read_sealed, write_sealed

SAVE_EVERY_SECONDS = 20.0


@dataclass
class Place:
    """Where the step in progress keeps its state, and what earlier processes spent on it."""

    path: Path
    begun: float = field(default_factory=time.monotonic)
    cpu_begun: float = field(default_factory=lambda: cpu_seconds())
    wall_before: float = 0.0
    cpu_before: float = 0.0
    resumed: int = 0
    saved: float = field(default_factory=time.monotonic)

    def wall(self) -> float:
        """Seconds spent on the step so far, without what a kill threw away."""
        return self.wall_before + time.monotonic() - self.begun

    def cpu(self) -> float:
        """User and system seconds of all threads and finished children."""
        return self.cpu_before + cpu_seconds() - self.cpu_begun


_places: list[Place] = []


def cpu_seconds() -> float:
    """User and system time of this process and of its finished children."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


@contextlib.contextmanager
def at(path: Path) -> Iterator[Place]:
    """Steps inside keep their state at `path`; it is removed when they end well."""
    place = Place(path)
    _places.append(place)
    try:
        yield place
        path.unlink(missing_ok=True)
    finally:
        _places.pop()


def load() -> dict[str, Any] | None:
    """State that a killed process left for this step; None when there is none, or it is damaged."""
    if not _places or not _places[-1].path.exists():
        return None
    place = _places[-1]
    try:
        kept = torch.load(io.BytesIO(read_sealed(place.path)))
    except (ValueError, OSError, pickle.UnpicklingError) as error:
        say(f"  {place.path.name} is damaged ({error}): the step begins anew")
        return None
    place.wall_before, place.cpu_before = kept["wallSeconds"], kept["cpuSeconds"]
    place.resumed = kept["resumed"] + 1
    return kept["state"]


def save(state: Callable[[], dict[str, Any]]) -> None:
    """Keeps `state()` when the last time is long enough ago (OTABENCH_CHECKPOINT_SECONDS, default 20)."""
    if not _places:
        return
    place = _places[-1]
    every = float(os.environ.get("OTABENCH_CHECKPOINT_SECONDS", SAVE_EVERY_SECONDS))
    if time.monotonic() - place.saved < every:
        return
    kept = {"state": state(), "wallSeconds": place.wall(), "cpuSeconds": place.cpu(), "resumed": place.resumed}
    content = io.BytesIO()
    torch.save(kept, content)
    write_sealed(place.path, content.getvalue())
    place.saved = time.monotonic()
