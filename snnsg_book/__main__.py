"""Run an experiment and freeze its table, or look after the stored tables: `python -m snnsg_book NAME`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from snnsg_book.acceptance import Refused, accept, status
from snnsg_book.catalogue import folder_of, load, names
from snnsg_book.claims import CLAIMS, freeze_claims, moved
from snnsg_book.results import command_of, load_results, pack_of
from snnsg_lib.extras import extra
from snnsg_lib.store import CorruptResultError, RunStore, check_writable, freeze
from snnsg_lib.sweeps import pack, sweep, unpack

with extra("experiments"):
    import pandas as pd


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks; return 0, 1 if something was refused, 2 for bad arguments, 130 after Ctrl-C."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.status:
        return _status(options)
    if options.accept:
        return _accept(parser, options)
    if options.name is None:
        parser.error("name an experiment, or use --status or --accept")
    out, runs = _folders(options)
    if options.pack:
        return _pack(parser, options, out, runs)
    for folder, option in ((out, "--out"), (runs, "--runs")):
        try:
            check_writable(folder)  # now, and not when everything has been computed
        except OSError as error:
            parser.error(f"{error}; choose another folder with {option} DIR")
    return _run(options, out, runs)


def _run(options: argparse.Namespace, out: Path, runs: Path) -> int:
    """Sweep, resume where an earlier sweep or a pack ended, freeze the table and its claims."""
    experiment = load(options.name)
    configs, kept = experiment.configs(options.quick), None
    if options.only:
        configs, kept = _only(options, configs)
    if not options.quick and (stale := unpack(pack_of(options.name, out), experiment.run, configs, runs)):
        print(f"{stale} packed runs were made by other code and are not used; --accept {options.name} tries them.")
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
    command = command_of(options.name) + (" --quick" if options.quick else "")
    table = freeze(options.name, runs, directory=out, command=command, kept=kept)
    print(f"Wrote {table} and {table.with_suffix('.json').name}.")
    if not options.quick:
        readers = [claim for claim in CLAIMS if options.name in (claim.table, *claim.beside)]
        written = freeze_claims(readers, Path(options.out) if options.out else None)
        print(f"Froze the claims {', '.join(written)}." if written else "Its claims are frozen already.")
    return 0


def _pack(parser: argparse.ArgumentParser, options: argparse.Namespace, out: Path, runs: Path) -> int:
    if options.quick:
        parser.error("--pack keeps the runs of a full study; it does not go with --quick")
    path = pack_of(options.name, out)
    try:
        check_writable(out)
        count = pack(runs, path)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f"Packed {count} runs into {path}, {path.stat().st_size / 1e6:.1f} MB.")
    return 0


def _status(options: argparse.Namespace) -> int:
    directory = Path(options.out) if options.out else None
    for name, told in status(directory).items():
        print(f"{name}: {told}")
    for id, lines in moved(CLAIMS, directory).items():
        print("\n  ".join([f"claim {id} has moved:", *lines]))
    return 0


def _accept(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    """Take tables, packs and claims over, each by itself, so that a second call does what is left."""
    by_id = {claim.id: claim for claim in CLAIMS}
    asked = [each for word in options.accept for each in {"all": names(), "claims": list(by_id)}.get(word, [word])]
    if unknown := [each for each in asked if each not in by_id and each not in names()]:
        choices = f"all, claims, {', '.join([*names(), *by_id])}"
        parser.error(f"--accept takes names of experiments and claims, got {unknown[0]!r}; there are {choices}")
    directory = Path(options.out) if options.out else None
    refused = False
    for name, told, good in _each_accepted([each for each in asked if each in names()], directory, options.jobs):
        print(f"{name}: {told}", flush=True)
        refused |= not good
    if claims := [by_id[each] for each in asked if each in by_id]:
        print(f"Froze the claims: {', '.join(freeze_claims(claims, directory)) or 'none has moved'}.")
    return int(refused)


def _each_accepted(asked: Sequence[str], directory: Path | None, jobs: int) -> Iterator[tuple[str, str, bool]]:
    from joblib import Parallel, delayed, parallel_config

    with parallel_config("loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        yield from parallel(delayed(_try_to_accept)(name, directory) for name in asked)


def _try_to_accept(name: str, directory: Path | None) -> tuple[str, str, bool]:
    try:
        return name, accept(name, directory), True
    except FileNotFoundError:
        return name, "missing", True
    except (Refused, CorruptResultError, OSError) as error:
        return name, f"refused: {error}", False


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
    parser.add_argument("name", nargs="?", choices=names(), help="the experiment, and the table it makes")
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
    parser.add_argument(
        "--pack", action="store_true", help="keep the runs so far beside the table, to resume elsewhere"
    )
    parser.add_argument("--status", action="store_true", help="say which tables are made by today's code, and no more")
    parser.add_argument(
        "--accept",
        nargs="+",
        metavar="NAME",
        help="take tables or packs over for today's code, if one chunk computed again is equal; or freeze claims anew",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
