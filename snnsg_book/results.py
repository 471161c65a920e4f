"""The stored tables of the book."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from snnsg_book.catalogue import folder_of
from snnsg_lib.extras import extra
from snnsg_lib.store import load_table

if TYPE_CHECKING:
    import pandas as pd


def command_of(name: str) -> str:
    """Return the command that makes a table."""
    return f"python -m snnsg_book {name}"


def pack_of(name: str, directory: str | Path | None = None) -> Path:
    """Return where the run records of a study under way are packed."""
    return (folder_of(name) if directory is None else Path(directory)) / f"{name}.records.gz"


def rows_of(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the one table given by its name, or the rows of several with the name of each in the column `table`."""
    with extra("experiments"):
        import pandas as pd

    if len(tables) == 1:
        return next(iter(tables.values()))
    return pd.concat([table.assign(table=name) for name, table in tables.items()], ignore_index=True)


def load_results(name: str, directory: str | Path | None = None) -> pd.DataFrame:
    """Return the stored table of an experiment, its provenance in `.attrs`.

    Parameters
    ----------
    name : str
        Of the experiment.
    directory : str or Path, optional
        Where the table is; the folder of its subject when left out.

    Raises
    ------
    ValueError
        There is no such experiment.
    FileNotFoundError
        Its table is not there.
    CorruptResultError
        The files do not agree with their hashes. Both errors name the file and the command that makes it again.
    """
    folder = folder_of(name) if directory is None else Path(directory)
    return load_table(name, folder, command=command_of(name))
