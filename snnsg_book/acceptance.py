"""Which stored results are made by today's code, and how one is taken over after a change that keeps its numbers."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from snnsg_book.catalogue import folder_of, load, names
from snnsg_book.results import load_results, pack_of
from snnsg_lib.provenance import canonical, code_of, modules_of, source_hash
from snnsg_lib.store import amend, to_table
from snnsg_lib.sweeps import name_of, read_pack, stale_records, sweep, write_pack

if TYPE_CHECKING:
    import pandas as pd

CLOCKS = ("seconds",)  # columns of measured time, which no second run repeats
TOLERANCE = 1e-6  # relative, for single values on another processor or with other versions
TODAY = "made by today's code"


class Refused(ValueError):
    """A stored result that today's code does not give; the message names the first difference."""


class Repeat(NamedTuple):
    """A chunk computed again: its records, and within which relative tolerance they have to agree (0: every bit)."""

    records: list[dict[str, Any]]
    tolerance: float


def status(directory: str | Path | None = None) -> dict[str, str]:
    """Return {table: what made it}: today's code, modules that differ since, code unknown, or that it is missing."""
    return {name: _status(name, directory) for name in names()}


def accept(name: str, directory: str | Path | None = None) -> str:
    """Take table and pack of an experiment over for today's code; return what was done, in words.

    The chunk with the smallest recorded time is computed again. Where processor, versions and threads are those of the
    record every bit has to agree, else every value within `TOLERANCE`.

    Parameters
    ----------
    name : str
        Of the experiment.
    directory : str or Path, optional
        Where its table and its pack are; the folder of its subject when left out.

    Raises
    ------
    Refused
        The recomputed chunk, or the list of configs, differs; the first difference is named and nothing is changed.
    FileNotFoundError
        There is neither a table nor a pack.
    """
    folder = folder_of(name) if directory is None else Path(directory)
    experiment, told = load(name), []
    if pack_of(name, folder).is_file():
        told.append(_accept_pack(name, experiment, folder))
    if not told or (folder / f"{name}.csv").is_file():
        told.append(_accept_table(name, experiment, folder))
    return "; ".join(told)


def _status(name: str, directory: str | Path | None) -> str:
    run = load(name).run
    try:
        told = _compared(load_results(name, directory).attrs.get("modules", {}), modules_of(run))
    except FileNotFoundError:
        told = "missing"
    records = read_pack(pack_of(name, directory))
    if not records:
        return told
    stale = len(stale_records(records, run))
    return f"{told}; {len(records)} runs packed, {f'{stale} of them by other code' if stale else TODAY}"


def _compared(made: Mapping[str, str], today: Mapping[str, str]) -> str:
    if not made:
        return "code unknown"
    differing = [module for module in sorted({*made, *today}) if made.get(module) != today.get(module)]
    return f"differs in {', '.join(differing)}" if differing else TODAY


def _accept_table(name: str, experiment: ModuleType, folder: Path) -> str:
    stored = load_results(name, folder)
    facts, code = stored.attrs, code_of(experiment.run)
    if facts.get("modules") == code["modules"]:
        return TODAY
    if "configs" not in facts:
        raise Refused(f"{name} was frozen from a table and not from runs, so that no chunk can be computed again")
    configs = experiment.configs()
    if "kept" in facts:  # rows of an earlier table stand in front; those of the runs are of the last configs
        configs = configs[-len(facts["configs"]["values"]) :]
    _check_configs(configs, facts["configs"])
    size, number = facts.get("chunk_size", experiment.CHUNK_SIZE), _cheapest(facts)
    chunk = configs[number * size : (number + 1) * size]
    repeat = _repeated(experiment, chunk, facts["machines"], facts["threads"])
    rows = _rows_of(stored, chunk)
    _check_equal(name, number, rows, to_table(repeat.records), repeat.tolerance)
    equal = _in_words(repeat.tolerance)
    amend(
        name,
        folder,
        **({"commit": "unknown", "dirty": None} | code),
        made_at=facts.get("made_at", facts.get("commit", "unknown")),
        accepted={"on": _today(), "chunk": number, "rows": len(rows), "equal": equal},
    )
    return f"table taken over: chunk {number}, {len(rows)} rows, {equal}"


