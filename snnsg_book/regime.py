"""The conditions under which a claim is tried, and what an interval says of it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from snnsg_lib.checks import check_choice, check_number
from snnsg_lib.extras import extra
from snnsg_lib.statistics import NUM_RESAMPLES, iqm_interval, power

with extra("experiments"):
    from scipy import stats

if TYPE_CHECKING:
    import pandas as pd

DIRECTIONS = ("above", "below", "within")
SURE = 4  # standard errors of its own between the end of an interval and the margin before it counts
CLOSE = 12  # standard errors from the margin within which more resamples are drawn
MORE_RESAMPLES = 400_000


class Estimate(NamedTuple):
    """What the values of all seeds say together: an estimate and its 95 % interval.

    An interval that is computed exactly has no errors and no resamples. A bootstrap interval has the standard error
    that each end owes to the drawing of resamples, and their statistics.
    """

    value: float
    low: float
    high: float
    low_error: float = 0.0
    high_error: float = 0.0
    resamples: np.ndarray | None = None

    def tails(self, point: float) -> tuple[float, float]:
        """Return the one-sided p-values of lying above and of lying below `point`.

        From the resamples; from the normal distribution of the same width where there are none.
        """
        if self.resamples is None:
            sd = (self.high - self.low) / 2 / stats.norm.ppf(0.975)
            z = (self.value - point) / max(sd, np.finfo(float).tiny)
            return float(stats.norm.sf(z)), float(stats.norm.cdf(z))
        n = len(self.resamples) + 1
        under, over = np.count_nonzero(self.resamples <= point), np.count_nonzero(self.resamples >= point)
        return (under + 1) / n, (over + 1) / n


class Pilot(NamedTuple):
    """What is known of a regime before its run, to see whether its seeds can decide."""

    effect: float  # that the claim expects, beyond the margin
    sd: float  # of the statistic over seeds
    source: str  # where both come from


@dataclass(frozen=True)
class Regime:
    """One set of conditions under which a claim is tested.

    Parameters
    ----------
    name : str
        As the scorecard shows it.
    margin : float
        What the statistic has to pass, in its own unit.
    direction : {"above", "below", "within"}
        The claim says that the statistic lies above the margin, below it, or between -margin and +margin.
    where : tuple of (column, value)
        The rows of the table that belong to the regime.
    pilot : Pilot, optional
        For claims registered from 28 November 2026 on.
    """

    name: str
    margin: float
    direction: str = "above"
    where: tuple[tuple[str, Any], ...] = ()
    pilot: Pilot | None = None

    def __post_init__(self):
        check_number("margin", self.margin)
        check_choice("direction", self.direction, DIRECTIONS)
        if self.direction == "within" and self.margin <= 0:
            raise ValueError(f"margin must be > 0 with direction 'within', got {self.margin}")

    @property
    def parts(self) -> tuple[Regime, ...]:
        """What has to hold: this alone."""
        return (self,)

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `table` that belong to this regime."""
        for column, value in self.where:
            table = table[table[column] == value]
        return table

    def outcome(self, low: float, high: float, low_error: float = 0.0, high_error: float = 0.0) -> str:
        """Return what the interval says: the claim is `supported`, `excluded`, or the matter is `undecided`.

        An end counts as beyond the margin if it is so by more than four of its errors: other random numbers of the
        bootstrap would say the same.
        """
        m, low, high = self.margin, low - SURE * low_error, high + SURE * high_error
        supported, excluded = {
            "above": (low > m, high < m),
            "below": (high < m, low > m),
            "within": (-m < low and high < m, low > m or high < -m),
        }[self.direction]
        return "supported" if supported else "excluded" if excluded else "undecided"

    def is_close(self, found: Estimate) -> bool:
        """Whether an end of the interval is so near to the margin that more resamples have to tell its side."""
        margins = (self.margin, -self.margin) if self.direction == "within" else (self.margin,)
        ends = ((found.low, found.low_error), (found.high, found.high_error))
        return any(0 < abs(end - margin) < CLOSE * error for margin in margins for end, error in ends)

    def p_values(self, found: Estimate) -> tuple[float, float]:
        """Return the one-sided p-values of `supported` and of `excluded`."""
        above, below = found.tails(self.margin)
        if self.direction != "within":
            return (above, below) if self.direction == "above" else (below, above)
        over, under = found.tails(-self.margin)
        return max(below, over), min(above, under)

    def power(self, seeds: int) -> float:
        """Return the probability that so many seeds show the effect of the pilot; ValueError without a pilot."""
        if self.pilot is None:
            raise ValueError(f"regime {self.name} has no pilot")
        return power(self.margin, self.pilot.effect, self.pilot.sd, seeds, self.direction)


@dataclass(frozen=True)
class Joint:
    """A regime in which several statements have to hold together.

    Supported if all parts are, excluded if one part is, else undecided.

    Parameters
    ----------
    name : str
        As the scorecard shows it.
    parts : tuple of Regime
        At least two, each with a name, margin and direction of its own.
    """

    name: str
    parts: tuple[Regime, ...]

    def __post_init__(self):
        if len({part.name for part in self.parts}) < max(2, len(self.parts)):
            raise ValueError(f"parts of {self.name} must be two or more of different names")


def middle(values: Any, num_resamples: int = NUM_RESAMPLES) -> Estimate:
    """Return the interquartile mean of one value a seed, with its bootstrap interval."""
    return Estimate(*iqm_interval(values, num_resamples=num_resamples))
