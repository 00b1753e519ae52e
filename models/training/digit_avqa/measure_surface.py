"""The loss surface of a trained bundle: validation loss measured on a design, and the forms that allocation reads."""

from __future__ import annotations

from typing import Any

import torch

from .evaluate import answered, load_parts
from .loss_surface import design, surface_of
from .progress import Progress, say
from .recipe import MAX_TOKENS, MIN_TOKENS, Recipe
from .task_training import FeatureSet

USERS = ("visual", "audio", "text")


def measure_surface(recipe: Recipe, trained: dict[str, Any], validation: FeatureSet) -> dict[str, Any]:
    """`surface` of the manifest: losses in nats at the settings of a seeded design, and what was fitted to them."""
    torch.manual_seed(recipe.seed * 1000 + 50)
    model, parts = load_parts(trained)
    allowed = list(range(MIN_TOKENS, MAX_TOKENS + 1))
    settings = design({"visual": allowed, "audio": allowed})
    progress = Progress("surface", len(settings))
    points = []
    for done, setting in enumerate(settings):
        lengths = int(setting["visualTokens"]), int(setting["audioTokens"])
        with torch.no_grad():
            right, loss = answered(model, parts, validation, lengths, {user: setting[f"{user}SnrDb"] for user in USERS})
        measured = {"loss": round(float(loss.mean()), 4), "accuracy": round(float(right.mean()), 4)}
        points.append({**setting, **measured, "questions": int(right.size)})
        progress.step(done + 1, measured["loss"])
        if (done + 1) % 20 == 0:
            say(f"  surface {done + 1}/{len(settings)}, {progress.left(done + 1)}")
    return surface_of(points)
