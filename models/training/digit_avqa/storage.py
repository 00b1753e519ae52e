"""Files that are whole or not there, and folders likewise."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import Iterator


def write_sealed(path: Path, content: bytes) -> None:
    """Writes SHA-256 and content to a file that takes its name when it is complete."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(hashlib.sha256(content).digest())
            stream.write(content)
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SystemExit(f"{path}: could not be written: {error.strerror}") from error


def read_sealed(path: Path) -> bytes:
    """Content of such a file; ValueError when it is not what was written."""
    content = path.read_bytes()
    if hashlib.sha256(memoryview(content)[32:]).digest() != content[:32]:
        raise ValueError(f"{len(content)} bytes, not those that were written")
    return content[32:]


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


def write_whole(path: Path, text: str) -> None:
    """Writes a text file that takes its name when it is complete."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text)
        temporary.rename(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SystemExit(f"{path}: could not be written: {error.strerror}") from error
