"""The spectrum over the epochs, with the accuracy beside it: the runs that the flossing explorer shows.

Networks and trials as in `flossing_tasks`; few of them, looked at closely. Arms: ``none``; ``before``: 60 flossing
steps on one exponent, then training; ``before 16``: on sixteen; ``during``: on one, 30 steps after 40 training steps
and 30 after 80; ``gain``: recurrent weights times 4, no flossing. Rows, at `CHECKPOINTS` of the gradient steps:
`accuracy` on 64 trials of their own, firing `rate`, and the 32 leading exponents (`exponent_1` the largest).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from snnsg_book.rounding import rounded
from snnsg_lib.lyapunov import floss
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.tasks import Delayed

from . import networks
from .tasks import SCHEDULES, STEPS

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 4
ARMS = {"none": (None, 1), "before": ("before", 1), "before 16": ("before", 16), "during": ("during", 1)}
ARMS["gain"] = (None, 1)
DELAYS = {"copy": 45, "xor": 24}
SLOPES = (5.0, 1.0, 25.0)
NUM_EXPONENTS = 32
CHECKPOINTS = (0, 10, *range(20, 160, 20), *range(160, 601, 40))


@dataclass(frozen=True)
class Config:
    """One network; `steps` counts the gradient steps of both kinds."""

    task: str = "copy"
    arm: str = "none"
    slope: float = 5.0
    seed: int = 0
    steps: int = 400


def configs(quick: bool = False) -> list[Config]:
    """Tasks x slopes x arms x 4 seeds; two short arms of one task if quick."""
    if quick:
        return [Config(arm=arm, seed=seed, steps=70) for arm in ("none", "before") for seed in range(2)]
    cells = [(task, slope, arm) for task in DELAYS for slope in SLOPES for arm in ARMS]
    return [Config(task, arm, slope, seed, STEPS[task]) for task, slope, arm in cells for seed in range(4)]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Train neighbouring configs that differ in nothing but their seed as replicas of one network."""
    rows = []
    for cell, group in groupby(configs, key=lambda config: replace(config, seed=0)):
        rows += _run(cell, [config.seed for config in group])
    return rows


def _run(config: Config, seeds: list[int]) -> list[list[dict]]:
    net = networks.build(seeds, config.slope, 4.0 if config.arm == "gain" else 1.0)
    rngs, delay = networks.streams(seeds, 7), DELAYS[config.task]
    test = networks.draw(config.task, delay, 64, networks.streams(seeds, 8))
    rows: list[list[dict]] = [[] for _ in seeds]

    def batches(epoch: int) -> Delayed:
        if epoch in CHECKPOINTS:
            _look(rows, net, test, delay, epoch)
        return networks.draw(config.task, delay, 16, rngs)

    schedule, num_exponents = ARMS[config.arm]
    floss(
        net,
        batches,
        config.steps,
        loss_fn=networks.task_loss,
        schedule=SCHEDULES[schedule] if schedule else None,
        num_exponents=num_exponents,
        num_trials=4,
        floss_lr=5e-3,
        qr_interval=4,
    )
    _look(rows, net, test, delay, config.steps)
    return rows


def _look(rows: list[list[dict]], net: RecurrentLIF, test: Delayed, delay: int, step: int) -> None:
    found = networks.evaluate(net, test, num_trials=1)
    spectrum = networks.exponents(net, test.inputs[:, :, :4], NUM_EXPONENTS)
    for replica, own in enumerate(rows):
        exponents = {f"exponent_{m + 1}": rounded(value) for m, value in enumerate(spectrum[replica])}
        own.append({"delay": delay, "step": step, **{k: rounded(found[k][replica]) for k in ("accuracy", "rate")}})
        own[-1] |= exponents


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether flossing has brought the largest exponent closer to 0 within its sixty steps."""
    return all(_flossed_is_closer(table) for table in (quick, stored))


def _flossed_is_closer(table: pd.DataFrame) -> bool:
    at_the_end = table[(table.step == 60) & (table.slope == 5) & (table.task == "copy")]
    sizes = at_the_end.exponent_1.abs().groupby(at_the_end.arm).mean()
    return bool(sizes["before"] < sizes["none"])
