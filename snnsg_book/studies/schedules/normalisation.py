"""What the adaptive schedule owes to the floor of its reward, and what to the length of its means.

Between `adaptive` of `schedules_td3` and `meant` of `schedules_meant_td3` lie two changes: a crash is worth nothing,
and means are taken over two evaluations in place of ten. Here each is made alone, and `meant` has Adam's moments follow
its slope. Settings, seeds, budgets and evaluations are those of `schedules_td3`, and so are the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.studies.control import training

from . import arms

CHUNK_SIZE = 18  # three arms of six seeds
# Setting, schedules and seeds, in this order, so that an interrupted sweep has all arms of some seeds.
BLOCKS = tuple((setting, tuple(arms.BETWEEN), range(24)) for setting in ("slow_actor", "crazyflie"))


@dataclass(frozen=True)
class Config:
    """One run: `steps` environment steps under one schedule."""

    setting: str = "slow_actor"
    schedule: str = "floor alone"
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Settings x schedules x seeds; if quick, the beginning of two in two seeds."""
    if quick:
        return [Config("slow_actor", name, seed, 2000) for name in arms.BETWEEN for seed in (0, 1)]
    return [Config(*run, training.SETTINGS[run[0]].steps) for run in arms.record_runs(BLOCKS)]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each setting as replicas of one network."""
    return arms.run_arms("td3", arms.BETWEEN, configs)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the slope stays nearer to 1 as long as the agent crashes if a crash is worth nothing."""
    early = table[(table.setting == "slow_actor") & (table.step <= 1000)]
    slopes = early.groupby("schedule")["current_slope"].median()
    return {"the floor keeps the slope down": bool(slopes["floor alone"] < slopes["short means alone"])}
