"""What a training step depends on: the definitions that its functions reach, and the recipe fields that they read.

A step is keyed by this, so that a change of one definition runs again the steps that use it and no other.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FunctionType

HERE = Path(__file__).resolve().parent
# How a step is shown, kept and taken up again; none of this changes what it computes.
WITHOUT_EFFECT = {"cache", "checkpoint", "progress", "storage"}
RECIPE = ("recipe", "Recipe")


@dataclass(frozen=True)
class Module:
    """Top-level definitions of a source file, and what its names mean: a module, or a definition in one."""

    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, tuple[str, str | None]]


@lru_cache(maxsize=None)
def _module(name: str) -> Module:
    definitions: dict[str, list[ast.stmt]] = {}
    imports: dict[str, tuple[str, str | None]] = {}
    for node in ast.parse((HERE / f"{name}.py").read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            for alias in node.names:
                target = (node.module, alias.name) if node.module else (alias.name, None)
                imports[alias.asname or alias.name] = target
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            definitions.setdefault(node.name, []).append(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        definitions.setdefault(part.id, []).append(node)
    return Module(definitions, imports)


def _without_docstrings(node: ast.stmt) -> str:
    """Dump of a definition without comments, docstrings and layout."""
    copy = ast.parse(ast.unparse(node))
    for part in ast.walk(copy):
        body = getattr(part, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            if isinstance(body[0].value, ast.Constant):
                body[0] = ast.Pass()
    return ast.dump(copy)


def reach(*functions: FunctionType) -> tuple[str, set[str]]:
    """SHA-256 of everything that `functions` of this package reach, and the names of recipe fields that it reads.

    Names are followed, not values: what a function gets as an argument counts where it is defined. A recipe must
    be called `recipe` wherever its fields are read.
    """
    waiting = [(function.__module__.rsplit(".", 1)[-1], function.__qualname__.split(".")[0]) for function in functions]
    found: dict[tuple[str, str], str] = {}
    fields: set[str] = set()
    while waiting:
        place = waiting.pop()
        module, name = place
        if place in found or module in WITHOUT_EFFECT or place == RECIPE:
            continue
        known = _module(module)
        if name not in known.definitions:
            if name in known.imports:
                waiting.append(_resolved(known.imports[name], name))
            continue
        found[place] = "".join(_without_docstrings(node) for node in known.definitions[name])
        for definition in known.definitions[name]:
            for part in ast.walk(definition):
                if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                    if part.value.id == "recipe":
                        fields.add(part.attr)
                    elif known.imports.get(part.value.id, ("", ""))[1] is None:
                        waiting.append((known.imports[part.value.id][0], part.attr))
                elif isinstance(part, ast.Name):
                    if part.id in known.definitions:
                        waiting.append((module, part.id))
                    elif part.id in known.imports and known.imports[part.id][1] is not None:
                        waiting.append(_resolved(known.imports[part.id], part.id))
    digest = hashlib.sha256()
    for place in sorted(found):
        digest.update(f"{place}{found[place]}".encode())
    return digest.hexdigest(), fields


def _resolved(target: tuple[str, str | None], name: str) -> tuple[str, str]:
    return target[0], target[1] or name
