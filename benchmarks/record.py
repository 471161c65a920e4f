"""Writes what was measured, and on what."""

from __future__ import annotations

import csv
import datetime
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent
PACKAGES = ("torch", "numpy", "snntorch", "spikingjelly", "stable_baselines3")


def write_table(name: str, columns: Sequence[str], rows: list[dict], **settings: Any) -> None:
    """Write NAME.csv and its provenance, NAME.json, beside this file."""
    table = FOLDER / f"{name}.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    provenance = settings | {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "clock": "CPU time of the process",
        "threads": torch.get_num_threads(),
        "cpu": _cpu(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": versions(),
        "sha256": hashlib.sha256(table.read_bytes()).hexdigest(),
    }
    (FOLDER / f"{name}.json").write_text(json.dumps(provenance, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten: {name}.csv, {name}.json")


def versions() -> dict[str, str]:
    """Versions of the packages that take part, as far as they are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
