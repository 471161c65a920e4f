"""The claims of the paper and the talk as tests on the stored tables, and the verdicts that follow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnsg_lib._extras import extra

with extra("experiments"):
    import pandas as pd

from snnsg_book import catalogue
from snnsg_book.claim import VERDICTS, Claim, Regime, RegimeResult, verdict_of
from snnsg_book.results import load_results, rows_of

from . import frozen
from .frozen import freeze_claims, path_of, read_entries

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = ["CLAIMS", "VERDICTS", "Claim", "Regime", "RegimeResult", "freeze_claims", "moved", "scorecard", "verdicts"]

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        catalogue.claims(),
        key=lambda claim: ("SLT".index(claim.id[0]), int(claim.id[1:])),  # the paper, the talk, our own
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
        id, claim, source, statistic, verdict ("reproduced", "under conditions", "not reproduced", "open", or "pending"
        before its table is there), intervals (interquartile mean and 95 % interval in each regime, in words), seeds
        (asked for), n (fewest found in a regime), failed (runs without a value), changes (of its words or margins
        after its table was made) and table.

    Raises
    ------
    CorruptResultError
        A stored table or `claims.json` does not agree with its hash.
    """
    load = functools.cache(functools.partial(load_results, directory=directory))  # many claims share a table
    read = functools.cache(read_entries)
    return pd.DataFrame([_row(claim, load, read(path_of(claim, directory))) for claim in claims])


def moved(claims: Sequence[Claim] = CLAIMS, directory: str | Path | None = None) -> dict[str, list[str]]:
    """Return {claim id: what differs from the frozen claim}, in words: its own, its margins, tables and numbers."""
    return frozen.moved(claims, directory)


def scorecard(directory: str | Path | None = None) -> Styler:
    """Return the verdicts as a table to be read: it shows itself in a notebook and on a page."""
    frame = verdicts(directory=directory)
    regimes = ("\n– " + frame["intervals"].str.replace("; ", "\n– ")).where(frame["intervals"] != "", "")
    changes = ("\nChanged " + frame["changes"]).where(frame["changes"] != "", "")
    shown = pd.DataFrame(
        {
            "Id": frame["id"],
            "Claim": frame["claim"] + "\n(" + frame["source"] + ")",
            "Verdict": [f"{row.verdict}\n{row.n} of {row.seeds} seeds" for row in frame.itertuples()],
            "What is measured": frame["statistic"] + regimes + changes,
        }
    )
    cell = "text-align: left; vertical-align: top; white-space: pre-line;"
    style = shown.style.hide(axis="index").format(escape="html").set_uuid("scorecard")
    return style.set_table_styles([{"selector": "th, td", "props": cell}])


def _row(claim: Claim, load: Callable[[str], pd.DataFrame], entries: dict[str, Any]) -> dict[str, Any]:
    try:
        tables = {name: load(name) for name in (claim.table, *claim.beside)}
    except FileNotFoundError:
        results, failed, verdict = [], 0, "pending"
    else:
        results = claim.results(rows_of(tables))
        failed = sum(len(table.attrs.get("failed", [])) for table in tables.values())
        verdict = verdict_of(results)
    shown = [_in_words(result, regime) for result, regime in zip(results, claim.regimes, strict=False)]
    return {
        "id": claim.id,
        "claim": claim.sentence,
        "source": claim.source,
        "statistic": claim.statistic,
        "verdict": verdict,
        "intervals": "; ".join(shown),
        "seeds": claim.seeds,
        "n": min((result.n for result in results), default=0),
        "failed": failed,
        "changes": "; ".join(entries.get(claim.id, {}).get("changes", [])),
        "table": claim.table,
    }


def _in_words(result: RegimeResult, regime: Regime) -> str:
    if result.estimate != result.estimate:
        return f"{result.regime}: {result.n} seeds are too few"
    margin = f"±{regime.margin:g}" if regime.direction == "within" else f"{regime.margin:g}"
    numbers = f"{result.estimate:.3g} [{result.low:.3g}, {result.high:.3g}]"
    return f"{result.regime}: {numbers}, claimed {regime.direction} {margin}: {result.outcome}"
