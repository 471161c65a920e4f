"""Frozen claims: the words, regimes and margins of each, and the numbers they gave, beside the tables of its subject.

A claim has moved when what it says, or what the stored tables give today, is not what was frozen.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnsg_book.catalogue import folder_of
from snnsg_book.claim import Claim, RegimeResult
from snnsg_book.regime import Joint, Regime
from snnsg_book.results import load_results, rows_of
from snnsg_lib.store.files import CorruptResultError, decode_lines, encode_lines, write_atomically

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 1e-9  # relative: processors may add the same numbers in another order
WORDS = ("sentence", "source", "statistic", "table", "beside", "seeds")
CONDITIONS = ("margin", "direction", "where")
NUMBERS = ("estimate", "low", "high", "n", "outcome")
REMEDY = "if that is meant, `python -m snnsg_book --accept {id}` freezes it anew"

Entry = dict[str, Any]
Load = Callable[[str], "pd.DataFrame"]


def freeze_claims(claims: Sequence[Claim], directory: str | Path | None = None) -> list[str]:
    """Write what `claims` say and give today into the `claims.json` of their subjects; return the ids written.

    Parameters
    ----------
    claims : sequence of Claim
        A claim whose table is still missing is left out.
    directory : str or Path, optional
        Where tables and `claims.json` are; the folder of each claim's subject when left out.

    Notes
    -----
    A claim whose words, margins or numbers change while its tables stay has been changed in the knowledge of its
    result. Its entry says so under `changes`, for good.
    """
    load = functools.cache(functools.partial(load_results, directory=directory))
    written = []
    for claim in claims:
        path = path_of(claim, directory)
        entries = read_entries(path)
        entry = entry_of(claim, load)
        if entry is None:
            continue
        before = entries.get(claim.id)
        entry["changes"] = _changes(before, entry) if before else []
        entry["frozen"] = datetime.now(UTC).date().isoformat()
        if before and {**before, "frozen": entry["frozen"]} == entry:
            continue  # nothing new
        entries[claim.id] = entry
        write_atomically(path, encode_lines(_in_order(entries), indent=1))
        written.append(claim.id)
    return written


def moved(claims: Sequence[Claim], directory: str | Path | None = None) -> dict[str, list[str]]:
    """Return {claim id: what differs between the claim today and as it was frozen}, in words; empty if nothing does.

    A pending claim, whose table is still missing, cannot have moved. CorruptResultError names a damaged `claims.json`.
    """
    load = functools.cache(functools.partial(load_results, directory=directory))
    read = functools.cache(read_entries)
    told = {claim.id: _told(claim, read(path_of(claim, directory)), load) for claim in claims}
    for path in sorted({path_of(claim, directory) for claim in claims}):
        told |= {id: ["it was frozen and is no claim any more"] for id in read(path) if id not in told}
    return {id: [*lines, REMEDY.format(id=id)] for id, lines in told.items() if lines}


def entry_of(claim: Claim, load: Load) -> Entry | None:
    """Return what is frozen of a claim, None if one of its tables is missing."""
    try:
        tables = {name: load(name) for name in (claim.table, *claim.beside)}
    except FileNotFoundError:
        return None
    results = claim.results(rows_of(tables))
    return {
        **{key: getattr(claim, key) for key in WORDS},
        "beside": list(claim.beside),
        "regimes": [_of_regime(*pair) for pair in zip_longest(claim.regimes, results)],
        "verdict": claim.verdict(results),
        "tables": {name: table.attrs["table_sha256"] for name, table in tables.items()},
    }


def path_of(claim: Claim, directory: str | Path | None = None) -> Path:
    """Return the file that keeps a claim."""
    return (folder_of(claim.table) if directory is None else Path(directory)) / "claims.json"


def read_entries(path: Path) -> dict[str, Entry]:
    """Return {claim id: entry} from a `claims.json`, nothing if there is none; CorruptResultError names the file."""
    try:
        return decode_lines(path.read_bytes(), indent=1)
    except FileNotFoundError:
        return {}
    except CorruptResultError as error:
        raise CorruptResultError(
            f"{path} is damaged ({error}); take it from the repository again, or remove it and freeze its claims "
            "with: python -m snnsg_book --accept claims"
        ) from error


def _of_regime(regime: Regime | Joint, result: RegimeResult | None) -> Entry:
    if isinstance(regime, Joint):
        parts = [_of_regime(*pair) for pair in zip_longest(regime.parts, result.parts if result else ())]
        return {"name": regime.name, "parts": parts} | ({"n": result.n, "outcome": result.outcome} if result else {})
    entry = {"name": regime.name, "margin": regime.margin, "direction": regime.direction, "where": dict(regime.where)}
    return entry | ({key: _plain(result._asdict()[key]) for key in NUMBERS} if result else {})


def _told(claim: Claim, entries: dict[str, Entry], load: Load) -> list[str]:
    entry, frozen = entry_of(claim, load), entries.get(claim.id)
    if frozen is None:
        return [] if entry is None else [f"it has not been frozen, though {claim.table} is there"]
    return ["one of its tables is missing"] if entry is None else list(_differences(frozen, entry))


def _changes(before: Entry, after: Entry) -> list[str]:
    """Return the remarks of an entry, with what was changed while its tables stayed."""
    told = list(_differences(before, after)) if before["tables"] == after["tables"] else []
    today = datetime.now(UTC).date().isoformat()
    return [*before["changes"], *(f"{today}, after its table was made: {line}" for line in told)]


def _differences(before: Entry, after: Entry) -> Iterator[str]:
    yield from _differences_in_words(before, after)
    for name, digest in after["tables"].items():
        if before["tables"].get(name, digest) != digest:
            yield f"table {name} is another one"
    for old, new in _in_both(before, after):
        if not all(_equal(old.get(key), new.get(key)) for key in NUMBERS):
            yield f"result in {new['name']!r} was {_shown(old)}, is {_shown(new)}"
    if before["verdict"] != after["verdict"]:
        yield f"verdict was {before['verdict']!r}, is {after['verdict']!r}"


def _differences_in_words(before: Entry, after: Entry) -> Iterator[str]:
    for key in WORDS:
        if before[key] != after[key]:
            yield f"{key} was {before[key]!r}, is {after[key]!r}"
    old, new = ([regime["name"] for regime in _each(entry)] for entry in (before, after))
    if old != new:
        yield f"regimes were {', '.join(old)}, are {', '.join(new)}"
    for was, regime in _in_both(before, after):
        for key in CONDITIONS:
            if was.get(key) != regime.get(key):
                yield f"{key} in {regime['name']!r} was {was.get(key)}, is {regime.get(key)}"


def _in_both(before: Entry, after: Entry) -> Iterator[tuple[Entry, Entry]]:
    earlier = {regime["name"]: regime for regime in _each(before)}
    for regime in _each(after):
        if regime["name"] in earlier:
            yield earlier[regime["name"]], regime


def _each(entry: Entry) -> Iterator[Entry]:
    """Every regime of an entry, a joint one followed by its parts under their full names."""
    for regime in entry["regimes"]:
        yield regime
        for part in regime.get("parts", []):
            yield part | {"name": f"{regime['name']}: {part['name']}"}


def _equal(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return old == new


def _shown(regime: Entry) -> str:
    if regime.get("estimate") is None:
        return regime.get("outcome", "none")
    estimate, low, high, n, outcome = (regime[key] for key in NUMBERS)
    return f"{estimate:.6g} [{low:.6g}, {high:.6g}] from {n} seeds, {outcome}"


def _plain(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    return None if math.isnan(value) else float(value)


def _in_order(entries: dict[str, Entry]) -> dict[str, Entry]:
    return dict(sorted(entries.items(), key=lambda item: ("SLT".find(item[0][0]), int(item[0][1:]))))
