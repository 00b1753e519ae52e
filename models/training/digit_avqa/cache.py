"""Cache of finished training steps: a step runs again only when what it depends on changed."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import time
from pathlib import Path
from types import FunctionType
from typing import Any, Callable, Sequence

import torch

from . import checkpoint
from .fingerprint import reach
from .precision import native_bfloat16
from .progress import duration, say
from .recipe import Recipe
from .storage import read_sealed, write_sealed


def machine(device: torch.device) -> dict[str, Any]:
    """What a step ran on; no host name and no path."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": names[0].split(":", 1)[1].strip() if names else platform.processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "cpu",
        "matrixPrecision": "bfloat16" if native_bfloat16(device) else "float32",
        "python": platform.python_version(),
        "pytorch": torch.__version__,
    }


class Steps:
    """Runs named steps and keeps their results under `folder`, one file per step and key."""

    def __init__(self, folder: Path, device: torch.device, until: str | None = None) -> None:
        self.folder, self.device, self.until = folder, device, until
        folder.mkdir(parents=True, exist_ok=True)
        self.keys: dict[str, str] = {}
        self.records: dict[str, dict[str, Any]] = {}

    def key(
        self,
        name: str,
        code: Sequence[FunctionType],
        recipe: Recipe | None,
        after: Sequence[str],
        extra: dict[str, Any],
    ) -> str:
        """Key of a step: what its code reaches, the recipe fields read there, `extra`, and the keys of earlier steps."""
        reached, fields = reach(*code) if code else ("", set())
        read = {} if recipe is None else {field: recipe.fields()[field] for field in sorted(fields)}
        inputs = [name, reached, read, extra, [self.keys[step] for step in after]]
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]

    def run(
        self,
        name: str,
        work: Callable[[], Any],
        code: Sequence[FunctionType],
        recipe: Recipe | None = None,
        after: Sequence[str] = (),
        **extra: Any,
    ) -> Any:
        """Result of `work()`, or what an earlier process kept of it under the same key.

        `code` are the package's functions that do the work, `after` the steps whose results it uses, `extra` what
        else decides the result. A step that was killed goes on from its last checkpoint.
        """
        result = self._run(name, work, self.key(name, code, recipe, after, extra))
        if name == self.until:
            raise SystemExit(0)
        return result

    def _run(self, name: str, work: Callable[[], Any], key: str) -> Any:
        self.keys[name] = key
        path = self.folder / f"{name}-{key}.step"
        if path.exists():
            try:
                result, self.records[name] = pickle.loads(read_sealed(path))
            except (ValueError, pickle.UnpicklingError, EOFError) as error:
                say(f"{name}: {path.name} is damaged ({error}): the step runs again")
            else:
                say(f"{name}: done before, in {duration(self.records[name]['wallSeconds'])}")
                return result
        say(f"{name}: start")
        with checkpoint.at(path.with_suffix(".checkpoint")) as place:
            result = work()
            record = {
                "wallSeconds": round(place.wall(), 1),
                "cpuSeconds": round(place.cpu(), 1),
                "resumed": place.resumed,
                "finishedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "machine": machine(self.device),
            }
            try:
                write_sealed(path, pickle.dumps((result, record), protocol=5))
            except OSError as error:
                raise SystemExit(f"{name}: its result could not be kept in {self.folder}: {error.strerror}") from error
        self.records[name] = record
        say(f"{name}: finished in {duration(record['wallSeconds'])}, {duration(record['cpuSeconds'])} of CPU time")
        return result
