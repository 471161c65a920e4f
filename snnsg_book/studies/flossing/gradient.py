"""Does the largest exponent predict the gradient? ln |dL/dh_0| beside exponent times duration, in 360 networks.

The delayed copy in networks that differ in slope, gain and delay. h_0 is the state before the first step. Each network
is looked at untrained, after 50 steps of training and after 150 (Adam, rate 2e-3, batches of 8, each network's gradient
clipped to length 1 after entries that are not finite were set to 0: those that explode are in the sample too). Rows,
one a stage: `exponent` per step and `log_gradient`, means over the same 8 trials; `duration` T in steps; `accuracy` and
firing `rate` on 64 trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from snnsg_book.rounding import rounded
from snnsg_lib.networks import RecurrentLIF

from . import networks

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 36
STAGES = {"untrained": 0, "during": 50, "trained": 150}
SLOPES, GAINS, DELAYS = (1.0, 5.0, 25.0), (0.5, 1.0, 2.0, 4.0), (20, 40, 80)


@dataclass(frozen=True)
class Config:
    """One network; `quick` ones are not trained."""

    delay: int = 20
    seed: int = 0
    slope: float = 5.0
    gain: float = 1.0
    quick: bool = False


def configs(quick: bool = False) -> list[Config]:
    """Delays x 10 seeds x slopes x gains; one delay and 6 seeds, untrained, if quick."""
    return [
        Config(delay, seed, slope, gain, quick)
        for delay in DELAYS[: 1 if quick else 3]
        for seed in range(6 if quick else 10)
        for slope in SLOPES
        for gain in GAINS
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Train neighbouring configs with the same delay as replicas of one network."""
    rows = []
    for (delay, quick), group in groupby(configs, key=lambda config: (config.delay, config.quick)):
        rows += _run(list(group), delay, quick)
    return rows


def _run(configs: list[Config], delay: int, quick: bool) -> list[list[dict]]:
    seeds = [config.seed for config in configs]
    slopes, gains = (torch.tensor([getattr(config, name) for config in configs]) for name in ("slope", "gain"))
    net = networks.build(seeds, slopes, gains)
    trials = networks.draw("copy", delay, 64, networks.streams(seeds, 8))
    few = type(trials)(trials.inputs[:, :, :8], trials.targets[:, :, :8])
    rngs = networks.streams(seeds, 7)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    rows: list[list[dict]] = [[] for _ in configs]
    done = 0
    for stage, steps in STAGES.items():
        if quick and steps:
            break
        for _ in range(steps - done):
            _step(net, optimizer, networks.draw("copy", delay, 8, rngs))
        done = steps
        found = {"log_gradient": networks.log_gradients(net, few), **networks.evaluate(net, trials)}
        for replica, own in enumerate(rows):
            measured = {name: rounded(values[replica]) for name, values in found.items()}
            own.append({"stage": stage, "duration": len(trials.inputs), **measured})
    return rows


def _step(net: RecurrentLIF, optimizer: torch.optim.Optimizer, trials: networks.Delayed) -> None:
    """One step of Adam, the gradient of each replica clipped to length 1.

    Entries of a gradient that are not finite are set to 0 before: a network whose gradient has overflowed stays in the
    sample and moves by what is left of it, where a NaN would end it.
    """
    optimizer.zero_grad()
    networks.task_loss(net, trials).sum().backward()
    grads = [x.grad.nan_to_num_(0.0, 0.0, 0.0) for x in net.parameters() if x.grad is not None]
    lengths = torch.stack([grad.double().flatten(1).square().sum(1) for grad in grads]).sum(0).sqrt()
    for grad in grads:
        grad *= (1 / lengths.clamp(min=1.0)).float().reshape(-1, *[1] * (grad.dim() - 1))
    optimizer.step()


def predicted(table: pd.DataFrame) -> pd.Series:
    """Exponent times duration: what ln |dL/dh_0| should be, up to a constant."""
    return table["exponent"] * table["duration"]


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the exponent explains most of the gradient in the untrained networks."""
    tables = (table[(table.stage == "untrained") & (table.delay == 20)] for table in (quick, stored))
    return all(predicted(table).corr(table.log_gradient) > 0.9 for table in tables)
