"""What learning from another's data costs, and what data of a shallow or a steep driver are worth: four tandems.

A passive learner trains on the transitions that a driver collects (Ostrovski et al. 2021). It has its own initial
weights and batches, so that it differs from its driver even where both have the same slope; that pair tells the price
of learning passively, which a tandem of unequal slopes pays as well. Slopes 2 and 100 drive, slopes 2 and 100 learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from snnsg_book.replicas import in_groups
from snnsg_lib.learning import TD3

from . import training

SETTING = "slow_actor"
SHALLOW, STEEP = 2.0, 100.0
# Slope of the learner, slope of the driver; None: it drives itself.
PAIRS: tuple[tuple[float, float | None], ...] = (
    (SHALLOW, None),
    (STEEP, None),
    (SHALLOW, SHALLOW),
    (STEEP, SHALLOW),
    (SHALLOW, STEEP),
    (STEEP, STEEP),
)
SEEDS = 32
SEEDS_PER_CHUNK = 4
CHUNK_SIZE = SEEDS_PER_CHUNK * len(PAIRS)
PASSIVE = 10_000  # added to the seed of a driver, gives the seed of those who learn from it


@dataclass(frozen=True)
class Config:
    """One run; `driver` 0 stands for the run itself."""

    slope: float = STEEP
    driver: float = 0.0
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Six pairs x 32 seeds; if quick, the first steps in one seed."""
    seeds, steps = (1, 2000) if quick else (SEEDS, training.SETTINGS[SETTING].steps)
    return [
        Config(slope, driver or 0.0, seed, steps)
        for start in range(0, seeds, SEEDS_PER_CHUNK)
        for slope, driver in PAIRS
        for seed in range(start, min(start + SEEDS_PER_CHUNK, seeds))
    ]


def run(configs: Sequence[Config]) -> list:
    """Train drivers and passive learners together, as replicas of one network."""
    return in_groups(configs, key=lambda config: config.steps, train=_train)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the policies have only begun to learn after 1,000 steps, whoever drives."""
    first = table[table.step == 1000].episode_return
    return {"nobody flies after 1,000 steps": bool((first < 100).all())}


def _train(steps: int, group: list[Config]) -> list:
    seeds = sorted({config.seed for config in group})
    runs = [(slope, driver or 0.0, seed) for slope, driver in PAIRS for seed in seeds]
    sources = [runs.index((driver or slope, 0.0, seed)) for slope, driver, seed in runs]
    learners = [seed + PASSIVE if driver else seed for _, driver, seed in runs]
    learner = partial(Passive, sources=sources)
    slopes = [slope for slope, _, _ in runs]
    outcomes = training.train_td3(SETTING, slopes, learners, steps, measured=False, learner=learner)
    found = dict(zip(runs, outcomes, strict=True))
    return [found[config.slope, config.driver, config.seed] for config in group]


class Passive(TD3):
    """TD3 in which replicas may learn from the transitions of other replicas; each is evaluated by its own policy."""

    def __init__(self, *args: Any, sources: Sequence[int], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.sources = list(sources)

    def _collect(self) -> None:
        super()._collect()
        newest = self.buffer.rows[:, (self.buffer.stored - 1) % self.buffer.rows.shape[1]]
        newest[:] = newest[self.sources]
