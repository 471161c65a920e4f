"""The experiments of the book: one module each, whose name is that of the table it makes.

A module holds a frozen dataclass `Config` (one replica), `configs(quick=False)`, `run(configs)`, `CHUNK_SIZE`, and
`agrees(quick, stored)`, which compares the table of a quick run with the stored one by sign or rank.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def names() -> list[str]:
    """Return the names of all experiments."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def load(name: str) -> ModuleType:
    """Return the module of an experiment; ValueError lists the experiments there are."""
    if name not in names():
        raise ValueError(f"name must be one of the experiments {', '.join(names())}, got {name!r}")
    return importlib.import_module(f"{__name__}.{name}")
