"""One optimiser set-up for all steps: AdamW, linear warm-up, cosine decay, clipping at norm 1."""

from __future__ import annotations

import math
from typing import Any, Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from . import checkpoint
from .progress import Progress

WARM_UP_STEPS = 50
LAST_RATE = 0.02


def seeded(seed: int, step: int) -> tuple[np.random.Generator, torch.Generator]:
    """Independent random streams of a training step; also seeds PyTorch's global one."""
    torch.manual_seed(seed * 1000 + step)
    return np.random.default_rng([seed, step]), torch.Generator().manual_seed(seed * 1000 + step)


class Schedule:
    """Counts steps, applies gradients, keeps a log of mean losses, and all of it in checkpoints.

    Everything that a step changes must be known here: `modules`, both `streams`, and `carry`, a dictionary of
    numbers, arrays and tensors that the caller changes in place. PyTorch's global streams are kept as well.
    """

    def __init__(
        self,
        name: str,
        modules: Sequence[nn.Module],
        steps: int,
        peak_lr: float,
        streams: tuple[np.random.Generator, torch.Generator],
        carry: dict[str, Any] | None = None,
        decay: float = 0.01,
    ) -> None:
        self.name, self.steps, self.peak_lr = name, steps, peak_lr
        self.modules, self.streams, self.carry = modules, streams, {} if carry is None else carry
        self.parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=peak_lr, weight_decay=decay, betas=(0.9, 0.98))
        self.every = max(1, steps // 20)
        self.log: list[dict[str, float]] = []
        self.losses: list[Tensor] = []
        self.progress = Progress(name, steps)

    def learning_rate(self, step: int) -> float:
        """Learning rate of step 0, 1, ...: rises over 50 steps (at most a fifth), then a cosine to 2 %."""
        warm = min(1.0, (step + 1) / min(WARM_UP_STEPS, max(1, self.steps // 5)))
        shape = LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.peak_lr * warm * shape

    def remaining(self) -> Iterator[int]:
        """The steps to do; those before a checkpoint are done."""
        kept = checkpoint.load()
        first = 0
        if kept is not None:
            self._take_up(kept)
            first = int(kept["step"])
            self.progress = Progress(self.name, self.steps, first)
        for step in range(first, self.steps):
            yield step
            checkpoint.save(lambda step=step: self._state(step + 1))

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
        self.progress.step(step + 1, float(loss))
        if (step + 1) % self.every == 0 or step + 1 == self.steps:
            mean = float(torch.stack(self.losses).mean())
            figures = probe() if probe else {}
            self.losses = []
            self.log.append({"step": step + 1, "loss": round(mean, 4), **{k: round(v, 4) for k, v in figures.items()}})
            self.progress.entry(step + 1, mean, figures)

    def _state(self, step: int) -> dict[str, Any]:
        random, generator = self.streams
        return {
            "step": step,
            "modules": [module.state_dict() for module in self.modules],
            "optimiser": self.optimiser.state_dict(),
            "random": random.bit_generator.state,
            "generator": generator.get_state(),
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "carry": self.carry,
            "log": self.log,
            "losses": self.losses,
        }

    def _take_up(self, kept: dict[str, Any]) -> None:
        random, generator = self.streams
        for module, state in zip(self.modules, kept["modules"]):
            module.load_state_dict(state)
        self.optimiser.load_state_dict(kept["optimiser"])
        random.bit_generator.state = kept["random"]
        generator.set_state(kept["generator"].cpu())
        torch.set_rng_state(kept["torch"].cpu())
        if torch.cuda.is_available():
            torch.cuda.set_rng_state_all([state.cpu() for state in kept["cuda"]])
        self.carry.update(kept["carry"])
        self.log[:], self.losses = kept["log"], list(kept["losses"])
