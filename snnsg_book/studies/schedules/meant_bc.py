"""The adaptive schedule as the paper means it, and as its authors coded it, in behavioural cloning.

Where `schedules_bc` scales the reward from 0, a crash already earns a seventh of it and the slope leaves 1 at the
first evaluation. Here a crash is worth nothing and the means are taken over two evaluations (`meant`; `meant, change
alone` without the weight on the reward, `meant, rescaled` with Adam's moments following the slope); beside it the
schedule of the published code (`coded`, the cube of the reward; `coded, with trend`, with its tanh term and its hold).
Settings, seeds, budgets, evaluations and rows are those of `schedules_bc`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.studies.control import training

from . import arms

CHUNK_SIZE = arms.CHUNK_SIZE
CLONED = ("meant", "meant, rescaled", "coded", "coded, with trend")
BLOCKS = tuple((setting, CLONED, range(20)) for setting in ("slow_actor", "crazyflie", "default"))


@dataclass(frozen=True)
class Config:
    """One run: `updates` updates under one schedule."""

    setting: str = "slow_actor"
    schedule: str = "meant"
    seed: int = 0
    updates: int = 4500


def configs(quick: bool = False) -> list[Config]:
    """Settings x schedules x seeds; if quick, the beginning of two in two seeds."""
    if quick:
        return [Config("slow_actor", name, seed, 300) for name in ("meant", "coded") for seed in (0, 1)]
    return [Config(*run, training.SETTINGS[run[0]].updates) for run in arms.record_runs(BLOCKS)]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each setting as replicas of one network."""
    return arms.run_arms("bc", arms.MEANT, configs)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether both schedules stay near slope 1 as long as the agent crashes."""
    early = table[(table.setting == "slow_actor") & (table.step <= 150)]
    slopes = early.groupby("schedule")["current_slope"].median()
    return {"the slope stays near 1 as long as the agent crashes": bool((slopes[["meant", "coded"]] < 12).all())}
