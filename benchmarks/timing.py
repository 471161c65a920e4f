"""Interleaved timing: every candidate once a round, so that a busy machine slows all of them alike."""

from __future__ import annotations

import statistics
import time

from benchmarks.cases import Case, ReplicaCase, Step, candidates

# The figures to reach: (times snnTorch at least, times the floor at most or None).
TARGETS: dict[str, tuple[float, float | None]] = {
    "A": (2.0, 1.4),
    "B": (2.5, 2.0),
    "C N=128": (6.5, 2.2),
    "C N=64": (10.0, 2.2),
    "D": (9.0, 2.7),
    "2-32-32-2 R=16": (30.0, None),
    "18-64-64-4 R=16": (11.0, None),
}


def interleaved_times(steps: dict[str, Step], rounds: int, budget: float = 0.03) -> dict[str, list[float]]:
    """CPU time of one call in ms, one entry a round, per candidate.

    Parameters
    ----------
    steps : dict
        {name: callable}.
    rounds : int
        Rounds after the calls that warm up.
    budget : float
        Seconds that a candidate fills in a round by repeated calls, well above the resolution of the clock.
    """
    repeats = {}
    for name, step in steps.items():
        _seconds(step, 2)
        repeats[name] = max(1, min(30, int(budget / _seconds(step, 1))))
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(_seconds(step, repeats[name]) * 1000)
    return times


def measure(case: Case, rounds: int) -> dict[str, dict[str, float]]:
    """{candidate: median ms, times snnTorch, and times the floor where there is one} for one network.

    The ratios are medians over the rounds of the ratio within a round. With replicas the ms are for all of them: those
    of snnTorch are the ms of one run, times the number of replicas.
    """
    times = interleaved_times(candidates(case), rounds)
    if isinstance(case, ReplicaCase):
        times["snntorch"] = [ms * case.replicas for ms in times["snntorch"]]
    rows = {}
    for name, own in times.items():
        rows[name] = {"ms": statistics.median(own), "times_snntorch": _median_ratio(times["snntorch"], own)}
        if "floor" in times:
            rows[name]["times_floor"] = _median_ratio(own, times["floor"])
    return rows


def _median_ratio(above: list[float], below: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def _seconds(step: Step, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        step()
    return (time.process_time() - start) / repeats
