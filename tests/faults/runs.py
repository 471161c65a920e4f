"""Cheap experiments that note what they compute, so that work done twice shows. No torch: processes start fast."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LOG = "SNNSG_FAULT_LOG"  # a file; every computed config adds a line


@dataclass(frozen=True)
class Config:
    seed: int = 0
    slope: float = 25.0
    seconds: float = 0.0


def note(config):
    if LOG in os.environ:
        with open(os.environ[LOG], "a", encoding="utf-8") as file:
            file.write(f"{config.seed} {config.slope}\n")


def noted(path):
    return path.read_text().splitlines() if path.exists() else []


def rows(config):
    rng = np.random.default_rng(config.seed)
    weights = rng.standard_normal((8, 8)) / config.slope
    return [{"step": step, "value": float(np.tanh(weights @ rng.standard_normal(8)).sum())} for step in range(3)]


def steady(configs):
    """One list of rows a config, after its seconds."""
    results = []
    for config in configs:
        note(config)
        time.sleep(config.seconds)
        results.append(rows(config))
    return results


def as_replicas(configs):
    """The value depends on the whole chunk, as the last bits of stacked replicas do."""
    for config in configs:
        note(config)
        time.sleep(config.seconds)
    total = sum(config.seed for config in configs)
    return [[{"value": config.seed + total / 7}] for config in configs]


def with_faults(configs):
    """Seed 1 raises, 2 gives NaN, 3 Inf; the others go well."""
    results = []
    for config in configs:
        note(config)
        if config.seed == 1:
            raise RuntimeError("the reward went missing")
        results.append([{"value": {2: float("nan"), 3: float("inf")}.get(config.seed, 1.0)}])
    return results


def kills_itself_once(configs):
    """Seed 3 takes its process along the first time it is run."""
    first_time = Path(os.environ[LOG]).with_suffix(".killed")
    if any(config.seed == 3 for config in configs) and not first_time.exists():
        first_time.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return steady(configs)


def kills_itself_always(configs):
    if any(config.seed == 3 for config in configs):
        os.kill(os.getpid(), signal.SIGKILL)
    return steady(configs)
