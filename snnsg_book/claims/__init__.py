"""The claims of the seeds as tests on the stored tables, and the verdicts that follow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from snnsg_book import catalogue
from snnsg_book.claim import VERDICTS, Claim, Regime, RegimeResult, verdict_of
from snnsg_book.results import load_results

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Regime", "RegimeResult", "entry_hashes", "scorecard", "verdicts"]

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        catalogue.claims(),
        key=lambda claim: ("SLT".index(claim.id[0]), int(claim.id[1:])),  # first seed, second seed, our own
    )
)


def verdicts(claims: Sequence[Claim] = CLAIMS, directory: str | Path | None = None) -> pd.DataFrame:
    """Return one row for each claim, decided by the stored tables.

    Parameters
    ----------
    claims : sequence of Claim
    directory : str or Path, optional
        Where the tables are; the library's own when left out.

    Returns
    -------
    DataFrame
        id, claim, source, statistic, verdict ("reproduced", "under conditions", "not reproduced" or "open"), intervals
        (interquartile mean and 95 % interval in each regime, in words), seeds (asked for), n (fewest found in a
        regime), failed (runs without a value) and table.

    Raises
    ------
    CorruptResultError
        A stored table does not agree with its hash.
    """
    load = functools.cache(functools.partial(load_results, directory=directory))  # many claims share a table
    return pd.DataFrame([_row(claim, load) for claim in claims])


def entry_hashes(table: str) -> dict[str, str]:
    """Return {claim id: hash of its entry} for the claims that read `table`."""
    return {claim.id: claim.hash for claim in CLAIMS if claim.table == table}


def scorecard(directory: str | Path | None = None) -> Styler:
    """Return the verdicts as a table to be read: it shows itself in a notebook and on a page."""
    frame = verdicts(directory=directory)
    regimes = ("\n– " + frame["intervals"].str.replace("; ", "\n– ")).where(frame["intervals"] != "", "")
    shown = pd.DataFrame(
        {
            "Id": frame["id"],
            "Claim": frame["claim"] + "\n(" + frame["source"] + ")",
            "Verdict": [f"{row.verdict}\n{row.n} of {row.seeds} seeds" for row in frame.itertuples()],
            "What is measured": frame["statistic"] + regimes,
        }
    )
    cell = "text-align: left; vertical-align: top; white-space: pre-line;"
    style = shown.style.hide(axis="index").format(escape="html").set_uuid("scorecard")
    return style.set_table_styles([{"selector": "th, td", "props": cell}])


def _row(claim: Claim, load: Callable[[str], pd.DataFrame]) -> dict[str, Any]:
    try:
        tables = [load(name) for name in (claim.table, *claim.beside)]
    except FileNotFoundError:
        results, failed = [], 0  # not run yet
    else:
        results = claim.results(_together(claim, tables))
        failed = sum(len(table.attrs.get("failed", [])) for table in tables)
    shown = [_in_words(result, regime) for result, regime in zip(results, claim.regimes, strict=False)]
    return {
        "id": claim.id,
        "claim": claim.sentence,
        "source": claim.source,
        "statistic": claim.statistic,
        "verdict": verdict_of(results),
        "intervals": "; ".join(shown),
        "seeds": claim.seeds,
        "n": min((result.n for result in results), default=0),
        "failed": failed,
        "table": claim.table,
    }


def _together(claim: Claim, tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the one table of a claim, or the rows of all with the name of each in the column `table`."""
    if not claim.beside:
        return tables[0]
    names = (claim.table, *claim.beside)
    return pd.concat([table.assign(table=name) for name, table in zip(names, tables, strict=True)], ignore_index=True)


def _in_words(result: RegimeResult, regime: Regime) -> str:
    if result.estimate != result.estimate:
        return f"{result.regime}: {result.n} seeds are too few"
    margin = f"±{regime.margin:g}" if regime.direction == "within" else f"{regime.margin:g}"
    numbers = f"{result.estimate:.3g} [{result.low:.3g}, {result.high:.3g}]"
    return f"{result.regime}: {numbers}, claimed {regime.direction} {margin}: {result.outcome}"
