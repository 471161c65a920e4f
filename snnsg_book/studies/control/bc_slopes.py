"""The slope in behavioural cloning: seven fixed slopes on the settings of the book; `step` counts updates.

One row for each evaluation: `episode_return`, and at every fifth evaluation what `measure_layers` finds (`norm_0`,
`cosine_0`, `dead_0`, ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.replicas import in_groups

from . import training

CHUNK_SIZE = training.CHUNK_SIZE


@dataclass(frozen=True)
class Config:
    """One run: `updates` updates with one slope."""

    setting: str = "slow_actor"
    slope: float = 25.0
    seed: int = 0
    updates: int = 4500


def configs(quick: bool = False) -> list[Config]:
    """Settings x 7 slopes x 20 to 32 seeds; if quick, the first updates of slopes 2 and 100 in two seeds."""
    if quick:
        return [Config("default", slope, seed, 250) for slope in (2.0, 100.0) for seed in range(2)]
    return [Config(*run, training.SETTINGS[run[0]].updates) for run in training.record_runs()]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each setting as replicas of one network."""
    return in_groups(
        configs,
        key=lambda config: (config.setting, config.updates),
        train=lambda key, group: training.train_bc(
            key[0], [config.slope for config in group], [config.seed for config in group], key[1]
        ),
    )


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the steep slope learns later: after 250 updates its clones fly worse than those of slope 2."""
    return all(_steep_is_slower(table) for table in (quick, stored))


def _steep_is_slower(table: pd.DataFrame) -> bool:
    early = table[(table.setting == "default") & (table.step == 250)]
    returns = early.groupby("slope")["episode_return"].median()
    return bool(returns[100.0] < returns[2.0])
