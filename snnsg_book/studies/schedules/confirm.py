"""The two winners of `schedules_search` on fresh seeds, those of `td3_slopes` and `schedules_td3`.

The winners are the candidate schedule and the initialisation with the largest mean area under the learning curve; the
rule stands here, so that nobody chooses. They fly PlanarHover with a slow actor, on which they were found, and
CrazyflieHover, which the search never saw. Rows as in `schedules_td3`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book import load_results
from snnsg_book.studies.control import training

from . import arms, search
from .comparisons import together

ROLES = {"schedule": search.CANDIDATES, "initialisation": search.INITIALISATIONS}
SEEDS = {"slow_actor": range(20), "crazyflie": range(20)}
CHUNK_SIZE = 20  # one winner: the two may need learners of their own


@dataclass(frozen=True)
class Config:
    """One run: `steps` environment steps of the winner in one role."""

    setting: str = "slow_actor"
    role: str = "schedule"
    schedule: str = "adaptive, 1 to 25"
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Winners x 20 seeds; if quick, the first steps of one candidate for each role in two seeds."""
    if quick:
        names = {"schedule": "adaptive, 1 to 25", "initialisation": "gain 2, adaptive"}
        return [Config("slow_actor", *item, seed, 2000) for item in names.items() for seed in range(2)]
    found = winners(load_results("schedules_search"))
    return [
        Config(setting, role, name, seed, training.SETTINGS[setting].steps)
        for setting, seeds in SEEDS.items()
        for role, name in found.items()
        for seed in seeds
    ]


def winners(table: pd.DataFrame) -> dict[str, str]:
    """Return the best candidate for each role: the one with the largest mean area under the learning curve."""
    auc = together(table).groupby("arm")["auc"].mean()
    return {role: str(auc[list(arms)].idxmax()) for role, arms in ROLES.items()}


def run(configs: Sequence[Config]) -> list:
    """Train the runs that share a learner as replicas of one network."""
    return arms.run_arms("td3", search.ARMS, configs)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether both hold runs in both roles; few steps decide nothing."""
    return all(set(ROLES) == set(table["role"]) for table in (quick, stored))
