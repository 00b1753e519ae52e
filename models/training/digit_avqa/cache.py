"""Cache of finished training steps: a step runs again only when its inputs or its source files changed."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import pickle
import shutil
import time
from pathlib import Path
from typing import Any, Callable, Iterator

HERE = Path(__file__).resolve().parent


def say(text: str) -> None:
    """One progress line, at once."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def meaning(source: Path) -> bytes:
    """What a Python file does: its syntax tree without comments, docstrings and layout."""
    tree = ast.parse(source.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0] = ast.Pass()
    return ast.dump(tree).encode()


@contextlib.contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A folder to write to, which takes the place of `out` at the end; nothing is left of it when writing fails."""
    temporary = out.parent / f".{out.name}.{os.getpid()}.tmp"
    old = out.parent / f".{out.name}.{os.getpid()}.old"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if out.exists():
            out.rename(old)
        temporary.rename(out)
    except OSError as error:
        if old.exists() and not out.exists():
            old.rename(out)
        reason = error.strerror or error
        raise SystemExit(f"{out}: could not be written: {reason}; what was there is as it was") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


class Steps:
    """Runs named steps and keeps their results under `folder`, one pickle per (step, inputs) key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.keys: dict[str, str] = {}
        self.wall_seconds: dict[str, float] = {}

    def run(
        self,
        name: str,
        work: Callable[[], Any],
        parameters: dict[str, Any],
        sources: list[str],
        after: list[str],
    ) -> Any:
        """Result of `work()`, from the cache when parameters, source files and earlier steps are the same."""
        digest = hashlib.sha256()
        digest.update(json.dumps([name, parameters, [self.keys[step] for step in after]], sort_keys=True).encode())
        for source in sources:
            digest.update(meaning(HERE / source))
        key = digest.hexdigest()[:20]
        self.keys[name] = key
        path = self.folder / f"{name}-{key}.pickle"
        if path.exists():
            with path.open("rb") as stored:
                result, seconds = pickle.load(stored)
            self.wall_seconds[name] = seconds
            say(f"{name}: done before ({seconds:.0f} s)")
            return result
        say(f"{name}: start")
        begun = time.monotonic()
        result = work()
        seconds = time.monotonic() - begun
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as stored:
                pickle.dump((result, seconds), stored, protocol=5)
            temporary.rename(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise SystemExit(f"{name}: its result could not be kept in {self.folder}: {error.strerror}") from error
        self.wall_seconds[name] = seconds
        say(f"{name}: finished in {seconds:.0f} s")
        return result
