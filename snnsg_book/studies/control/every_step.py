"""TD3 with one critic update for each environment step, as its authors set it up, at six fixed slopes.

The setting `default` of `td3_slopes` makes one update for four steps; here everything is as there but for that ratio.
Rows as in `td3_slopes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.replicas import in_groups

from . import training

SETTING = "default"
UPDATES = 4  # an iteration, in which each of four environments takes one step
SLOPES = (1.0, 2.0, 5.0, 10.0, 50.0, 100.0)
CHUNK_SIZE = training.SEEDS_PER_CHUNK * len(SLOPES)


@dataclass(frozen=True)
class Config:
    """One run: `steps` environment steps with one slope."""

    slope: float = 10.0
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """6 slopes x 20 seeds; if quick, the first steps of slopes 2 and 100 in one seed."""
    if quick:
        return [Config(slope, 0, 2000) for slope in (2.0, 100.0)]
    return [
        Config(slope, seed)
        for start in range(0, 20, training.SEEDS_PER_CHUNK)
        for slope in SLOPES
        for seed in range(start, start + training.SEEDS_PER_CHUNK)
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs as replicas of one network."""
    return in_groups(
        configs,
        key=lambda config: config.steps,
        train=lambda steps, group: training.train_td3(
            SETTING,
            [config.slope for config in group],
            [config.seed for config in group],
            steps,
            updates_per_iteration=UPDATES,
        ),
    )


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the first hidden layer receives a smaller gradient at slope 100 than at slope 2."""
    measured = table[table["norm_0"].notna()]
    norm = measured[measured.step == measured.step.min()].groupby("slope")["norm_0"].median()
    return {"the steep slope sends the smaller gradient to the first layer": bool(norm[100.0] < norm[2.0])}
