"""Slope schedules in online reinforcement learning, to be put beside the fixed slopes of `td3_slopes`, seed by seed.

Two schedules of the seed (`interval, linear` from 1 to 100 and `adaptive`), two repairs of the first (`interval,
geometric`, and `interval, rescaled`, in which Adam's moments follow the slope), and a control on the first setting
(`reversed`, from 100 to 1). Settings, seeds, budgets and evaluations are those of `td3_slopes`. One row for each
evaluation: `episode_return` and `current_slope`, the slope from there on.

An epoch is the training from one evaluation, and so from one step of a schedule, to the next: 1,000 environment steps
on PlanarHover, 2,000 on CrazyflieHover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.studies.control import training

from . import arms
from .comparisons import arrivals, price_of_a_sweep, together

__all__ = ["CHUNK_SIZE", "Config", "agrees", "arrivals", "configs", "price_of_a_sweep", "run", "together"]
CHUNK_SIZE = arms.CHUNK_SIZE


@dataclass(frozen=True)
class Config:
    """One run: `steps` environment steps under one schedule."""

    setting: str = "slow_actor"
    schedule: str = "adaptive"
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Settings x 4 or 5 schedules x 20 to 32 seeds; if quick, the first steps of the seed's two in two seeds."""
    if quick:
        return [Config("slow_actor", name, seed, 2000) for name in ("adaptive", "interval, linear") for seed in (0, 1)]
    return [Config(*run, training.SETTINGS[run[0]].steps) for run in arms.record_runs(arms.TD3_BLOCKS)]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each setting as replicas of one network."""
    return arms.run_arms("td3", arms.SCHEDULES, configs)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the adaptive slope stays in the lower half of its range as long as the agent has not learnt to fly."""
    return all(_shallow_at_first(table) for table in (quick, stored))


def _shallow_at_first(table: pd.DataFrame) -> bool:
    early = table[(table.setting == "slow_actor") & (table.schedule == "adaptive") & (table.step <= 2000)]
    return bool(early["current_slope"].median() < 50)
