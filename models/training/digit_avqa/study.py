"""The study of alignment: the same task with and without stage 1, several seeds, paired by seed.

Data, encoders and foundation model are those of the recipe's bundle and shared; a run's seed decides the first
weights of projections, receivers and LoRA, the order of scenes, lengths and noise. The learning rate of stage 2 is
chosen for each arm on validation, with a seed that the study does not use. See docs/models.md.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .cache import Steps
from .evaluate import alike, answered, load_parts
from .pipeline import Prepared
from .progress import say
from .questions import FAMILIES
from .recipe import FIXED_12DB, Recipe
from .storage import write_whole
from .task_training import FeatureSet, align, finetune

SNR_DB = [-15, -10, -5, 0, 5, 10, 15, 20]
TOKEN_LENGTHS = [4, 16, 64]
LEARNING_RATES = [7e-4, 1.5e-3, 3e-3]
TUNING_SEED = 900
TUNING_SNR_DB = [-5, 0, 5, 10, 20]
SCENES = "unseen-voices"


@dataclass(frozen=True)
class Arm:
    """Stages of one arm in steps, and what else differs from the recipe."""

    name: str
    alignment_steps: int
    task_steps: int
    changes: tuple[tuple[str, Any], ...] = ()

    def recipe(self, base: Recipe, seed: int, learning_rate: float) -> Recipe:
        """The recipe of one run."""
        return dataclasses.replace(
            base,
            seed=seed,
            alignment_steps=self.alignment_steps,
            finetune_steps=self.task_steps,
            finetune_lr=learning_rate,
            **dict(self.changes),
        )


ARMS = ("alignment", "none-equal-task-steps", "none-equal-total-steps", "fixed-12db")


def arms(names: list[str], alignment_steps: int, task_steps: int) -> list[Arm]:
    """Aligned; not aligned at equal steps of stage 2, and at equal steps in all; aligned on the authors' channel."""
    known = [
        Arm("alignment", alignment_steps, task_steps),
        Arm("none-equal-task-steps", 0, task_steps),
        Arm("none-equal-total-steps", 0, alignment_steps + task_steps),
        Arm("fixed-12db", alignment_steps, task_steps, tuple(FIXED_12DB.items())),
    ]
    return [arm for arm in known if arm.name in names]


@dataclass(frozen=True)
class Plan:
    """What a study runs: arms, seeds, and the noise draws of each point."""

    arms: list[Arm]
    seeds: list[int]
    draws: int
    preset: str
    command: str


def run_study(recipe: Recipe, prepared: Prepared, steps: Steps, plan: Plan, out: Path, device: torch.device) -> None:
    """Tunes, trains and tests every run that is not in the cache, and writes all that is done to `out` after each."""
    results: dict[str, Any] = {
        "study": "alignment",
        "command": plan.command,
        "recipe": recipe.name,
        "preset": plan.preset,
        "test": {
            "scenes": len(prepared.features[SCENES].visual),
            "questions": int(prepared.features[SCENES].questions.text.size),
            "draws": plan.draws,
            "what": f"{SCENES}: test pictures, voices that no training heard, half of the scenes by each synthesiser",
            "sharedAcrossSeeds": ["data", "encoders", "foundation"],
        },
        "arms": [
            {"arm": arm.name, "alignmentSteps": arm.alignment_steps, "taskSteps": arm.task_steps} for arm in plan.arms
        ],
        "runs": [],
        "tuning": [],
    }
    rates: dict[str, float] = {}
    for arm in plan.arms:
        tried = [_tuning_run(recipe, prepared, steps, arm, rate, device) for rate in LEARNING_RATES]
        results["tuning"] += tried
        rates[arm.name] = min(tried, key=lambda run: run["validationLossNats"])["learningRate"]
        say(f"study: {arm.name} has its least validation loss at learning rate {rates[arm.name]}")
        write_whole(out, json.dumps(results) + "\n")
    # Seed by seed, so that what is done when a study is stopped is paired.
    for seed in plan.seeds:
        for arm in plan.arms:
            results["runs"].append(_study_run(recipe, prepared, steps, arm, seed, rates[arm.name], plan.draws, device))
            write_whole(out, json.dumps(results) + "\n")
            say(f"study: {len(results['runs'])} of {len(plan.seeds) * len(plan.arms)} runs in {out}")


