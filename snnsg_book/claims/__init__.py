"""The claims of the paper and the talk as tests on the stored tables, and the verdicts that follow."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnsg_lib.extras import extra

with extra("experiments"):
    import pandas as pd

from snnsg_book import catalogue
from snnsg_book.claim import VERDICTS, Claim, RegimeResult, Retired, not_after_correction
from snnsg_book.regime import Joint, Regime
from snnsg_book.results import load_results, rows_of

from . import frozen
from .frozen import freeze_claims, path_of, read_entries

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

__all__ = [
    "CLAIMS",
    "RETIRED",
    "VERDICTS",
    "Claim",
    "Joint",
    "Regime",
    "RegimeResult",
    "freeze_claims",
    "moved",
    "retired",
    "scorecard",
    "verdicts",
]

CLAIMS: tuple[Claim, ...] = tuple(
    sorted(
        catalogue.claims(),
        key=lambda claim: ("SLT".index(claim.id[0]), int(claim.id[1:])),  # the paper, the talk, our own
    )
)
RETIRED: tuple[Retired, ...] = tuple(catalogue.retired())


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
        before its table is there; for our own claims "held", "held under conditions", "refuted"), told (the verdict and
        in how many regimes it holds, as "under conditions (2 of 3)"), intervals (interquartile mean and 95 % interval
        in each regime, in words), correction (what controlling the false discovery rate over the regimes would leave
        undecided), seeds (asked for), n (fewest found in a regime), failed (runs without a value), notes (what was
        changed after the table was seen, and why), changes (of words or margins after its table was made, as they were
        recorded) and table.

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
    remarks = [frame[name].where(frame[name] == "", "\n" + frame[name]) for name in ("correction", "notes")]
    changes = ("\nRecorded changes: " + frame["changes"]).where(frame["changes"] != "", "")
    return _styled(
        {
            "Id": frame["id"],
            "Claim": frame["claim"] + "\n(" + frame["source"] + ")",
            "Verdict": [f"{row.told}\n{_seeds(row.n, row.seeds)}" for row in frame.itertuples()],
            "What is measured": frame["statistic"] + regimes + remarks[0] + remarks[1] + changes,
        },
        "scorecard",
    )


def retired() -> Styler:
    """Return what was given up, and why, as a table to be read."""
    return _styled(pd.DataFrame(RETIRED, columns=["Id", "Given up", "Why", "On"]), "retired")


def _styled(columns: Any, name: str) -> Styler:
    cell = "text-align: left; vertical-align: top; white-space: pre-line;"
    style = pd.DataFrame(columns).style.hide(axis="index").format(escape="html").set_uuid(name)
    return style.set_table_styles([{"selector": "th, td", "props": cell}])


def _seeds(found: int, asked: int) -> str:
    if found == 0:
        return f"{asked} seeds asked for"
    if found < asked:
        return f"{found} of {asked} seeds"
    return f"{found} seeds" if found == asked else f"{found} seeds ({asked} asked for)"


def _row(claim: Claim, load: Callable[[str], pd.DataFrame], entries: dict[str, Any]) -> dict[str, Any]:
    try:
        tables = {name: load(name) for name in (claim.table, *claim.beside)}
    except FileNotFoundError:
        results, failed, verdict = [], 0, "pending"
    else:
        results = claim.results(rows_of(tables))
        failed = sum(len(table.attrs.get("failed", [])) for table in tables.values())
        verdict = claim.verdict(results)
    shown = [_in_words(result, regime) for result, regime in zip(results, claim.regimes, strict=False)]
    holds = sum(result.outcome == "supported" for result in results)
    return {
        "id": claim.id,
        "claim": claim.sentence,
        "source": claim.source,
        "statistic": claim.statistic,
        "verdict": verdict,
        "told": f"{verdict} ({holds} of {len(results)})" if verdict.endswith("under conditions") else verdict,
        "intervals": "; ".join(shown),
        "correction": _correction(not_after_correction(results)),
        "seeds": claim.seeds,
        "n": min((result.n for result in results), default=0),
        "failed": failed,
        "notes": "\n".join([*claim.notes, *_powers(claim)]),
        "changes": "; ".join(entries.get(claim.id, {}).get("changes", [])),
        "table": claim.table,
    }


def _correction(undecided: Sequence[str]) -> str:
    return f"With a false discovery rate of 5 % undecided: {', '.join(undecided)}." if undecided else ""


def _powers(claim: Claim) -> list[str]:
    piloted = [regime for regime in claim.regimes if isinstance(regime, Regime) and regime.pilot]
    told = [f"{regime.name} {regime.power(claim.seeds):.2f} for {regime.pilot.effect:g}" for regime in piloted]  # type: ignore[union-attr]
    return [f"Power of {claim.seeds} seeds: {', '.join(told)}."] if told else []


def _in_words(result: RegimeResult, regime: Regime | Joint) -> str:
    if isinstance(regime, Joint):
        parts = " and ".join(_in_words(*pair) for pair in zip(result.parts, regime.parts, strict=True))
        return f"{regime.name}: {parts}, together {result.outcome}"
    if result.estimate != result.estimate:
        return f"{result.regime}: {result.n} seeds are too few"
    margin = f"±{regime.margin:g}" if regime.direction == "within" else f"{regime.margin:g}"
    numbers = f"{result.estimate:.3g} [{result.low:.3g}, {result.high:.3g}]"
    return f"{result.regime}: {numbers}, claimed {regime.direction} {margin}: {result.outcome}"
