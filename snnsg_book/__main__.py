"""Run an experiment and freeze its table: `python -m snnsg_book NAME`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from snnsg_book.catalogue import folder_of, load, names
from snnsg_book.claims import entry_hashes
from snnsg_book.results import command_of, load_results
from snnsg_lib.store import RunStore, freeze
from snnsg_lib.sweeps import sweep


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep, resume where an earlier sweep ended, freeze; return 0, or 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    out, runs = _folders(options)
    experiment = load(options.name)
    configs, kept = experiment.configs(options.quick), None
    if options.only:
        configs, kept = _only(options, configs)
    try:
        sweep(
            experiment.run,
            configs,
            runs,
            jobs=options.jobs,
            chunk_size=experiment.CHUNK_SIZE,
            retry_failed=options.retry_failed,
        )
    except KeyboardInterrupt:
        print(f"Stopped. {len(list(RunStore(runs).records.glob('*.json')))} runs are kept; the same command goes on.")
        return 130
    table = freeze(
        options.name,
        runs,
        directory=out,
        command=command_of(options.name) + (" --quick" if options.quick else ""),
        claims=entry_hashes(options.name),
        kept=kept,
    )
    print(f"Wrote {table} and {table.with_suffix('.json').name}.")
    return 0


def _only(options: argparse.Namespace, configs: Sequence[Any]) -> tuple[list[Any], pd.DataFrame]:
    """Return the configs with the values that `--only` names, and the rows of the stored table without them."""
    pairs = [pair.partition("=")[::2] for pair in options.only]
    chosen = [config for config in configs if all(str(getattr(config, name, None)) == value for name, value in pairs)]
    if not chosen:
        raise SystemExit(f"--only must be FIELD=VALUE of some configs of {options.name}, got {options.only}")
    table = load_results(options.name)
    others = pd.concat([table[name].astype(str) != value for name, value in pairs], axis=1).any(axis=1)
    if not others.iloc[: others.sum()].all():
        raise SystemExit(f"--only must name the last rows of the stored table, if it has them, got {options.only}")
    return chosen, table[others]


def _folders(options: argparse.Namespace) -> tuple[Path, Path]:
    """Return where the table goes and where the records are kept."""
    out = Path(options.out) if options.out else None
    runs = Path("runs") / options.name
    if options.quick:  # never meets the records or the table of the full run
        out = out or Path(tempfile.mkdtemp(prefix=f"{options.name}-quick-"))
        runs = out / "runs" / options.name
    return out or folder_of(options.name), Path(options.runs) if options.runs else runs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m snnsg_book", description=__doc__)
    parser.add_argument("name", choices=names(), help="the experiment, and the table it makes")
    parser.add_argument("--quick", action="store_true", help="a small version, never written over the stored table")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes; -1 for one a core (default 1)")
    parser.add_argument("--out", metavar="DIR", help="where the table goes (default: the folder of its subject)")
    parser.add_argument("--runs", metavar="DIR", help="where the records are kept (default: runs/NAME)")
    parser.add_argument(
        "--only",
        action="append",
        metavar="FIELD=VALUE",
        help="run the configs with this value alone (several must all agree); the stored table keeps its other rows",
    )
    parser.add_argument("--retry-failed", action="store_true", help="run stored failures once more")
    return parser


if __name__ == "__main__":
    sys.exit(main())