def train_run(run: Recipe, prepared: Prepared, steps: Steps, name: str, device: torch.device) -> dict[str, Any]:
    """Both stages of one run, from the cache where they are done."""
    data = prepared.features
    # The aligned start is shared by all learning rates of stage 2.
    start = f"study-start-{run.alignment_steps}-{run.seed}"
    aligned = steps.run(start, lambda: align(run, data["train"], prepared.frozen, device), [align], run, prepared.after)
    return steps.run(
        name,
        lambda: finetune(run, data["train"], data["validation"], prepared.frozen, aligned, device),
        [finetune],
        run,
        [start, "validation-features"],
    )


def _tuning_run(
    recipe: Recipe, prepared: Prepared, steps: Steps, arm: Arm, rate: float, device: torch.device
) -> dict[str, Any]:
    """Validation loss and accuracy of an arm at a learning rate, mean over SNR -5 to 20 dB at L = 16."""
    run = arm.recipe(recipe, TUNING_SEED, rate)
    name = f"study-tuning-{arm.name}-{rate:g}"
    trained = train_run(run, prepared, steps, name, device)
    loss, right = [], []
    torch.manual_seed(run.seed)
    for snr_db in TUNING_SNR_DB:
        answers, losses = _answered(trained, prepared.features["validation"], 16, snr_db)
        right.append(answers.mean())
        loss.append(losses.mean())
    return {
        "arm": arm.name,
        "seed": TUNING_SEED,
        "learningRate": rate,
        "validationLossNats": round(float(np.mean(loss)), 4),
        "validationAccuracy": round(float(np.mean(right)), 4),
    }


def _study_run(
    recipe: Recipe,
    prepared: Prepared,
    steps: Steps,
    arm: Arm,
    seed: int,
    rate: float,
    draws: int,
    device: torch.device,
) -> dict[str, Any]:
    run = arm.recipe(recipe, seed, rate)
    name = f"study-{arm.name}-{seed}"
    trained = train_run(run, prepared, steps, name, device)
    rows = steps.run(
        f"{name}-test",
        lambda: test_rows(trained, prepared.features[SCENES], prepared.synthesisers[SCENES], seed, draws),
        [test_rows],
        after=[name, f"{SCENES}-features"],
        seed=seed,
        draws=draws,
    )
    spent = [steps.records[part] for part in (f"study-start-{run.alignment_steps}-{seed}", name)]
    return {
        "arm": arm.name,
        "seed": seed,
        "alignmentSteps": arm.alignment_steps,
        "taskSteps": arm.task_steps,
        "learningRate": rate,
        "wallSeconds": round(sum(record["wallSeconds"] for record in spent), 1),
        "cpuSeconds": round(sum(record["cpuSeconds"] for record in spent), 1),
        "rows": rows,
    }


def test_rows(
    trained: dict[str, Any], data: FeatureSet, synthesisers: list[str], seed: int, draws: int
) -> list[dict[str, Any]]:
    """Right answers and loss over SNR and token length, per family, and of spoken questions per synthesiser."""
    families = data.questions.families[data.questions.text]
    spoken = np.array(["spoken" in words for words in data.questions.texts])[data.questions.text]
    said_by = np.array(synthesisers)[:, None]
    torch.manual_seed(seed)
    rows = []
    for length in TOKEN_LENGTHS:
        for snr_db in SNR_DB:
            drawn = [_answered(trained, data, length, snr_db) for _ in range(draws)]
            right, loss = np.stack([r for r, _ in drawn]), np.stack([losses for _, losses in drawn])
            rows.append(
                {
                    "snrDb": snr_db,
                    "visualTokens": length,
                    "audioTokens": length,
                    **_count(right),
                    "lossNats": round(float(loss.mean()), 4),
                    "families": {name: _count(right[:, families == i]) for i, name in enumerate(FAMILIES)},
                    "voices": {
                        name: _count(right[:, spoken & (said_by == name)]) for name in sorted(set(synthesisers))
                    },
                }
            )
    return rows


def _answered(trained: dict[str, Any], data: FeatureSet, length: int, snr_db: float) -> tuple[np.ndarray, np.ndarray]:
    model, parts = load_parts(trained)
    with torch.no_grad():
        return answered(model, parts, data, (length, length), alike(snr_db))


def _count(right: np.ndarray) -> dict[str, int]:
    return {"right": int(right.sum()), "questions": int(right.size)}
