"""Learning-curve explorer: the stored runs of TD3 and of cloning, slope against slope, with few seeds or many."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnsg_book import load_results
from snnsg_book.studies.control.outcomes import HIGHEST_RETURN, THRESHOLDS, task_of
from snnsg_lib.statistics import iqm

from .controls import Choice, Listed
from .explorer import Explorer, script

if TYPE_CHECKING:
    import pandas as pd

SLOPES = (1, 2, 5, 10, 25, 50, 100)
SETTINGS = {"slow_actor": "planar, slow actor", "default": "planar, default", "crazyflie": "Crazyflie"}
LEARNERS = {"td3": "TD3 (trying)", "bc": "cloning"}
SEEDS = ("5", "10", "20", "all")
AGAINST = {"nothing": "nothing"} | {str(slope): f"k = {slope}" for slope in SLOPES} | {"all": "all slopes"}
RESAMPLES = 500


class Curve(NamedTuple):
    """What the runs of one slope came to.

    Attributes
    ----------
    runs : list of list of int
        Return of each evaluation, rounded down, of each run.
    middle, low, high : list of int
        Interquartile mean of each evaluation and its 95 % interval, in tenths.
    arrived : int
        Runs with an evaluation at the threshold.
    half_by : float
        Step by which half of the runs had one; infinite if fewer ever did.
    """

    runs: list[list[int]]
    middle: list[int]
    low: list[int]
    high: list[int]
    arrived: int
    half_by: float


@lru_cache(maxsize=1)
def stored_curves() -> dict[str, Any]:
    """The tables `td3_slopes` and `bc_slopes` as the explorer keeps them: nested lists of whole numbers."""
    tables = {learner: load_results(f"{learner}_slopes") for learner in LEARNERS}
    curves = {
        setting: {learner: _compact(table[table.setting == setting]) for learner, table in tables.items()}
        for setting in SETTINGS
    }
    tasks = {setting: task_of(setting) for setting in SETTINGS}
    limits = {setting: [THRESHOLDS[task], HIGHEST_RETURN[task]] for setting, task in tasks.items()}
    return {"slopes": list(SLOPES), "limits": limits, "curves": curves}


def _compact(table: pd.DataFrame) -> dict[str, Any]:
    by_slope = [
        table[table.slope == slope].pivot(index="seed", columns="step", values="episode_return") for slope in SLOPES
    ]
    steps = by_slope[0].columns.astype(int).tolist()
    bands = {seeds: [_band(runs.to_numpy()[: _count(seeds)]) for runs in by_slope] for seeds in SEEDS}
    # Rounded down, a return stays on its side of the threshold, which is a whole number.
    return {
        "steps": steps,
        "runs": [np.floor(runs).astype(int).to_numpy().tolist() for runs in by_slope],
        "bands": bands,
    }


def _count(seeds: str) -> int | None:
    return None if seeds == "all" else int(seeds)


def _band(runs: np.ndarray) -> list[list[int]]:
    """Interquartile mean of each evaluation and its 95 % interval over runs, (3, evaluations), in tenths."""
    drawn = np.random.default_rng(0).integers(len(runs), size=(RESAMPLES, len(runs)))
    low, high = np.quantile(iqm(runs[drawn], axis=1), (0.025, 0.975), axis=0)
    return np.rint(10 * np.stack((iqm(runs, axis=0), low, high))).astype(int).tolist()


class LearningCurveExplorer(Explorer):
    """Learning curves of spiking policies, one slope against another: stored runs, alive with and without a kernel.

    Parameters
    ----------
    slope : {1, 2, 5, 10, 25, 50, 100}
        Slope k whose runs are drawn.
    against : {"nothing", "1", "2", "5", "10", "25", "50", "100", "all"}
        A second slope, or the middles of all.
    setting : {"slow_actor", "default", "crazyflie"}
        Task and hyper-parameters.
    learner : {"td3", "bc"}
        Online TD3, or cloning of the expert.
    seeds : {"5", "10", "20", "all"}
        How many of the runs are drawn, and stand behind middle and band.

    Raises
    ------
    FileNotFoundError
        If the tables `td3_slopes` and `bc_slopes` are not stored.

    Examples
    --------
    >>> LearningCurveExplorer(slope=1).curve(1).arrived > 0
    True
    """

    _name = "curves"
    _esm = script("curves")
    _title = "Learning-curve explorer"
    _picture = (
        "Return of an episode over training: single runs thin, interquartile mean thick in its 95 % band, the "
        "threshold as a dotted rule"
    )
    _try_this = (
        "take 5 runs and compare two slopes; then take all. Which of the differences were luck? Then let the same "
        "network clone instead of try."
    )

    slope = Listed(2.0, SLOPES, "slope k", coloured=True, wide=True)
    against = Choice("100", AGAINST, "against")
    setting = Choice("slow_actor", SETTINGS, "task")
    learner = Choice("td3", LEARNERS, "learner")
    seeds = Choice("all", SEEDS, "runs")

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """The stored runs."""
        return stored_curves()

    @property
    def steps(self) -> list[int]:
        """Environment steps, or updates, of the evaluations."""
        return self._stored["steps"]

    @property
    def threshold(self) -> float:
        """The return that counts as flying."""
        return stored_curves()["limits"][self.setting][0]

    @property
    def _stored(self) -> dict[str, Any]:
        return stored_curves()["curves"][self.setting][self.learner]

    def curve(self, slope: int) -> Curve:
        """The runs of a slope in the present state, and what they came to."""
        place = SLOPES.index(slope)
        runs = self._stored["runs"][place][: _count(self.seeds)]
        arrivals = sorted(self._arrival(run) for run in runs)
        arrived = sum(step < math.inf for step in arrivals)
        half_by = arrivals[math.ceil(len(runs) / 2) - 1]
        middle, low, high = self._stored["bands"][self.seeds][place]
        return Curve(runs, middle, low, high, arrived, half_by)

    def _arrival(self, run: list[int]) -> float:
        return next((step for step, value in zip(self.steps, run, strict=True) if value >= self.threshold), math.inf)
