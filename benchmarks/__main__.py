"""``python -m benchmarks`` measures, prints a table and writes results.csv and results.json beside this file."""

from __future__ import annotations

import argparse
import sys

import torch

from benchmarks.cases import CASES, REPLICA_CASES, Case
from benchmarks.memory import MAKERS, peak_megabytes
from benchmarks.record import versions, write_table
from benchmarks.timing import TARGETS, measure

COLUMNS = ("case", "candidate", "ms", "times_snntorch", "times_floor", "peak_mb")
MEMORY_CASES = ("A", "D")


def main(arguments: list[str] | None = None) -> None:
    """Measure every network, print as it goes, write the table and its provenance."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="interleaved rounds per network (default 11)")
    parser.add_argument("--only", nargs="*", help="names of networks, e.g. A 'C N=64'; the files are then left alone")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"forward + backward, CPU time, one thread, medians of {options.rounds} interleaved rounds")
    if "spikingjelly" not in versions():
        print("spikingjelly: not installed (pip install '.[bench]'), left out")
    rows = []
    for case in (*CASES, *REPLICA_CASES):
        if not options.only or case.name in options.only:
            rows += _rows_of(case, options.rounds)
    if not options.only:
        write_table("results", COLUMNS, rows, command="python -m benchmarks", rounds=options.rounds)


def _rows_of(case: Case, rounds: int) -> list[dict]:
    sizes = "-".join(map(str, case.sizes))
    print(f"\n{case.name}: {sizes}, batch {case.batch}, {case.num_steps} steps{_target_words(case.name)}")
    rows = []
    for candidate, figures in measure(case, rounds).items():
        row = {"case": case.name, "candidate": candidate, **{key: round(value, 3) for key, value in figures.items()}}
        if case.name in MEMORY_CASES and candidate in MAKERS:
            row["peak_mb"] = round(peak_megabytes(case.name, candidate), 1)
        print("  " + _in_words(row))
        rows.append(row)
    return rows


def _in_words(row: dict) -> str:
    words = f"{row['candidate']:<13}{row['ms']:9.2f} ms {row['times_snntorch']:7.2f} x snnTorch's speed"
    words += f"{row['times_floor']:8.2f} x the floor's time" if "times_floor" in row else ""
    return words + (f"{row['peak_mb']:8.1f} MB peak" if "peak_mb" in row else "")


def _target_words(name: str) -> str:
    if name not in TARGETS:
        return ""
    speed, floor = TARGETS[name]
    return f" (to reach: {speed:g} x snnTorch" + (")" if floor is None else f", {floor:g} x floor)")


if __name__ == "__main__":
    main(sys.argv[1:])
