"""Slope schedules in behavioural cloning, to be put beside the fixed slopes of `bc_slopes`, seed by seed.

The schedules are those of `schedules_td3`, with `adaptive, rescaled` in the place of the control: here, the adaptive
slope rises early, and so does what Adam's memory costs. `step` counts updates. One row for each evaluation:
`episode_return` and `current_slope`, the slope from there on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.studies.control import training

from . import arms

CHUNK_SIZE = arms.CHUNK_SIZE


@dataclass(frozen=True)
class Config:
    """One run: `updates` updates under one schedule."""

    setting: str = "slow_actor"
    schedule: str = "adaptive"
    seed: int = 0
    updates: int = 4500


def configs(quick: bool = False) -> list[Config]:
    """Settings x 5 schedules x 20 seeds; if quick, the first updates of the seed's two in two seeds."""
    if quick:
        return [Config("default", name, seed, 250) for name in ("adaptive", "interval, linear") for seed in (0, 1)]
    return [Config(*run, training.SETTINGS[run[0]].updates) for run in arms.record_runs(arms.BC_BLOCKS)]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each setting as replicas of one network."""
    return arms.run_arms("bc", arms.SCHEDULES, configs)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the adaptive slope rises as the clones learn to fly."""
    return all(_rises(table) for table in (quick, stored))


def _rises(table: pd.DataFrame) -> bool:
    adaptive = table[(table.setting == "default") & (table.schedule == "adaptive")]
    slope = adaptive.groupby("step")["current_slope"].median()
    return bool(slope[250] > slope[50])
