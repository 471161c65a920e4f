"""Frozen tables: a CSV file and, beside it, where it comes from."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnsg_lib.extras import extra
from snnsg_lib.provenance import canonical, sha256

from .files import CorruptResultError, decode_lines, encode_lines, make_folder, write_atomically
from .records import RunStore

if TYPE_CHECKING:
    import pandas as pd

SEVERAL = "several"  # in place of a module's hash where the runs of a table were made by more than one state of it
# What a table that keeps rows of an earlier one says of that.
OF_KEPT = ("frozen", "run", "commit", "dirty", "modules", "machines", "threads", "failed", "table_sha256", "kept")


class _Shared(dict):
    """A part of the provenance that is handed on as it is: pandas deep-copies `.attrs` in every operation."""

    def __deepcopy__(self, memo: dict) -> _Shared:
        return self


def to_table(runs: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the rows of all runs that did not fail, each with the fields of its config in front.

    Parameters
    ----------
    runs : list of records
        As `sweep` returns them. A failed run has no rows and so takes no part in any average.
    """
    with extra("experiments"):
        import pandas as pd

    rows = []
    for run in runs:
        config = {
            field: str(value) if isinstance(value, list | tuple) else value for field, value in run["config"].items()
        }
        for row in run["rows"]:
            clash = [name for name in row if name in config and row[name] != config[name]]
            if clash:
                raise ValueError(f"column {clash[0]!r} of a row differs from the config's field of that name")
            rows.append(config | row)
    return pd.DataFrame(rows)


def freeze(
    name: str,
    runs: Sequence[Mapping[str, Any]] | pd.DataFrame | str | Path | None = None,
    *,
    directory: str | Path,
    command: str | None = None,
    kept: pd.DataFrame | None = None,
) -> Path:
    """Write `NAME.csv` and `NAME.json` (provenance) and return the path of the table.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    runs : list of records, DataFrame, path or None
        What `sweep` returned, a table, or the directory of a finished sweep (None: `runs/NAME`).
    directory : str or Path
        Where to write; made when missing.
    command : str, optional
        The command that makes the table again; it is named in error messages.
    kept : DataFrame, optional
        Rows of an earlier table, from `load_table`, that stand in front of those of the runs. Where they come from is
        kept too, as `kept` in the provenance.

    Notes
    -----
    The provenance of runs names the commit they were made at, whether a module differed from it (`dirty`), and one
    hash for each module of their code (`modules`); without git, the hashes alone.

    Floats are written with as many digits as bring the same float64 back; a missing value (None) is an empty cell. A
    crash between the two files leaves the old table readable: until the new table stands, the JSON file carries both
    provenances.
    """
    with extra("experiments"):
        import pandas as pd

    _checked_name(name)
    folder = Path(directory)
    wall_seconds = None
    if runs is None or isinstance(runs, str | Path):
        store = RunStore(Path("runs") / name if runs is None else runs)
        runs, wall_seconds = store.latest_runs(), (store.read_manifest() or {}).get("wall_seconds")
    table = runs if isinstance(runs, pd.DataFrame) else to_table(runs)
    if table.empty:
        raise ValueError(f"nothing to freeze as {name!r}: no run gave a row")
    if kept is not None:
        table = _behind(kept, table)
    text = table.to_csv(index=False, lineterminator="\n")
    provenance = {
        "name": name,
        "command": command,
        "frozen": datetime.now(UTC).isoformat(timespec="seconds"),
        **({} if isinstance(runs, pd.DataFrame) else _facts_of_runs(runs)),
        "seeds": sorted(table["seed"].unique().tolist()) if "seed" in table else [],
        "wall_seconds": wall_seconds,
        "columns": {column: _kind(table[column]) for column in table},
        "table_sha256": sha256(text),
        **({} if kept is None else {"kept": _facts_of_kept(kept)}),
    }
    make_folder(folder)
    previous = _readable_provenance(folder, name)
    write_atomically(folder / f"{name}.json", encode_lines(provenance | ({"previous": previous} if previous else {})))
    write_atomically(folder / f"{name}.csv", text.encode())
    if previous:
        write_atomically(folder / f"{name}.json", encode_lines(provenance))
    return folder / f"{name}.csv"


def check_writable(directory: str | Path) -> None:
    """Make `directory` if it is missing and write a file in it for a moment; OSError names what stands in the way."""
    make_folder(Path(directory))
    probe = Path(directory) / ".writable"
    write_atomically(probe, b"")
    probe.unlink()


def amend(name: str, directory: str | Path, **changes: Any) -> None:
    """Change entries of the provenance of a frozen table; the table itself stays as it is.

    FileNotFoundError if there is no such table, CorruptResultError if it or its provenance is damaged.
    """
    provenance = dict(load_table(name, directory).attrs) | changes
    write_atomically(Path(directory) / f"{name}.json", encode_lines(provenance))


def _facts_of_kept(kept: pd.DataFrame) -> dict[str, Any]:
    return {"rows": len(kept), **{key: kept.attrs[key] for key in OF_KEPT if key in kept.attrs}}


