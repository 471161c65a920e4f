"""The slope in online reinforcement learning: TD3 with seven fixed slopes on the settings of the book.

One row for each evaluation: `episode_return`; `low_share`, the share of the transitions collected since the last
evaluation that belong to episodes below half the threshold; and, at every third evaluation, what `measure_layers` finds
(`norm_0`, `cosine_0`, `dead_0`, ...).
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
    """One run: `steps` environment steps with one slope."""

    setting: str = "slow_actor"
    slope: float = 25.0
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Settings x 7 slopes x 20 to 32 seeds; if quick, the first steps of slopes 2 and 100 in two seeds."""
    if quick:
        return [Config("slow_actor", slope, seed, 2000) for slope in (2.0, 100.0) for seed in range(2)]
    return [Config(*run, training.SETTINGS[run[0]].steps) for run in training.record_runs()]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each setting as replicas of one network."""
    return in_groups(
        configs,
        key=lambda config: (config.setting, config.steps),
        train=lambda key, group: training.train_td3(
            key[0], [config.slope for config in group], [config.seed for config in group], key[1]
        ),
    )


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the first hidden layer receives a smaller gradient at slope 100 than at slope 2."""
    return all(_steep_is_smaller(table) for table in (quick, stored))


def _steep_is_smaller(table: pd.DataFrame) -> bool:
    measured = table[(table.setting == "slow_actor") & table["norm_0"].notna()]
    norm = measured[measured.step == measured.step.min()].groupby("slope")["norm_0"].median()
    return bool(norm[100.0] < norm[2.0])
