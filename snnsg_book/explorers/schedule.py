"""Schedule explorer: what each schedule would do to the slope, on a return that is drawn, chosen or was stored."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsg_book import load_results
from snnsg_book.studies.control.outcomes import HIGHEST_RETURN
from snnsg_book.studies.schedules.arms import CHANGES, FULL, ONLINE
from snnsg_lib.schedulers import AdaptiveSlope, FixedSlope, IntervalSlope, SlopeScheduler
from snnsg_lib.surrogates import FastSigmoid

from .controls import Choice, Number, Numbers, Slope, Whole
from .explorer import Explorer, script

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

SETTING = "slow_actor"  # whose stored runs are replayed
EVALUATIONS = 18
HIGHEST = HIGHEST_RETURN["planar"]
# Returns after each evaluation: not measured, but of shapes that occur.
CURVES = {
    "steady": (21, 22, 24, 28, 36, 52, 78, 110, 140, 161, 174, 181, 185, 187, 188, 189, 189, 190),
    "setback": (21, 25, 36, 64, 108, 147, 169, 180, 150, 62, 38, 35, 48, 86, 134, 166, 181, 187),
    "stuck": (18, 24, 21, 28, 25, 31, 27, 22, 29, 33, 26, 30, 24, 28, 31, 27, 29, 26),
    "noisy": (20, 34, 22, 61, 38, 97, 52, 120, 66, 143, 88, 178, 74, 160, 122, 185, 110, 171),
}
DRAWN = (20, 22, 25, 45, 80, 120, 150, 165, 172, 60, 30, 25, 60, 120, 160, 180, 188, 190)
RUNS = 32
RETURNS = {
    "steady": "learns",
    "setback": "learns, falls back, recovers",
    "stuck": "never learns",
    "noisy": "learns, and shakes",
    "yours": "drawn by you",
}


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
    _title = "Schedule explorer"
    _picture = (
        "Above the return at each evaluation, below it the slope of each schedule. Left and right keys choose an "
        "evaluation, up and down keys move its return"
    )
    _try_this = (
        "pull the return down in the middle of training. Which schedule notices? Then set the weight of the return to "
        "0, and watch what happens to an agent that flies well and no better."
    )

    curve = Choice("setback", RETURNS | {arm: f"stored runs: {arm}" for arm in ONLINE}, "return", wide=True)
    run = Choice("1", tuple(str(number + 1) for number in range(RUNS)), "which run", idle={"curve": tuple(RETURNS)})
    returns = Numbers(DRAWN, 0, HIGHEST)
    weight_reward = Number(0.5, 0, 1, "weight of return", step=0.05, digits=2)
    weight_change = Number(0.5, 0, 5, "weight of change", step=0.1, digits=1)
    window = Whole(10, 1, EVALUATIONS, "window")
    low = Slope(1, 1, 20, "lowest slope", more=True)
    high = Slope(100, 25, 100, "highest slope", more=True)
    spacing = Choice("linear", {"linear": "differences", "geometric": "ratios"}, "adaptive in equal", more=True)
    interval = Whole(2, 1, 6, "interval", more=True)
    fixed = Slope(10, label="fixed slope", more=True)
    at = Whole(12, 1, EVALUATIONS, "read at evaluation", more=True)

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """Curves and the stored returns."""
        return stored_returns()

    def stored_runs(self) -> list[list[float]]:
        """Returns of all stored runs of the chosen schedule; none where the curve is not a stored one."""
        return [[tenths / 10 for tenths in run] for run in stored_returns()["runs"].get(self.curve, [])]

    def shown(self) -> list[float]:
        """Return at each evaluation, of the chosen curve or run."""
        if self.curve == "yours":
            return self.returns
        runs = self.stored_runs()
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


def _path(scheduler: SlopeScheduler, history: ArrayLike) -> list:
    slopes = [scheduler.slope]
    for value in np.asarray(history, dtype=float):
        scheduler.step(value.tolist())
        slopes.append(scheduler.slope)
    return slopes