def _behind(kept: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the kept rows and those of `table` behind them; ValueError unless their columns agree."""
    with extra("experiments"):
        import pandas as pd

    columns = [{column: _kind(rows[column]) for column in rows} for rows in (kept, table)]
    if columns[0] != columns[1]:
        raise ValueError(f"kept must have the columns of the runs, {columns[1]}, got {columns[0]}")
    return pd.concat([kept, table], ignore_index=True)


def load_table(name: str, directory: str | Path, *, command: str | None = None) -> pd.DataFrame:
    """Return a frozen table, its provenance in `.attrs`.

    Parameters
    ----------
    name : str
    directory : str or Path
        Where it was frozen.
    command : str, optional
        The command that makes it, for the errors below.

    Raises
    ------
    FileNotFoundError
        There is no such table.
    CorruptResultError
        The files do not agree with their hashes. Both errors name the file and the command that makes it again.
    """
    with extra("experiments"):
        import pandas as pd

    _checked_name(name)
    folder = Path(directory)
    remedy = f"make it again{f' with: {command}' if command else ''}"
    try:
        text = (folder / f"{name}.csv").read_bytes().replace(b"\r\n", b"\n")
        data = (folder / f"{name}.json").read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"no stored table {name!r} in {folder}; {remedy}") from error
    provenance = _provenance_of(text, data, f"{folder / name}.csv", remedy)
    # As text first: pandas' own parser of floats may miss the last bit.
    cells = pd.read_csv(io.BytesIO(text), dtype=object, keep_default_na=False, na_values=[""])
    table = pd.DataFrame({name: _typed(cells[name], kind) for name, kind in provenance["columns"].items()})
    table.attrs.update({key: _Shared(value) if isinstance(value, dict) else value for key, value in provenance.items()})
    return table


def _provenance_of(text: bytes, data: bytes, path: str, remedy: str) -> dict[str, Any]:
    try:
        provenance = decode_lines(data)
        found = sha256(text.decode("utf-8"))
    except (CorruptResultError, UnicodeDecodeError) as error:
        raise CorruptResultError(f"{path} or its .json is damaged ({error}); {remedy}") from error
    previous = provenance.pop("previous", None)
    for candidate in (provenance, previous):
        if candidate is not None and candidate["table_sha256"] == found:
            return candidate
    raise CorruptResultError(f"{path} does not agree with its hash; {remedy}")


def _readable_provenance(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the provenance of the table that stands in `folder`, None if there is none that can be read."""
    try:
        text, data = (folder / f"{name}.csv").read_bytes(), (folder / f"{name}.json").read_bytes()
        return _provenance_of(text.replace(b"\r\n", b"\n"), data, name, name)
    except (FileNotFoundError, CorruptResultError):
        return None


def _facts_of_runs(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    configs, seconds = [run["config"] for run in runs], [run["seconds"] for run in runs]
    fields = list(configs[0])
    fixed = {
        field: configs[0][field] for field in fields if all(config[field] == configs[0][field] for config in configs)
    }
    varied = [field for field in fields if field not in fixed]
    unique = {
        key: list({canonical(run[key]): run[key] for run in runs}.values()) for key in ("run", "machine", "threads")
    }
    return {
        "run": unique["run"],
        **_code_of_runs([run["code"] for run in runs]),
        "configs": {
            "fixed": fixed,
            "varied": varied,
            "values": [[config[field] for field in varied] for config in configs],
        },
        "failed": [{"config": run["config"], "reason": run["failure"]["reason"]} for run in runs if run["failure"]],
        "machines": unique["machine"],
        "threads": unique["threads"],
        "chunk_size": (size := max(run["chunk"] for run in runs)),
        "chunk_seconds": [round(sum(seconds[start : start + size]), 3) for start in range(0, len(seconds), size)],
        "run_seconds": sum(seconds),
    }


def _code_of_runs(codes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return commit and modules of all runs; of runs made at several commits the last one, and what they share."""
    modules = {name: {code["modules"].get(name) for code in codes} for code in codes for name in code["modules"]}
    facts: dict[str, Any] = {}
    for code in codes:
        facts |= {key: code[key] for key in ("commit", "made_at") if key in code}
    if "commit" in facts:
        facts["dirty"] = any(code.get("dirty", True) for code in codes)
    return facts | {
        "modules": {name: hashes.pop() if len(hashes) == 1 else SEVERAL for name, hashes in modules.items()}
    }


def _typed(cells: pd.Series, kind: str) -> pd.Series:
    if kind == "bool":
        return cells == "True"
    # Below pandas 3 a missing cell becomes the text "nan".
    return cells.astype(kind).where(cells.notna()) if kind == "str" else cells.astype(kind)


def _kind(column: pd.Series) -> str:
    with extra("experiments"):
        from pandas.api import types

    if types.is_bool_dtype(column):
        return "bool"
    if types.is_integer_dtype(column):
        return "int64"
    return "float64" if types.is_float_dtype(column) else "str"


def _checked_name(name: str) -> str:
    # Names become file names: nothing that could leave the folder, and nothing that Windows cannot tell apart.
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise ValueError(f"name must be lower-case letters, digits and underscores, at most 64, got {name!r}")
    return name
