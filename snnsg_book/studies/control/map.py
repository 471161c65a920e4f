"""Slope x hidden gain x epsilon of Adam: is it silence or the size of gradients that the steep slope suffers from?

TD3 on PlanarHover with a slow actor. The gain multiplies the initial hidden weights: at 1 the deep layers begin nearly
silent, at 3 awake. Adam divides a gradient by its running size plus epsilon: the larger epsilon, the less can it make
up for gradients that are small. One row for each run, as in `control_regimes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from snnsg_book.replicas import in_groups

from . import training
from .regimes import summary

SETTING = "slow_actor"
SLOPES = (2.0, 100.0)
GAINS = (1.0, 3.0)
EPSILONS = (1e-12, 1e-8, 1e-4)
SEEDS = 15
CHUNK_SIZE = SEEDS * len(SLOPES)


@dataclass(frozen=True)
class Config:
    """One run of `steps` environment steps."""

    gain: float = 1.0
    epsilon: float = 1e-8
    slope: float = 100.0
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Gains x epsilons x slopes x 15 seeds; if quick, the first steps of one corner in two seeds."""
    if quick:
        return [Config(1.0, 1e-4, slope, seed, 2000) for slope in (2.0, 100.0) for seed in range(2)]
    return [
        Config(gain, epsilon, slope, seed)
        for gain in GAINS
        for epsilon in EPSILONS
        for slope in SLOPES
        for seed in range(SEEDS)
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each corner as replicas of one network."""
    return in_groups(configs, key=lambda c: (c.gain, c.epsilon, c.steps), train=_train)


def _train(key: tuple[float, float, int], group: list[Config]) -> list:
    gain, epsilon, steps = key
    slopes, seeds = [config.slope for config in group], [config.seed for config in group]
    changes: dict[str, Any] = {"network": {"gain": gain}, "actor_eps": epsilon}
    curves = training.train_td3(SETTING, slopes, seeds, steps, measured=False, **changes)
    return [curve if isinstance(curve, Exception) else summary(curve, SETTING) for curve in curves]


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether both hold runs with a large epsilon at slopes 2 and 100; few steps decide nothing."""
    return all({2.0, 100.0} <= set(table[table.epsilon == 1e-4].slope) for table in (quick, stored))
