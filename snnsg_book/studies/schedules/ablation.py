"""What makes the seed's two schedules work or fail: their terms, and what Adam remembers.

Of the adaptive schedule, the weights of reward and change are taken apart. The linear interval schedule, and slope 2
beside it, are trained with a shorter memory of Adam. The unchanged schedules with the same seeds are in
`schedules_td3`, the fixed slopes in `td3_slopes`. Rows as in `schedules_td3`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.studies.control import training

from . import arms
from .arms import Arm

SHORT = {"actor_beta2": 0.95}  # a memory of 20 updates; the default 0.999 remembers 1,000
WEIGHTS = {
    "reward alone": Arm("adaptive", {"weights": (0.5, 0.0)}),
    "change alone": Arm("adaptive", {"weights": (0.0, 0.5)}),
    "change alone, x 10": Arm("adaptive", {"weights": (0.0, 5.0)}),
    "change x 10": Arm("adaptive", {"weights": (0.5, 5.0)}),
}
MEMORY = {
    "interval, linear, short memory": Arm("interval", changes=SHORT),
    "k = 2, short memory": Arm("fixed", {"slope": 2.0}, changes=SHORT),
}
ARMS = WEIGHTS | MEMORY
SEEDS = 15
# Chunks of replicas that can train together, in this order.
BLOCKS = (
    ("slow_actor", tuple(WEIGHTS)),
    ("slow_actor", tuple(MEMORY)),
    ("crazyflie", ("change alone",)),
)
CHUNK_SIZE = 15


@dataclass(frozen=True)
class Config:
    """One run: `steps` environment steps under one schedule."""

    setting: str = "slow_actor"
    schedule: str = "change alone"
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Schedules x 15 seeds; if quick, the first steps of the two terms alone in one."""
    if quick:
        return [Config("slow_actor", name, 0, 2000) for name in ("reward alone", "change alone")]
    return [
        Config(setting, name, seed, training.SETTINGS[setting].steps)
        for setting, names in BLOCKS
        for name in names
        for seed in range(SEEDS)
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs that share a learner as replicas of one network."""
    return arms.run_arms("td3", ARMS, configs)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the change alone gives a shallower slope than the reward alone, before the agent has learnt to fly."""
    return all(_change_is_shallower(table) for table in (quick, stored))


def _change_is_shallower(table: pd.DataFrame) -> bool:
    early = table[(table.setting == "slow_actor") & (table.step <= 2000)]
    slope = early.groupby("schedule")["current_slope"].median()
    return bool(slope["change alone"] < slope["reward alone"])
