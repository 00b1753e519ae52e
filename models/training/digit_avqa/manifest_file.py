"""Writing a bundle's manifest: lists of plain numbers and flat mappings of the surface in one line each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def dump(manifest: dict[str, Any]) -> str:
    """JSON of a manifest, indented by one; `surface` is written in lines, since it holds thousands of numbers."""
    rest = {name: value for name, value in manifest.items() if name != "surface"}
    text = json.dumps(rest, indent=1)
    if "surface" in manifest:
        text = f'{text[:-2]},\n "surface": {_lines(manifest["surface"], 1)}\n}}'
    return text + "\n"


def _lines(value: Any, depth: int) -> str:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    if not any(isinstance(each, (dict, list)) for each in inner):
        return json.dumps(value)
    space = "\n" + " " * (depth + 1)
    if isinstance(value, dict):
        body = [f"{json.dumps(name)}: {_lines(each, depth + 1)}" for name, each in value.items()]
        return "{" + space + ("," + space).join(body) + "\n" + " " * depth + "}"
    return "[" + space + ("," + space).join(_lines(each, depth + 1) for each in value) + "\n" + " " * depth + "]"


def put_surface(folder: Path, surface: dict[str, Any]) -> None:
    """Replaces `surface` in the manifest of the bundle in `folder`, at once; a failure leaves the manifest as it was."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["surface"] = surface
    # Beside the folder: whatever is left after a kill is no stray file of the bundle.
    write_text(path, dump(manifest), folder.parent / f".{folder.name}.manifest.{os.getpid()}.tmp")


def write_text(path: Path, text: str, temporary: Path | None = None) -> None:
    """Writes a file that takes its name when it is complete."""
    temporary = temporary or path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text)
        os.replace(temporary, path)
    except OSError as error:
        raise SystemExit(f"{path}: could not be written: {error.strerror}; what was there is as it was") from error
    finally:
        temporary.unlink(missing_ok=True)
