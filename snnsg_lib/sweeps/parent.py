"""The parent of a sweep: it finds what is missing, hands it out, and outlives its workers."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from snnsg_lib.checks import check_int
from snnsg_lib.extras import extra
from snnsg_lib.provenance import canonical, code_of, sha256, source_hash
from snnsg_lib.store import RunStore

from .configs import checked_configs
from .work import Chunk, Failure, Job, Record, behave_as_worker, is_complete, name_of, record_of, work


def sweep(
    run: Callable[[list[Any]], Sequence[Any]],
    configs: Sequence[Any],
    directory: str | Path,
    jobs: int = 1,
    chunk_size: int = 30,
    *,
    retry_failed: bool = False,
    progress: bool = True,
) -> list[Record]:
    """Run an experiment for every config, keep one record for each, and return the records in the order of `configs`.

    Parameters
    ----------
    run : function
        Takes a list of configs and returns, for each, a list of rows (dicts of str, int, float, bool or None) or a
        failure (`Failure` or an Exception). If it raises, its configs are tried again one by one, so that only those
        that fail alone are stored as failed.
    configs : list of frozen dataclass instances
        All of one class, none twice. Fields hold str, int, float, bool, None or tuples of those.
    directory : str or Path
        Holds the records; see `RunStore`. OSError names it if it cannot be written, before anything is run.
    jobs : int
        Processes on this machine, each with one thread; -1 for one a core; 1 runs here. Within
        `joblib.parallel_config(backend=...)` the chunks go to that backend instead, for instance to Dask.
    chunk_size : int
        Configs computed together. The chunks follow from the list of configs alone, and one that misses a record is
        computed whole, so that an interrupted sweep ends with the same numbers as an uninterrupted one.
    retry_failed : bool
        Run stored failures once more. A run depends on its config and code only, so by default a failure stands.
    progress : bool
        Show a bar with the time left.

    Returns
    -------
    list of dict
        `config`, `rows`, `failure` (None, or a dict with `reason` and `traceback`), `seconds` and what is known about
        code and machine. A NaN or Inf in a row makes its run a failure. `to_table` joins the rows.

    Notes
    -----
    The key of a record is its config and the source behind `run` (`source_hash`): after a change of either it is
    computed anew. Runners in other processes that share the directory share the work. A worker that dies takes only
    its chunk along, which is computed again; a chunk that kills its worker time and again is stored as failed.
    """
    check_int("jobs", jobs, low=-1)
    if jobs == 0:
        raise ValueError("jobs must be >= 1, or -1 for all cores, got 0")
    check_int("chunk_size", chunk_size, low=1)
    configs = checked_configs(configs)
    source = source_hash(run)
    keys = [record_key(run, config, source) for config in configs]
    if len(set(keys)) < len(keys):
        twice = next(config for config, key in zip(configs, keys, strict=True) if keys.count(key) > 1)
        raise ValueError(f"configs must be different from each other, but this one is there twice: {twice!r}")
    store = RunStore(directory)
    store.remove_stray_temps()
    if retry_failed:
        _discard_failures(store, keys)
    chunks = [
        Chunk(tuple(configs[start : start + chunk_size]), tuple(keys[start : start + chunk_size]))
        for start in range(0, len(configs), chunk_size)
    ]
    job = Job(run, store.directory.absolute(), source, code_of(run))
    with _timed_manifest(store, run, keys), _progress_bar(len(configs), progress) as bar:
        _finish(job, store, chunks, jobs, bar)
    records = [record for key in keys if (record := store.get(key)) is not None]
    failures = [record["failure"] for record in records if record["failure"]]
    if failures:
        warnings.warn(
            f"{len(failures)} of {len(records)} runs failed; the first: {failures[0]['reason']}", stacklevel=2
        )
    return records


def _finish(job: Job, store: RunStore, chunks: list[Chunk], jobs: int, bar: Any) -> None:
    """Dispatch what is missing until nothing is, through deaths of workers and beside other runners."""
    deaths = 0
    pause = 0.02
    free = waiting = _incomplete(store, chunks)
    bar.initial = bar.total - _count(waiting)  # found, so no part of the time left
    _show(bar, bar.initial)
    while waiting:
        try:
            if not free:  # another runner is at work on all that is left
                time.sleep(pause)
                pause = min(2 * pause, 1.0)
            elif deaths < 2:
                _dispatch(job, free, jobs, lambda chunk: _show(bar, bar.n + len(chunk.keys)))
            else:  # twice nothing but deaths: find out which chunk it is
                _dispatch_alone(job, store, free, jobs)
        except _worker_deaths() as error:
            deaths += 1
            reason = type(error).__name__
            warnings.warn(f"a worker process died ({reason}); what it was computing starts again", stacklevel=3)
        left = _incomplete(store, waiting)
        deaths = deaths if len(left) == len(waiting) else 0
        waiting = left
        free = [chunk for chunk in waiting if _is_free(store, chunk)]
        _show(bar, bar.total - _count(waiting))


def _incomplete(store: RunStore, chunks: list[Chunk]) -> list[Chunk]:
    return [chunk for chunk in chunks if not is_complete(store, chunk)]


def _count(chunks: list[Chunk]) -> int:
    return sum(len(chunk.keys) for chunk in chunks)


def _dispatch(job: Job, chunks: list[Chunk], jobs: int, finished: Callable[[Chunk], None]) -> None:
    with extra("experiments"):
        from joblib import Parallel, delayed
        from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    return_as = "generator_unordered" if backend.supports_return_generator or jobs == 1 else "list"
    tasks = (delayed(work)(job, index, chunk) for index, chunk in enumerate(chunks))
    with _local_processes(backend):
        results = Parallel(n_jobs=jobs, batch_size=1, return_as=return_as)(tasks)
        if return_as == "list":
            return
        with closing(results):
            for index in results:
                if index is not None:
                    finished(chunks[index])


def _dispatch_alone(job: Job, store: RunStore, chunks: list[Chunk], jobs: int) -> None:
    for chunk in chunks:
        try:
            _dispatch(job, [chunk], jobs, lambda _: None)
        except _worker_deaths() as error:
            reason = f"the process died while computing this chunk, each time it was tried: {error}"
            with store.lock(chunk.key) as mine:
                if mine and not is_complete(store, chunk):
                    for key, config in zip(chunk.keys, chunk.configs, strict=True):
                        store.put(key, record_of(job, config, Failure(reason), 0.0, len(chunk.keys)))


@contextmanager
def _local_processes(backend: Any) -> Iterator[None]:
    """Give joblib's own processes one thread each, and end them afterwards: idle ones would run old code next time."""
    with extra("experiments"):
        from joblib import parallel_config
        from joblib.externals.loky import get_reusable_executor

    if type(backend).__name__ != "LokyBackend":
        yield
        return
    try:
        with parallel_config(
            backend="loky", inner_max_num_threads=1, initializer=behave_as_worker, initargs=(os.getpid(),)
        ):
            yield
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _worker_deaths() -> tuple[type[BaseException], ...]:
    distributed = sys.modules.get("distributed")
    return (BrokenProcessPool, distributed.KilledWorker) if distributed else (BrokenProcessPool,)


