"""Learning-curve explorer: the stored runs of TD3 and of cloning, slope against slope, with few seeds or many."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure

from snnsg_book import load_results
from snnsg_book.studies.control.figures.learning import plot_learning_curves
from snnsg_book.studies.control.outcomes import HIGHEST_RETURN, THRESHOLDS, task_of
from snnsg_lib.statistics import iqm

from .explorer import Choice, Explorer, Listed, script

if TYPE_CHECKING:
    import pandas as pd

SLOPES = (1, 2, 5, 10, 25, 50, 100)
SETTINGS = {
    "slow_actor": "PlanarHover (slow actor)",
    "default": "PlanarHover (default rates)",
    "crazyflie": "CrazyflieHover",
}
LEARNERS = {"td3": ("TD3", "step"), "bc": ("cloning", "update")}
SEEDS = ("5", "10", "20", "all")
AGAINST = ("nothing", *map(str, SLOPES), "all")
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
    return {"limits": limits, "curves": curves}


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

    slope = Listed(2.0, SLOPES)
    against = Choice("100", AGAINST)
    setting = Choice("slow_actor", tuple(SETTINGS))
    learner = Choice("td3", tuple(LEARNERS))
    seeds = Choice("all", SEEDS)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        super().__init__(**state)
        self.set_trait("table", stored_curves())

    @property
    def page_state(self) -> dict[str, Any]:
        """Controls and the stored runs."""
        return {**self.state, "table": stored_curves()}

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

    def shown(self) -> list[int]:
        """The slopes whose runs are drawn."""
        second = [int(self.against)] if self.against.isdigit() and int(self.against) != self.slope else []
        return [int(self.slope), *second]

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

    def sentence(self) -> str:
        """Say how soon half of the runs pass the threshold, how many ever do, and where they end."""
        name, unit = LEARNERS[self.learner]
        curves = {slope: self.curve(slope) for slope in self.shown()}
        count = len(curves[int(self.slope)].runs)
        parts = [f"with k = {slope} {self._in_words(curve, unit)}" for slope, curve in curves.items()]
        words = f"{_capital(name)} on {SETTINGS[self.setting]}, {count} runs of each slope: {'; '.join(parts)}."
        return f"{words} {self._all_in_words(unit)}" if self.against == "all" else words

    def _in_words(self, curve: Curve, unit: str) -> str:
        arrived = f"{curve.arrived} of {len(curve.runs)}"
        way = f"fewer than half of the runs pass {self.threshold:g} ({arrived})"
        if curve.half_by < math.inf:
            way = f"half of the runs pass {self.threshold:g} by {unit} {curve.half_by:,} ({arrived} ever do)"
        end, low, high = (_whole(values[-1]) for values in (curve.middle, curve.low, curve.high))
        return f"{way} and they end at {end} [{low}, {high}]"

    def _all_in_words(self, unit: str) -> str:
        by = {slope: self.curve(slope).half_by for slope in SLOPES}
        first, last = min(by, key=lambda k: (by[k], k)), max(by, key=lambda k: (by[k], k))
        if by[first] == math.inf:
            return "No slope brings half of its runs there."
        ends = (f"by {unit} {by[k]:,}" if by[k] < math.inf else "never" for k in (first, last))
        return "Of all slopes k = {} is first to bring half of its runs there ({}), k = {} last ({}).".format(
            *(part for pair in zip((first, last), ends, strict=True) for part in pair)
        )

    def _draw(self) -> Figure:
        figure = Figure(figsize=(6.4, 3.8), layout="constrained")
        slopes = list(SLOPES) if self.against == "all" else self.shown()
        unit = "environment steps" if self.learner == "td3" else "updates"
        ax = figure.subplots()
        plot_learning_curves(self._runs(slopes), groups=slopes, setting=self.setting, unit=unit, ax=ax)
        ax.set_xlim(0, self.steps[-1])
        return figure

    def _runs(self, slopes: list[int]) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(
            [
                {"slope": slope, "seed": seed, "step": step, "episode_return": value}
                for slope in slopes
                for seed, run in enumerate(self.curve(slope).runs)
                for step, value in zip(self.steps, run, strict=True)
            ]
        )


def _whole(tenths: int) -> str:
    # Halves go up, as in the page's script.
    return str(math.floor(tenths / 10 + 0.5)).replace("-", "−")


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
