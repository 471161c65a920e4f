"""Interleaved timing: every candidate once a round, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time

from benchmarks.cases import Step


def median_times(steps: dict[str, Step], rounds: int, budget: float = 0.02) -> dict[str, float]:
    """Median CPU time of one call, in ms, per candidate.

    Parameters
    ----------
    steps : dict
        {name: callable}.
    rounds : int
        Rounds after one that warms up.
    budget : float
        Seconds that a candidate fills in a round by repeated calls, to be well above the clock's resolution.
    """
    repeats = {name: max(1, min(50, int(budget / _seconds(step, 1)))) for name, step in steps.items() if _warm_up(step)}
    samples: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            samples[name].append(_seconds(step, repeats[name]) * 1000)
    return {name: statistics.median(times) for name, times in samples.items()}


def _warm_up(step: Step) -> bool:
    for _ in range(3):
        step()
    return True


def _seconds(step: Step, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        step()
    return (time.process_time() - start) / repeats
