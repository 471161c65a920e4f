"""What a claim is, and how a stored table decides it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from snnsg_lib._checks import check_choice, check_int, check_number
from snnsg_lib._extras import extra
from snnsg_lib.statistics import bootstrap_interval, iqm

if TYPE_CHECKING:
    import pandas as pd

DIRECTIONS = ("above", "below", "within")
FEWEST_SEEDS = 10
VERDICTS = ("reproduced", "under conditions", "not reproduced", "open", "pending")


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
    """

    name: str
    margin: float
    direction: str = "above"
    where: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self):
        check_number("margin", self.margin)
        check_choice("direction", self.direction, DIRECTIONS)
        if self.direction == "within" and self.margin <= 0:
            raise ValueError(f"margin must be > 0 with direction 'within', got {self.margin}")

    def rows(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of `table` that belong to this regime."""
        for column, value in self.where:
            table = table[table[column] == value]
        return table

    def outcome(self, low: float, high: float) -> str:
        """Return what the interval says: the claim is `supported`, `excluded`, or the matter is `undecided`."""
        m = self.margin
        supported, excluded = {
            "above": (low > m, high < m),
            "below": (high < m, low > m),
            "within": (-m < low and high < m, low > m or high < -m),
        }[self.direction]
        return "supported" if supported else "excluded" if excluded else "undecided"


class RegimeResult(NamedTuple):
    """A claim in one regime: the estimate from `n` seeds, its 95 % interval, and what follows."""

    regime: str
    estimate: float
    low: float
    high: float
    n: int
    outcome: str


def middle(values: Any) -> tuple[float, float, float]:
    """Return the interquartile mean of one value a seed, and the ends of its bootstrap interval."""
    return (iqm(values), *bootstrap_interval(values))


@dataclass(frozen=True)
class Claim:
    """One claim of the paper, the talk or our own, written down before the run that decides it.

    Parameters
    ----------
    id : str
    sentence : str
        The claim in our own words.
    source : str
        Where it is made.
    statistic : str
        In words, what is computed for each seed.
    regimes : tuple of Regime
    table : str
        The stored table that decides it.
    seeds : int
        How many seeds a regime needs before it counts; at least 10.
    beside : tuple of str
        Further stored tables that the measure needs. All rows then come together, with a column `table`.
    measure : function, optional
        `measure(rows, regime)` returns one value a seed from the rows of the regime. Without it the claim is open.
    estimator : function
        `estimator(values)` returns estimate, low and high from these values; `middle` unless given.
    """

    id: str
    sentence: str
    source: str
    statistic: str
    regimes: tuple[Regime, ...]
    table: str
    seeds: int = FEWEST_SEEDS
    beside: tuple[str, ...] = ()
    measure: Callable[[pd.DataFrame, Regime], Any] | None = field(default=None, repr=False)
    estimator: Callable[[Any], tuple[float, float, float]] = field(default=middle, repr=False)

    def __post_init__(self):
        check_int("seeds", self.seeds, low=FEWEST_SEEDS)
        if not self.regimes:
            raise ValueError(f"regimes of {self.id} must hold at least one, got none")

    def results(self, table: pd.DataFrame) -> list[RegimeResult]:
        """Return the result in each regime; none if the claim has no measure yet."""
        return [] if self.measure is None else [self._result(table, regime) for regime in self.regimes]

    def _result(self, table: pd.DataFrame, regime: Regime) -> RegimeResult:
        assert self.measure is not None
        rows = regime.rows(table)
        values = self.measure(rows, regime) if len(rows) else []
        if len(values) < self.seeds:
            return RegimeResult(regime.name, float("nan"), float("nan"), float("nan"), len(values), "undecided")
        estimate, low, high = self.estimator(values)
        return RegimeResult(regime.name, estimate, low, high, len(values), regime.outcome(low, high))


def verdict_of(results: list[RegimeResult]) -> str:
    """Return the verdict that follows from the regimes.

    `reproduced`: supported in all; `under conditions`: in some; `not reproduced`: excluded in all; else `open`.
    """
    outcomes = [result.outcome for result in results]
    if outcomes and all(outcome == "supported" for outcome in outcomes):
        return "reproduced"
    if "supported" in outcomes:
        return "under conditions"
    if outcomes and all(outcome == "excluded" for outcome in outcomes):
        return "not reproduced"
    return "open"


def per_seed(rows: pd.DataFrame, column: str, **where: Any) -> pd.Series:
    """Return `column` with the seed as index, from the rows in which each column of `where` has the given value.

    ValueError if a seed occurs twice: two rows are then not told apart by `where`.
    """
    for name, value in where.items():
        rows = rows[rows[name] == value]
    series = rows.set_index("seed")[column].sort_index()
    if not series.index.is_unique:
        raise ValueError(f"{column} has several values for one seed where {where}")
    return series


def paired(
    rows: pd.DataFrame, column: str, first: dict[str, Any], second: dict[str, Any]
) -> tuple[pd.Series, pd.Series]:
    """Return `column` under two conditions for the seeds that both have."""
    with extra("experiments"):
        import pandas as pd

    both = pd.concat([per_seed(rows, column, **first), per_seed(rows, column, **second)], axis=1, join="inner")
    return both.iloc[:, 0], both.iloc[:, 1]
