"""Run an experiment and freeze its table: `python -m snnsg_lib.experiments NAME`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from snnsg_lib.claims import entry_hashes
from snnsg_lib.experiments import load, names
from snnsg_lib.store import RunStore, freeze
from snnsg_lib.sweeps import sweep


def main(arguments: Sequence[str] | None = None) -> int:
    """Sweep, resume where an earlier sweep ended, freeze; return 0, or 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    out, runs = _folders(options)
    experiment = load(options.name)
    try:
        sweep(
            experiment.run,
            experiment.configs(options.quick),
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
        command=f"python -m snnsg_lib.experiments {options.name}" + (" --quick" if options.quick else ""),
        claims=entry_hashes(options.name),
    )
    print(f"Wrote {table} and {table.with_suffix('.json').name}.")
    return 0


def _folders(options: argparse.Namespace) -> tuple[Path | None, Path]:
    """Return where the table goes (None: the library's data folder) and where the records are kept."""
    out = Path(options.out) if options.out else None
    runs = Path("runs") / options.name
    if options.quick:  # never meets the records or the table of the full run
        out = out or Path(tempfile.mkdtemp(prefix=f"{options.name}-quick-"))
        runs = out / "runs" / options.name
    return out, Path(options.runs) if options.runs else runs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m snnsg_lib.experiments", description=__doc__)
    parser.add_argument("name", choices=names(), help="the experiment, and the table it makes")
    parser.add_argument("--quick", action="store_true", help="a small version, never written over the stored table")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes; -1 for one a core (default 1)")
    parser.add_argument("--out", metavar="DIR", help="where the table goes (default: the library's data folder)")
    parser.add_argument("--runs", metavar="DIR", help="where the records are kept (default: runs/NAME)")
    parser.add_argument("--retry-failed", action="store_true", help="run stored failures once more")
    return parser


if __name__ == "__main__":
    sys.exit(main())
