"""Which studies there are: subjects, their experiments, the tables these make, and the claims that read them.

The `EXPERIMENTS` of a subject name its tables and the module that makes each. Such a module holds a frozen dataclass
`Config` (one replica), `configs(quick=False)`, `run(configs)`, `CHUNK_SIZE`, and `holds(table)`: what a table says, by
sign or rank, as {statement: value}. A quick run says what the stored table says; a bool of a stored table is True.
A column `seconds` holds measured time, which no second run repeats.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

STUDIES = "snnsg_book.studies"
SUBJECTS = ("spike", "depth", "truth", "control", "schedules", "flossing")


def names() -> list[str]:
    """Return the names of all experiments, which are those of their tables."""
    return sorted(name for subject in SUBJECTS for name in _experiments(subject))


def load(name: str) -> ModuleType:
    """Return the module of an experiment; ValueError lists the experiments there are."""
    subject = subject_of(name)
    return importlib.import_module(f"{STUDIES}.{subject}.{_experiments(subject)[name]}")


def subject_of(name: str) -> str:
    """Return the subject that an experiment belongs to; ValueError lists the experiments there are."""
    for subject in SUBJECTS:
        if name in _experiments(subject):
            return subject
    raise ValueError(f"name must be one of the experiments {', '.join(names())}, got {name!r}")


def folder_of(name: str) -> Path:
    """Return the folder in which the table of an experiment stands."""
    return Path(__file__).parent / "studies" / subject_of(name) / "data"


def claims() -> list[Any]:
    """Return the claims of all subjects."""
    return [claim for module in _claim_modules() for claim in module.CLAIMS]


def retired() -> list[Any]:
    """Return what is no longer claimed, by the `RETIRED` of all subjects that have any."""
    return [each for module in _claim_modules() for each in getattr(module, "RETIRED", ())]


def _claim_modules() -> list[ModuleType]:
    modules = [f"{STUDIES}.{subject}.claims" for subject in SUBJECTS]
    return [importlib.import_module(module) for module in modules if importlib.util.find_spec(module)]


def _experiments(subject: str) -> dict[str, str]:
    return getattr(importlib.import_module(f"{STUDIES}.{subject}"), "EXPERIMENTS", {})
