"""What a worker process does with a chunk of configurations."""

from __future__ import annotations

import dataclasses
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from snnsg_lib.extras import extra
from snnsg_lib.provenance import canonical, machine, sha256, source_hash
from snnsg_lib.store import RunStore

from .configs import plain

Record = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """What `run` returns in place of rows for a config that failed, for instance by NaN in a loss.

    An Exception serves as well, and keeps its traceback.
    """

    reason: str


@dataclass(frozen=True)
class Chunk:
    """Configs computed together, as the replicas of one network."""

    configs: tuple[Any, ...]
    keys: tuple[str, ...]

    @property
    def key(self) -> str:
        """The name of the lock on this chunk."""
        return sha256(canonical(self.keys))


@dataclass(frozen=True)
class Job:
    """What a worker has to know besides its chunk."""

    run: Callable
    directory: Path
    source: str
    code: dict[str, Any] = field(default_factory=dict)  # as `code_of` gives it; goes into every record


def work(job: Job, index: int, chunk: Chunk) -> int | None:
    """Compute a chunk unless it is done or locked; return its index, or None if another runner holds it."""
    _check_source(job.run, job.source)
    store = RunStore(job.directory)
    with store.lock(chunk.key) as mine:
        if not mine:
            return None
        if not is_complete(store, chunk):  # looked at again: it may have been finished since it was found missing
            for key, record in zip(chunk.keys, _compute(job, chunk), strict=True):
                store.put(key, record)
    return index


@lru_cache
def _check_source(run: Callable, source: str) -> None:
    """Stop if this process has other code than the one that the keys were made from; looked at once a process."""
    importable = getattr(sys.modules.get(run.__module__), run.__qualname__, None) is run
    if importable and source_hash(run) != source:
        raise RuntimeError(f"the code of {name_of(run)} differs from that at the start of the sweep; start it again")


def _compute(job: Job, chunk: Chunk) -> list[Record]:
    with _one_thread():
        start = time.perf_counter()
        outcomes = _outcomes(job.run, chunk.configs)
        seconds = (time.perf_counter() - start) / len(chunk.configs)
        return [
            record_of(job, config, outcome, seconds, len(chunk.configs))
            for config, outcome in zip(chunk.configs, outcomes, strict=True)
        ]


def _outcomes(run: Callable, configs: Sequence[Any]) -> list[Any]:
    try:
        outcomes = list(run(list(configs)))
        if len(outcomes) != len(configs):
            raise ValueError(f"run must return one outcome for each config: got {len(outcomes)} for {len(configs)}")
    except Exception as error:
        if len(configs) == 1:
            return [error]
        return [outcome for config in configs for outcome in _outcomes(run, [config])]
    return outcomes


def record_of(job: Job, config: Any, outcome: Any, seconds: float, chunk: int) -> Record:
    """Return the record of one config: the rows that `run` gave, or why there are none."""
    rows: list[Record] = []
    if not isinstance(outcome, Failure | BaseException):
        try:
            rows = [_checked_row(row) for row in outcome]
        except (TypeError, ValueError) as error:
            outcome = error
    return {
        "config": dataclasses.asdict(config),
        "rows": rows,
        "failure": _failure(outcome) if isinstance(outcome, Failure | BaseException) else None,
        "seconds": seconds,
        "chunk": chunk,
        "run": name_of(job.run),
        "source": job.source,
        "code": job.code,
        "machine": machine(),
        "threads": _threads(),
    }


def _failure(outcome: Failure | BaseException) -> dict[str, str]:
    if isinstance(outcome, Failure):
        return {"reason": outcome.reason, "traceback": ""}
    lines = traceback.format_exception(outcome)
    return {"reason": f"{type(outcome).__name__}: {outcome}", "traceback": "".join(lines)}


def _checked_row(row: Any) -> Record:
    if not isinstance(row, dict) or not all(isinstance(name, str) for name in row):
        raise TypeError(f"a row must be a dict with str keys, got {row!r}")
    checked = {name: plain(value) for name, value in row.items()}
    for name, value in checked.items():
        if not isinstance(value, str | int | float | bool | None):
            raise TypeError(f"{name} must be a str, int, float, bool or None, got {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} must be finite (None where there is no value), got {value}")
    return checked


def name_of(run: Callable) -> str:
    """Return `module:function`."""
    return f"{run.__module__}:{run.__qualname__}"


def is_complete(store: RunStore, chunk: Chunk) -> bool:
    """Return whether every record of the chunk is there and intact."""
    return all([store.get(key) is not None for key in chunk.keys])  # a list: every damaged record is to be found


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hold BLAS and torch to one thread: sums over several threads end in other bits."""
    with extra("experiments"):
        from threadpoolctl import threadpool_limits

    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    with threadpool_limits(limits=1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def _threads() -> int:
    torch = sys.modules.get("torch")
    return torch.get_num_threads() if torch else 1


def behave_as_worker(parent: int) -> None:
    """In a process of the local pool, leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with, args=(parent,), daemon=True).start()


def _exit_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
