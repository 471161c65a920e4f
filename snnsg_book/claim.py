"""What a claim is, and how a stored table decides it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from snnsg_book.regime import MORE_RESAMPLES, Estimate, Joint, Regime, middle
from snnsg_lib.checks import check_int
from snnsg_lib.extras import extra

with extra("experiments"):
    from scipy import stats

if TYPE_CHECKING:
    import pandas as pd

FEWEST_SEEDS = 10
NAN = float("nan")
OF_THE_DOCUMENTS = ("reproduced", "under conditions", "not reproduced")
OUR_OWN = ("held", "held under conditions", "refuted")
AFTER = "Entered on 28 November 2026, when its tables were known."
JOINED = (
    "Changed after its table was seen: the claim joins two statements, and until 28 November 2026 each counted for"
    " itself. Both have to hold in the same setting."
)
VERDICTS = (*OF_THE_DOCUMENTS, *OUR_OWN, "open", "pending")


class RegimeResult(NamedTuple):
    """A claim in one regime: the estimate from `n` seeds, its 95 % interval, and what follows.

    `p` is the two-sided p-value of the outcome. The numbers of a joint regime are those of its parts.
    """

    regime: str
    estimate: float
    low: float
    high: float
    n: int
    outcome: str
    p: float = 1.0
    parts: tuple[RegimeResult, ...] = ()


class Retired(NamedTuple):
    """A claim, a regime or a measure of one that was given up, with the reason and the day."""

    id: str
    what: str
    reason: str
    on: str


@dataclass(frozen=True)
class Claim:
    """One claim of the paper, the talk or our own, written down before the run that decides it.

    Parameters
    ----------
    id : str
        Begins with S (the paper), L (the talk) or T (our own).
    sentence : str
        The claim in our own words.
    source : str
        Where it is made.
    statistic : str
        In words, what is computed for each seed.
    regimes : tuple of Regime or Joint
    table : str
        The stored table that decides it.
    seeds : int
        How many seeds a regime needs before it counts; at least 10.
    beside : tuple of str
        Further stored tables that the measure needs. All rows then come together, with a column `table`.
    measure : function, optional
        `measure(rows, regime)` returns one value (or one row) a seed from the rows of the regime, or of the part of a
        joint one. Without it the claim is open.
    estimator : function
        `estimator(values)` returns an `Estimate` of these values, or its first three numbers; `middle` unless given.
        One that draws resamples takes their number as a second argument.
    notes : tuple of str
        What a reader has to know to judge the verdict: what was changed after the table was seen, and why.
    """

    id: str
    sentence: str
    source: str
    statistic: str
    regimes: tuple[Regime | Joint, ...]
    table: str
    seeds: int = FEWEST_SEEDS
    beside: tuple[str, ...] = ()
    measure: Callable[[pd.DataFrame, Regime], Any] | None = field(default=None, repr=False)
    estimator: Callable[..., tuple[Any, ...]] = field(default=middle, repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        check_int("seeds", self.seeds, low=FEWEST_SEEDS)
        if not self.regimes:
            raise ValueError(f"regimes of {self.id} must hold at least one, got none")

    def results(self, table: pd.DataFrame) -> list[RegimeResult]:
        """Return the result in each regime; none if the claim has no measure yet."""
        if self.measure is None:
            return []
        found = [[self._result(table, part) for part in regime.parts] for regime in self.regimes]
        return [_together(regime.name, parts) for regime, parts in zip(self.regimes, found, strict=True)]

    def verdict(self, results: Sequence[RegimeResult]) -> str:
        """Return `verdict_of` the results; of our own claims in other words: nobody else's are reproduced."""
        verdict = verdict_of(results)
        return dict(zip(OF_THE_DOCUMENTS, OUR_OWN, strict=True)).get(verdict, verdict) if self.is_ours else verdict

    @property
    def is_ours(self) -> bool:
        """Whether it is made by this book, and not by the paper or the talk."""
        return self.id.startswith("T")

    def _result(self, table: pd.DataFrame, regime: Regime) -> RegimeResult:
        assert self.measure is not None
        rows = regime.rows(table)
        values = self.measure(rows, regime) if len(rows) else []
        if len(values) < self.seeds:
            return RegimeResult(regime.name, NAN, NAN, NAN, len(values), "undecided")
        found = Estimate(*self.estimator(values))
        if regime.is_close(found):
            found = Estimate(*self.estimator(values, MORE_RESAMPLES))
        outcome = regime.outcome(*found[1:5])
        p = 2 * min(regime.p_values(found))
        return RegimeResult(regime.name, *found[:3], len(values), outcome, min(p, 1.0))


def _together(name: str, parts: list[RegimeResult]) -> RegimeResult:
    if len(parts) == 1:
        return parts[0]
    outcomes = [part.outcome for part in parts]
    excluded = [part.p for part in parts if part.outcome == "excluded"]
    if excluded:
        outcome, p = "excluded", min(1.0, len(parts) * min(excluded))  # one of several chances
    else:
        outcome, p = "supported" if set(outcomes) == {"supported"} else "undecided", max(part.p for part in parts)
    return RegimeResult(name, NAN, NAN, NAN, min(part.n for part in parts), outcome, p, tuple(parts))


def verdict_of(results: Sequence[RegimeResult]) -> str:
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


def not_after_correction(results: Sequence[RegimeResult], rate: float = 0.05) -> list[str]:
    """Return the regimes that are decided, and would not be if the false discovery rate of the claim were controlled.

    Benjamini & Hochberg (1995), over the regimes that have a result; `rate` is the share of false ones among those that
    are decided.
    """
    tried = [result for result in results if result.n and (result.parts or result.estimate == result.estimate)]
    if not tried:
        return []
    adjusted = stats.false_discovery_control([result.p for result in tried])
    return [r.regime for r, p in zip(tried, adjusted, strict=True) if r.outcome != "undecided" and p > rate]


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
