"""One optimiser set-up for all steps: AdamW, linear warm-up, cosine decay, clipping at norm 1."""

from __future__ import annotations

import math
import time
from typing import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from .cache import say

WARM_UP_STEPS = 50


def seeded(seed: int, step: int) -> tuple[np.random.Generator, torch.Generator]:
    """Independent random streams of a training step; also seeds PyTorch's global one."""
    torch.manual_seed(seed * 1000 + step)
    return np.random.default_rng([seed, step]), torch.Generator().manual_seed(seed * 1000 + step)


class Schedule:
    """Counts steps, applies gradients and keeps a log of mean losses."""

    def __init__(
        self, name: str, parameters: Iterable[nn.Parameter], steps: int, peak_lr: float, decay: float = 0.01
    ) -> None:
        self.name, self.steps, self.peak_lr = name, steps, peak_lr
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=peak_lr, weight_decay=decay, betas=(0.9, 0.98))
        self.every = max(1, steps // 20)
        self.log: list[dict[str, float]] = []
        self.losses: list[Tensor] = []
        self.begun = time.monotonic()

    def learning_rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / min(WARM_UP_STEPS, max(1, self.steps // 5)))
        return self.peak_lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / self.steps)))

    def apply(self, step: int, loss: Tensor, probe: Callable[[], dict[str, float]] | None = None) -> None:
        """One optimiser step on `loss`; every 5 % of the run a log entry, with figures of `probe`.

        A loss or gradient that is not finite ends the training before it reaches the parameters.
        """
        if not math.isfinite(float(loss)):
            raise SystemExit(f"{self.name}: loss is {float(loss)} at step {step + 1} of {self.steps}; allowed: finite")
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate(step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = float(nn.utils.clip_grad_norm_(self.parameters, 1.0))
        if not math.isfinite(norm):
            place = f"step {step + 1} of {self.steps}"
            raise SystemExit(f"{self.name}: gradient norm is {norm} at {place}; allowed: finite")
        self.optimiser.step()
        self.losses.append(loss.detach())
        if (step + 1) % self.every == 0 or step + 1 == self.steps:
            mean = float(torch.stack(self.losses).mean())
            figures = probe() if probe else {}
            self.losses = []
            seconds = time.monotonic() - self.begun
            self.log.append({"step": step + 1, "loss": round(mean, 4), **{k: round(v, 4) for k, v in figures.items()}})
            shown = "".join(f" {key} {value:.3f}" for key, value in figures.items())
            say(f"  {self.name} {step + 1}/{self.steps} loss {mean:.4f}{shown} ({seconds:.0f} s)")