def _accept_pack(name: str, experiment: ModuleType, folder: Path) -> str:
    path, today = pack_of(name, folder), source_hash(experiment.run)
    records = read_pack(path)
    stale = stale_records(records, experiment.run)
    if not stale:
        return f"pack {TODAY}"
    by_config = {canonical(record["config"]): record for record in stale}
    size, configs = experiment.CHUNK_SIZE, experiment.configs()
    chunks = [configs[start : start + size] for start in range(0, len(configs), size)]
    whole = [number for number, chunk in enumerate(chunks) if all(_key(config) in by_config for config in chunk)]
    if not whole:
        raise Refused(f"{path} holds no whole chunk of {size} runs of today's configs to be computed again")
    number = min(whole, key=lambda each: sum(by_config[_key(config)]["seconds"] for config in chunks[each]))
    packed = [by_config[_key(config)] for config in chunks[number]]
    repeat = _repeated(experiment, chunks[number], _unique(packed, "machine"), _unique(packed, "threads"))
    _check_equal(name, number, to_table(packed), to_table(repeat.records), repeat.tolerance)
    code, run = code_of(experiment.run), name_of(experiment.run)
    for record in stale:
        made_at = record["code"].get("made_at", record["code"].get("commit", "unknown"))
        record |= {"source": today, "code": code | {"made_at": made_at}, "run": run}
    write_pack(path, records)
    return f"pack taken over: {len(stale)} runs, chunk {number} {_in_words(repeat.tolerance)}"


def _cheapest(facts: Mapping[str, Any]) -> int:
    seconds = facts.get("chunk_seconds")
    if seconds:
        return seconds.index(min(seconds))
    return facts.get("accepted", {}).get("chunk", 0)  # a table from before chunks kept their time


def _repeated(experiment: ModuleType, chunk: Sequence[Any], machines: list, threads: list) -> Repeat:
    with tempfile.TemporaryDirectory() as folder:
        records = sweep(experiment.run, chunk, folder, chunk_size=len(chunk), progress=False)
    alike = [_bare_machine(machine) for machine in machines] == [_bare_machine(records[0]["machine"])]
    return Repeat(records, 0.0 if alike and threads == [records[0]["threads"]] else TOLERANCE)


def _bare_machine(machine: Mapping[str, Any]) -> dict[str, Any]:
    # The version of the library says nothing about its code, which the hashes of its modules tell.
    versions = {name: version for name, version in machine["versions"].items() if name != "snnsg_lib"}
    return {**machine, "versions": versions}


def _check_configs(configs: Sequence[Any], stored: Mapping[str, Any]) -> None:
    then = [stored["fixed"] | dict(zip(stored["varied"], values, strict=True)) for values in stored["values"]]
    for number, (config, before) in enumerate(zip(configs, then, strict=False)):
        now = dataclasses.asdict(config)
        for field in sorted({*now, *before}):
            if canonical(now.get(field)) != canonical(before.get(field)):
                raise Refused(f"config {number} had {field} {before.get(field)!r}, has {now.get(field)!r}")
    if len(configs) != len(then):
        raise Refused(f"there were {len(then)} configs, there are {len(configs)}")


def _rows_of(stored: pd.DataFrame, chunk: Sequence[Any]) -> pd.DataFrame:
    fields = [field.name for field in dataclasses.fields(chunk[0])]
    wanted = {
        canonical([str(list(value)) if isinstance(value, tuple) else value for value in dataclasses.astuple(config)])
        for config in chunk
    }
    rows = stored[fields].itertuples(index=False, name=None)
    return stored[[canonical([None if value != value else value for value in row]) in wanted for row in rows]]


def _check_equal(name: str, number: int, stored: pd.DataFrame, new: pd.DataFrame, tolerance: float) -> None:
    """Raise Refused with the first difference between a stored chunk and the same chunk computed again."""
    where = f"{name}, chunk {number}, compared {_in_words(tolerance)}"
    if len(stored) != len(new):
        raise Refused(f"{where}: {len(stored)} rows are stored, {len(new)} are computed")
    # What no run of the chunk measures is no column of the chunk alone, and empty in the table.
    new = new.assign(**{column: None for column in stored if column not in new}) if len(new) else new
    if len(new) and set(stored) != set(new):
        raise Refused(f"{where}: columns {', '.join(stored)} are stored, {', '.join(new)} are computed")
    columns = [column for column in new if column not in CLOCKS]
    pairs = zip(stored[columns].itertuples(index=False), new[columns].itertuples(index=False), strict=True)
    for row, (old, now) in enumerate(pairs):
        for column, a, b in zip(columns, old, now, strict=True):
            if not _equal(a, b, tolerance):
                raise Refused(f"{where}: {column} in row {row} of the chunk is {a!r} in the table and {b!r} computed")


def _equal(a: Any, b: Any, tolerance: float) -> bool:
    if _is_missing(a) or _is_missing(b):
        return _is_missing(a) and _is_missing(b)
    if isinstance(a, str):
        return a == str(b)  # a column of words holds everything as words
    return a == b or (tolerance > 0 and abs(a - b) <= tolerance * max(abs(a), abs(b)))


def _is_missing(value: Any) -> bool:
    return value is None or value != value


def _in_words(tolerance: float) -> str:
    return f"within {tolerance:g} (another machine or other versions)" if tolerance else "bit for bit"


def _key(config: Any) -> str:
    return canonical(dataclasses.asdict(config))


def _unique(records: Iterable[Mapping[str, Any]], key: str) -> list[Any]:
    return list({canonical(record[key]): record[key] for record in records}.values())


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
