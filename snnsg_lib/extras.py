"""Imports that only an extra of the distribution brings: where one is missing, the error says which extra it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

OWN = ("snnsg_lib", "snnsg_book")


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import in this block what the extra `name` of pyproject.toml brings.

    Raises
    ------
    ModuleNotFoundError
        A package of others is not installed; the message gives the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", *OWN):
            raise
        raise ModuleNotFoundError(
            f'{missing} is not installed; it comes with: pip install "snnsg_lib[{name}]"', name=error.name
        ) from error
