"""Schedule explorer: what each schedule would do to the slope, on a return that is drawn, chosen or was stored."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from matplotlib.figure import Figure

from snnsg_book import load_results
from snnsg_book.studies.control.outcomes import HIGHEST_RETURN, THRESHOLDS
from snnsg_book.studies.schedules.arms import CHANGES, FULL, ONLINE
from snnsg_book.style import COLOURS, SCHEDULES, slope_axis
from snnsg_lib.schedulers import AdaptiveSlope, FixedSlope, IntervalSlope, SlopeScheduler
from snnsg_lib.surrogates import FastSigmoid

from .explorer import Choice, Explorer, Number, Numbers, Whole, script

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike

SETTING = "slow_actor"  # whose stored runs are replayed
EVALUATIONS = 18
HIGHEST = HIGHEST_RETURN["planar"]
THRESHOLD = THRESHOLDS["planar"]
# Returns after each evaluation: not measured, but of shapes that occur.
CURVES = {
    "steady": (21, 22, 24, 28, 36, 52, 78, 110, 140, 161, 174, 181, 185, 187, 188, 189, 189, 190),
    "setback": (21, 25, 36, 64, 108, 147, 169, 180, 150, 62, 38, 35, 48, 86, 134, 166, 181, 187),
    "stuck": (18, 24, 21, 28, 25, 31, 27, 22, 29, 33, 26, 30, 24, 28, 31, 27, 29, 26),
    "noisy": (20, 34, 22, 61, 38, 97, 52, 120, 66, 143, 88, 178, 74, 160, 122, 185, 110, 171),
}
DRAWN = (20, 22, 25, 45, 80, 120, 150, 165, 172, 60, 30, 25, 60, 120, 160, 180, 188, 190)
RUNS = 32
INK, MUTED = COLOURS["ink"][0], COLOURS["muted"][0]


@lru_cache(maxsize=1)
def stored_returns() -> dict[str, Any]:
    """The chosen curves, and the returns of the stored runs of each schedule in tenths, rounded down."""
    table = load_results("schedules_td3")
    table = table[table.setting == SETTING]
    by_arm = {
        arm: table[table.schedule == arm].pivot(index="seed", columns="step", values="episode_return") for arm in ONLINE
    }
    # Rounded down, a return stays on its side of the threshold.
    runs = {arm: np.floor(10 * wide.to_numpy()[:RUNS]).astype(int).tolist() for arm, wide in by_arm.items()}
    return {"curves": {name: list(curve) for name, curve in CURVES.items()}, "runs": runs}


class ScheduleExplorer(Explorer):
    """Slopes of every schedule over one history of returns: chosen, drawn by hand, or of a stored run of TD3.

    There are 18 evaluations, as in the runs for the record on PlanarHover; a return of 190 counts as full.

    Parameters
    ----------
    curve : str
        ``"steady"``, ``"setback"``, ``"stuck"``, ``"noisy"``, ``"yours"`` (`returns`), or the schedule of stored runs.
    run : {"1", "2", ..., "32"}
        Which of the stored runs.
    returns : list of 18 float
        Return at each evaluation, 0..200, where `curve` is ``"yours"``.
    weight_reward, weight_change : float
        Weights w_p, 0..1, and w_d, 0..5, of the adaptive schedule. With both at 0 it stays at its lowest slope.
    window : int
        Evaluations in its means, 1..18.
    spacing : {"linear", "geometric"}
        How it stretches its score to the range of slopes.
    low, high : float
        Range of all schedules, 1..20 and 25..100.
    interval : int
        Evaluations from one of the nine changes of the interval schedules to the next, 1..6.
    fixed : float
        The fixed slope, 1..100.
    at : int
        Evaluation that the sentence reads out, 1..18.

    Raises
    ------
    FileNotFoundError
        If the table `schedules_td3` is not stored.

    Examples
    --------
    >>> explorer = ScheduleExplorer(curve="steady")
    >>> explorer.paths()["linear"][:4]
    [1.0, 1.0, 12.0, 12.0]
    """

    _name = "schedule"
    _esm = script("schedule")

    curve = Choice("setback", (*CURVES, "yours", *ONLINE))
    run = Choice("1", tuple(str(number + 1) for number in range(RUNS)))
    returns = Numbers(DRAWN, 0, HIGHEST)
    weight_reward = Number(0.5, 0, 1)
    weight_change = Number(0.5, 0, 5)
    window = Whole(10, 1, EVALUATIONS)
    spacing = Choice("linear", ("linear", "geometric"))
    low = Number(1, 1, 20)
    high = Number(100, 25, 100)
    interval = Whole(2, 1, 6)
    fixed = Number(10, 1, 100)
    at = Whole(12, 1, EVALUATIONS)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        super().__init__(**state)
        self.set_trait("table", stored_returns())

    @property
    def page_state(self) -> dict[str, Any]:
        """Controls, curves and the stored returns."""
        return {**self.state, "table": stored_returns()}

    def stored(self) -> list[list[float]]:
        """Returns of all stored runs of the chosen schedule; none where the curve is not a stored one."""
        return [[tenths / 10 for tenths in run] for run in stored_returns()["runs"].get(self.curve, [])]

    def shown(self) -> list[float]:
        """Return at each evaluation, of the chosen curve or run."""
        if self.curve == "yours":
            return self.returns
        runs = self.stored()
        return runs[int(self.run) - 1] if runs else [float(value) for value in CURVES[self.curve]]

    def schedulers(self) -> dict[str, SlopeScheduler]:
        """A new schedule of the library for each line of the picture, with a surrogate of its own."""

        def interval(start: float, end: float, spacing: str) -> SlopeScheduler:
            return IntervalSlope(FastSigmoid(), start, end, CHANGES, self.interval, spacing)

        return {
            "fixed": FixedSlope(FastSigmoid(), self.fixed),
            "linear": interval(self.low, self.high, "linear"),
            "geometric": interval(self.low, self.high, "geometric"),
            "reversed": interval(self.high, self.low, "geometric"),
            "adaptive": self._adaptive(),
        }

    def _adaptive(self) -> SlopeScheduler:
        weights = (self.weight_reward, self.weight_change)
        if weights == (0, 0):
            return FixedSlope(FastSigmoid(), self.low)
        return AdaptiveSlope(
            FastSigmoid(), (0, FULL * HIGHEST), (self.low, self.high), self.window, weights, self.spacing
        )

    def paths(self, returns: ArrayLike | None = None) -> dict[str, list]:
        """Slope of each schedule before the first evaluation and after each.

        Parameters
        ----------
        returns : array (evaluations,) or (evaluations, R), optional
            Return at each evaluation, of one run or of R runs; those of the chosen curve by default.
        """
        history = self.shown() if returns is None else np.asarray(returns)
        return {name: _path(scheduler, history) for name, scheduler in self.schedulers().items()}

    def sentence(self) -> str:
        """Say what return and slopes are at the chosen evaluation, and how steep it is when the threshold is passed."""
        returns, paths = self.shown(), self.paths()
        slope = {name: _slope(path[self.at]) for name, path in paths.items()}
        where = f"In stored run {self.run} of {RUNS} ({self.curve}), after" if self.stored() else "After"
        words = (
            f"{where} evaluation {self.at} the return is {_whole(returns[self.at - 1])}, and the adaptive schedule sets"
            f" the slope to {slope['adaptive']}; the interval schedule has come to {slope['linear']} in equal"
            f" differences, to {slope['geometric']} in equal ratios, whatever the return."
        )
        first = next((index for index, value in enumerate(returns, 1) if value >= THRESHOLD), None)
        adaptive = paths["adaptive"]
        if first is None:
            return f"{words} The return never reaches {THRESHOLD:g}; the adaptive slope ends at {_slope(adaptive[-1])}."
        return (
            f"{words} When the return first reaches {THRESHOLD:g}, at evaluation {first}, the adaptive slope is"
            f" {_slope(adaptive[first])}; it ends at {_slope(adaptive[-1])}."
        )

    def _draw(self) -> Figure:
        figure = Figure(figsize=(6.4, 4.6), layout="constrained")
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.4])
        self._draw_returns(above)
        self._draw_slopes(below)
        return figure

    def _draw_returns(self, ax: Axes) -> None:
        evaluations = range(1, EVALUATIONS + 1)
        for run in self.stored():
            ax.plot(evaluations, run, color=INK, alpha=0.15, linewidth=0.6)
        ax.plot(evaluations, self.shown(), color=INK, marker="o", markersize=3.5, linewidth=1.6)
        ax.axhline(THRESHOLD, color=MUTED, linestyle=":", linewidth=1.2)
        ax.text(0.1, THRESHOLD + 3, f"threshold {THRESHOLD:g}", fontsize=9)
        ax.set(ylabel="return", ylim=(0, HIGHEST))

    def _draw_slopes(self, ax: Axes) -> None:
        looks = {
            "fixed": SCHEDULES["fixed"],
            "linear": SCHEDULES["interval"],
            "geometric": SCHEDULES["interval"] | {"linestyle": "-."},
            "reversed": SCHEDULES["fixed"] | {"linestyle": "--"},
            "adaptive": SCHEDULES["adaptive"],
        }
        for name, path in self.paths().items():
            ax.step(range(EVALUATIONS + 1), path, where="post", label=name, **looks[name])
        slope_axis(ax, "y")
        ax.set(xlabel="evaluation", xlim=(0, EVALUATIONS), ylim=(0.9, 115))
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def _path(scheduler: SlopeScheduler, history: ArrayLike) -> list:
    slopes = [scheduler.slope]
    for value in np.asarray(history, dtype=float):
        scheduler.step(value.tolist())
        slopes.append(scheduler.slope)
    return slopes


def _whole(value: float) -> str:
    # Halves go up, as in the page's script.
    return str(math.floor(value + 0.5))


def _slope(k: float) -> str:
    """A slope in words: whole from 10 on, else with one decimal. The tiny number is for halves that sums just miss."""
    return f"{math.floor(k + 0.5 + 1e-9) if k >= 10 else math.floor(10 * k + 0.5 + 1e-9) / 10:g}"