def record_key(run: Callable, config: Any, source: str) -> str:
    """Return the key of the record of one config."""
    return sha256(canonical([name_of(run), type(config).__name__, dataclasses.asdict(config), source]))


def _is_free(store: RunStore, chunk: Chunk) -> bool:
    with store.lock(chunk.key) as mine:
        return mine


def _discard_failures(store: RunStore, keys: Sequence[str]) -> None:
    for key in keys:
        record = store.get(key)
        if record is not None and record["failure"]:
            store.discard(key)


@contextmanager
def _timed_manifest(store: RunStore, run: Callable, keys: list[str]) -> Iterator[None]:
    """Keep the list of keys in the store, and the wall time over all sessions of the same sweep."""
    earlier = store.read_manifest()
    spent = earlier["wall_seconds"] if earlier is not None and earlier["keys"] == keys else 0.0
    manifest = {"run": name_of(run), "keys": keys, "wall_seconds": spent}
    store.write_manifest(manifest)
    start = time.perf_counter()
    try:
        yield
    finally:
        store.write_manifest(manifest | {"wall_seconds": spent + time.perf_counter() - start})


def _progress_bar(total: int, progress: bool) -> Any:
    with extra("experiments"):
        from tqdm import tqdm

    # The plain text bar: the one for notebooks is a widget, dead on a static page.
    return tqdm(total=total, disable=not progress, unit="run", smoothing=0)


def _show(bar: Any, done: int) -> None:
    bar.n = done
    bar.refresh()
