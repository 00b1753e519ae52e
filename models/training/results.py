"""Writes the tables and the study's picture of docs/results.md from the bundle's manifest and the study: `scripts/results`.

Blocks between `<!-- NAME -->` and `<!-- end -->` are replaced; the rest of the document is kept.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any, Callable

import numpy as np

from digit_avqa.loss_surface import USERS, SurfaceModel, columns, combined, hats, paper_loss, rms
from digit_avqa.storage import write_whole
from study_report import Study, curves, gains, groups, picture, table, tuning

ROOT = Path(__file__).resolve().parents[2]
GOALS = [(20, 64, 90), (10, 16, 87), (-5, 64, 66)]
REGIONS = [(-10, "-10 dB"), (-5, "-5 dB"), (0, "0 dB"), (10, "10 dB")]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


def accuracy(manifest: dict[str, Any]) -> str:
    found = manifest["offlineAccuracy"]
    rows = {(row["tokens"], row["snrDb"]): row["accuracy"] for row in found["rows"]}
    clean = {row["tokens"]: row["accuracy"] for row in found["noiseFree"]}
    lengths = sorted({tokens for tokens, _ in rows}, reverse=True)
    levels = sorted({snr_db for _, snr_db in rows})
    body = [[str(n), *(percent(rows[n, level]) for level in levels), percent(clean[n])] for n in lengths]
    return table(["L \\ SNR dB", *(f"{level:g}" for level in levels), "noise-free"], body)


def goals(manifest: dict[str, Any]) -> str:
    rows = {(row["snrDb"], row["tokens"]): row for row in manifest["offlineAccuracy"]["rows"]}
    lines = []
    for snr_db, tokens, goal in GOALS:
        reached = 100 * rows[snr_db, tokens]["accuracy"]
        verdict = "reached" if reached >= goal else "missed"
        lines.append([f"{snr_db} dB, L = {tokens}", f"{goal}", f"{reached:.1f}", verdict])
    families, blind = manifest["offlineAccuracy"]["perFamily"], manifest["blindPrior"]["perFamily"]
    above = {name: 100 * (each["accuracy"] - blind[name]["accuracy"]) for name, each in families.items()}
    least = min(above, key=lambda name: above[name])
    verdict = "reached" if above[least] >= 20 else "missed"
    lines.append(["every family above its blind prior, 20 dB", "20 points", f"{above[least]:.1f} ({least})", verdict])
    known = manifest["offlineAccuracy"].get("spokenQuestionsOfKnownVoices")
    if known:
        unseen = manifest["offlineAccuracy"]["spokenQuestionsPerSynthesiser"]
        for name in sorted(unseen.keys() & known.keys()):
            lost = 100 * (known[name]["accuracy"] - unseen[name]["accuracy"])
            verdict = "reached" if lost <= 3 else "missed"
            lines.append([f"lost from known to unseen voices, {name}", "at most 3 points", f"{lost:.1f}", verdict])
    return table(["what", "goal", "measured", ""], lines)


def families(manifest: dict[str, Any]) -> str:
    found, blind = manifest["offlineAccuracy"]["perFamily"], manifest["blindPrior"]["perFamily"]
    body = [
        [name, percent(each["accuracy"]), str(each["questions"]), percent(blind[name]["accuracy"])]
        for name, each in found.items()
    ]
    return table(["family", "accuracy %", "answers", "blind prior %"], body)


def voices(manifest: dict[str, Any]) -> str:
    unseen = manifest["offlineAccuracy"]["spokenQuestionsPerSynthesiser"]
    known = manifest["offlineAccuracy"].get("spokenQuestionsOfKnownVoices", {})
    body = []
    for name, each in unseen.items():
        heard = known.get(name)
        body.append(
            [
                name,
                "" if heard is None else f"{percent(heard['accuracy'])} ({heard['questions']})",
                f"{percent(each['accuracy'])} ({each['questions']})",
            ]
        )
    return table(["synthesiser", "known voices % (answers)", "unseen voices % (answers)"], body)


def noisy_user(manifest: dict[str, Any]) -> str:
    found = manifest["offlineAccuracy"].get("noisyUser")
    if not found:
        return "The bundle's manifest has none."
    levels = sorted({row["snrDb"] for row in found})
    cells = {(row["user"], row["snrDb"]): percent(row["accuracy"]) for row in found}
    users = dict.fromkeys(row["user"] for row in found)
    return table(
        ["user \\ SNR dB", *(f"{level:g}" for level in levels)],
        [[user, *(cells[user, level] for level in levels)] for user in users],
    )


def surface(manifest: dict[str, Any]) -> str:
    """Errors at held-out points where every SNR is at least some value."""
    found = manifest.get("surface")
    if not found:
        return "The bundle has no measured surface."
    held = [point for point in found["points"] if point["heldOut"]]
    seen = [point for point in found["points"] if not point["heldOut"]]
    at, loss = columns(held), np.array([point["loss"] for point in held])
    values = []
    for user in USERS:
        each = found["users"][user]["surface"]
        rows = hats(np.array(each["snrDb"]), at[f"{user}SnrDb"])
        across = hats(np.log2(each["lengths"]), at[f"{user}Length"])
        values.append(np.einsum("ns,sl,nl->n", rows, np.array(each["loss"]), across))
    products = np.array([each["coefficient"] for each in found["interactions"]])
    pooled = [found["users"][user]["loss"] for user in ("visual", "audio")]
    paper = sum(paper_loss(shape, at[f"{user}Length"]) for shape, user in zip(pooled, ("visual", "audio")))
    forms = {
        "with interactions": combined(values, products),
        "without interactions": SurfaceModel(seen, False).loss(at),
        "a exp(-b L) + c of each user, no SNR": paper,
    }
    least = np.min([at[f"{user}SnrDb"] for user in USERS], axis=0)
    counts = [int((least >= edge).sum()) for edge, _ in REGIONS]
    head = ["every SNR at least", *(f"{name}, {count} points" for (_, name), count in zip(REGIONS, counts))]
    body = []
    for name, predicted in forms.items():
        errors = [
            rms((predicted - loss)[least >= edge]) if count else None for (edge, _), count in zip(REGIONS, counts)
        ]
        body.append([name, *("" if error is None else f"{error:.3f}" for error in errors)])
    swept = table(head, body)
    return swept + "\n\n" + lengths(found)


def lengths(found: dict[str, Any]) -> str:
    """Measured loss over L where all else is at its best, picture and sound each."""
    best = max(point["textSnrDb"] for point in found["points"])
    alike = [point for point in found["points"] if all(point[f"{user}SnrDb"] == best for user in USERS)]
    usual = max({point["audioTokens"] for point in alike}, key=[p["audioTokens"] for p in alike].count)
    body = []
    steps = sorted({point["visualTokens"] for point in alike if point["audioTokens"] == usual})
    for user, other in (("visual", "audio"), ("audio", "visual")):
        of = {p[f"{user}Tokens"]: p["loss"] for p in alike if p[f"{other}Tokens"] == usual}
        body.append([user, *(f"{of[step]:.3f}" if step in of else "" for step in steps)])
    return table([f"loss, nats, at {best:g} dB, the other at L = {usual} \\ L", *map(str, steps)], body)


def training(manifest: dict[str, Any]) -> str:
    record = manifest["training"]
    seconds = record["wallSeconds"]
    body = [[name, f"{each:.0f}"] for name, each in seconds.items() if each >= 5]
    cpu = record.get("totalCpuSeconds")
    total = f"{record['totalWallSeconds'] / 60:.0f} min" + (f", {cpu / 60:.0f} min of CPU time" if cpu else "")
    return table(["step", "s"], body) + f"\n\nIn all {total} (`{record['command']}`)."


def study_blocks(study: Study | None) -> dict[str, Callable[[], str]]:
    if study is None:
        return {name: lambda: "Not run." for name in ("study", "study-families", "study-voices", "study-tuning")}
    test = study.results["test"]
    arms = [f"{each['arm']}: {each['alignmentSteps']} + {each['taskSteps']}" for each in study.results.get("arms", [])]
    said = (
        f"`{study.results['command']}`; {test['questions']} questions, {test['draws']} noise draws; steps of stage 1 +"
        f" stage 2: {', '.join(arms)}; seeds with both arms: "
        + ", ".join(f"{len(study.seeds(arm))} ({arm})" for arm in study.others)
        + ".\n\n"
    )
    return {
        "study": lambda: said + curves(study) + "\n\n" + gains(study),
        "study-families": lambda: groups(study, "families"),
        "study-voices": lambda: groups(study, "voices"),
        "study-tuning": lambda: tuning(study),
    }


def replaced(text: str, blocks: dict[str, Callable[[], str]]) -> str:
    """The document with every block made again. SystemExit for a block that nobody makes."""

    def block(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in blocks:
            raise SystemExit(f"docs/results.md: block {name}; allowed {', '.join(blocks)}")
        return f"<!-- {name} -->\n\n{blocks[name]()}\n\n<!-- end -->"

    return re.sub(r"<!-- ([a-z-]+) -->\n.*?<!-- end -->", block, text, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=ROOT / "models" / "bundles" / "digit-avqa")
    parser.add_argument("--study", type=Path, default=ROOT / "models" / "studies" / "alignment.json")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "results.md")
    arguments = parser.parse_args()
    manifest = json.loads((arguments.bundle / "manifest.json").read_text())
    study = Study(json.loads(arguments.study.read_text())) if arguments.study.exists() else None
    makers = (goals, accuracy, families, voices, noisy_user, surface, training)
    blocks: dict[str, Callable[[], str]] = {
        maker.__name__.replace("_", "-"): (lambda maker=maker: maker(manifest)) for maker in makers
    }
    text = replaced(arguments.document.read_text(), {**blocks, **study_blocks(study)})
    if study is not None:
        blind = 100 * manifest["blindPrior"]["overall"]["accuracy"]
        write_whole(arguments.document.parent / "pictures" / "alignment.svg", picture(study, blind))
    write_whole(arguments.document, text)


if __name__ == "__main__":
    main()
