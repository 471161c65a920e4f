"""A search for a better schedule than the seed's, on seeds of its own: PlanarHover with a slow actor.

The candidates change range, window, weights and spacing of the adaptive schedule, hold the share of dead neurons at a
target, wake the layers first and go steep later, or start from larger hidden weights, alone and under a schedule. The
seed's adaptive schedule and the best fixed slopes run beside them. The best is then confirmed on other seeds by
`schedules_confirm`. Rows as in `schedules_td3`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.studies.control import training

from . import arms
from .arms import Arm

SETTING = "slow_actor"
AWAKE = {"network": {"gain": 2.0}}
REFERENCES = {
    "adaptive": Arm("adaptive"),
    "k = 2": Arm("fixed", {"slope": 2.0}),
}
CANDIDATES = {
    "adaptive, 1 to 25": Arm("adaptive", {"slope_range": (1.0, 25.0)}),
    "adaptive, geometric": Arm("adaptive", {"spacing": "geometric"}),
    "adaptive, window 3": Arm("adaptive", {"window": 3}),
    "adaptive, rescaled": Arm("adaptive", rescaled=True),
    "interval, 1 to 25": Arm("interval", {"end": 25.0, "spacing": "geometric"}),
    "wake, then steep": Arm("interval", {"start": 2.0, "end": 25.0, "changes": 1, "interval": 9}),
    "dead share at 0.2": Arm("target", {"target": 0.2, "gain": 10.0, "start": 2.0}),
}
INITIALISATIONS = {
    "gain 2, k = 2": Arm("fixed", {"slope": 2.0}, changes=AWAKE),
    "gain 2, k = 10": Arm("fixed", {"slope": 10.0}, changes=AWAKE),
    "gain 2, adaptive": Arm("adaptive", changes=AWAKE),
}
ARMS = REFERENCES | CANDIDATES | INITIALISATIONS
SEEDS = range(1000, 1006)
CHUNK_SIZE = 18


@dataclass(frozen=True)
class Config:
    """One run: `steps` environment steps under one schedule."""

    setting: str = SETTING
    schedule: str = "adaptive"
    seed: int = 1000
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Candidates and references x 6 seeds; if quick, the first steps of two in two seeds."""
    if quick:
        names = ("adaptive", "adaptive, 1 to 25")
        return [Config(SETTING, name, seed, 2000) for name in names for seed in SEEDS[:2]]
    return [
        Config(SETTING, name, seed, training.SETTINGS[SETTING].steps)
        for names in (tuple(REFERENCES | CANDIDATES), tuple(INITIALISATIONS))
        for start in (0, 2, 4)
        for name in names
        for seed in SEEDS[start : start + 2]
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs that share a learner as replicas of one network."""
    return arms.run_arms("td3", ARMS, configs)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether a narrower range makes for shallower slopes."""
    return all(_narrower_is_shallower(table) for table in (quick, stored))


def _narrower_is_shallower(table: pd.DataFrame) -> bool:
    slope = table[table.step <= 2000].groupby("schedule")["current_slope"].median()
    return bool(slope["adaptive, 1 to 25"] < slope["adaptive"])
