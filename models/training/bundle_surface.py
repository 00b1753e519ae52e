"""Adds a measured loss surface to a bundle, in three steps: settings to measure, `otabench evaluate`, fit.

    scripts/surface BUNDLE --design settings.json
    otabench evaluate BUNDLE --settings settings.json --test-set validation.csv --json > points.json
    scripts/surface BUNDLE --points points.json
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

from digit_avqa.loss_surface import LEAST_POINTS, USERS, design, surface_of
from digit_avqa.manifest_file import put_surface, write_text

TOKENS = ("visualTokens", "audioTokens")
LEVELS = tuple(f"{user}SnrDb" for user in USERS)


def refuse(file: Path, field: str, found: Any, allowed: str) -> SystemExit:
    return SystemExit(f"{file}: {field}: value {json.dumps(found)[:60]}; allowed {allowed}")


def read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except OSError as error:
        raise SystemExit(f"{file}: {error.strerror}; allowed a readable file") from error
    except ValueError as error:
        raise SystemExit(f"{file}: {error}; allowed JSON") from error


def allowed_lengths(bundle: Path) -> dict[str, list[int]]:
    """Token lengths that the bundle's manifest allows, rising."""
    file = bundle / "manifest.json"
    manifest = read_json(file)
    try:
        return {user: list(manifest["users"][user]["allowedTokens"]) for user in ("visual", "audio")}
    except (KeyError, TypeError) as error:
        raise refuse(file, "users", None, "visual and audio with allowedTokens") from error


def read_points(file: Path, lengths: dict[str, list[int]]) -> list[dict[str, Any]]:
    """Points as `otabench evaluate --settings ... --json` wrote them, in the manifest's form."""
    found = read_json(file)
    rows = found.get("rows") if isinstance(found, dict) else None
    if not isinstance(rows, list):
        raise refuse(file, "rows", None, "what `otabench evaluate --settings ... --json` writes")
    points = []
    for index, row in enumerate(rows):
        point: dict[str, Any] = {}

        def number(name: str, low: float, high: float, source: str | None = None) -> float:
            value = row.get(source or name) if isinstance(row, dict) else None
            if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
                raise refuse(file, f"rows[{index}].{source or name}", value, f"a number from {low:g} to {high:g}")
            return float(value)

        for name, user in zip(TOKENS, lengths):
            point[name] = int(number(name, 1, 65536))
            if point[name] not in lengths[user]:
                raise refuse(file, f"rows[{index}].{name}", point[name], "a token length that the bundle allows")
        for name in LEVELS:
            point[name] = number(name, -100, 100)
        draws = number("draws", 1, 1e6)
        point["loss"] = round(number("loss", 0, 1e3, "lossNats"), 4)
        point["accuracy"] = round(number("accuracy", 0, 1), 4)
        point["questions"] = int(number("questions", 1, 1e9) * draws)
        point["heldOut"] = row.get("heldOut") is True
        points.append(point)
    held = sum(point["heldOut"] for point in points)
    if held == 0 or len(points) - held < LEAST_POINTS:
        raise SystemExit(
            f"{file}: rows: {len(points) - held} to fit and {held} with heldOut; "
            f"allowed at least {LEAST_POINTS} to fit and 1 held out (scripts/surface BUNDLE --design makes them)"
        )
    if not all(math.isfinite(point["loss"]) for point in points):
        raise SystemExit(f"{file}: rows: a loss that is not finite; allowed numbers")
    return points


def describe(surface: dict[str, Any]) -> str:
    """Errors and interactions in lines."""
    errors = surface["rmsError"]
    held = [point for point in surface["points"] if point["heldOut"]]
    products = ", ".join(f"{' x '.join(each['users'])} {each['coefficient']:g}" for each in surface["interactions"])
    return "\n".join(
        [
            f"{len(surface['points'])} points, {len(held)} of them held out; RMS error there in nats:",
            f"  surface over SNR and L, with interactions  {errors['surface']:.4f}",
            f"  the same without interactions              {errors['additive']:.4f}",
            f"  a exp(-b L) + c of each user               {errors['loss']:.4f}",
            f"interactions: {products}",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path, help="bundle folder")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--design", type=Path, metavar="FILE", help="write the settings to measure")
    what.add_argument("--points", type=Path, metavar="FILE", help="fit these and write the bundle's manifest")
    what.add_argument("--show", action="store_true", help="say what surface the bundle has")
    parser.add_argument("--seed", type=int, default=1, help="of the settings (default 1)")
    arguments = parser.parse_args()
    lengths = allowed_lengths(arguments.bundle)
    if arguments.design:
        settings = design(lengths, arguments.seed)
        write_text(arguments.design, "[\n" + ",\n".join(json.dumps(setting) for setting in settings) + "\n]\n")
        print(f"{len(settings)} settings in {arguments.design}")
    elif arguments.points:
        surface = surface_of(read_points(arguments.points, lengths))
        put_surface(arguments.bundle, surface)
        print(describe(surface))
    else:
        surface = read_json(arguments.bundle / "manifest.json").get("surface")
        if surface is None:
            raise SystemExit(f"{arguments.bundle}: the manifest has no surface")
        print(describe(surface))


if __name__ == "__main__":
    main()
