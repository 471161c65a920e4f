"""What one run of a control experiment came to: how fast, how far, and whether it fell back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

HIGHEST_RETURN = {"planar": 200.0, "crazyflie": 150.0}  # every step earns at most 1
# A return of 100 on PlanarHover, nine tenths of the maximum on CrazyflieHover.
THRESHOLDS = {"planar": 100.0, "crazyflie": 135.0}


def task_of(setting: str) -> str:
    """Return ``"crazyflie"`` or ``"planar"``, the task that a setting trains on."""
    return "crazyflie" if setting.startswith("crazyflie") else "planar"


def outcomes(curves: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return one row for each run of a table of learning curves.

    Parameters
    ----------
    curves : DataFrame
        Columns `by`, `setting`, `step` and `episode_return`, one row for each evaluation.
    by : list of str
        Columns that tell runs apart.

    Returns
    -------
    DataFrame
        Columns `by` and

        - `auc`: mean of the evaluations, as a share of the highest return;
        - `speed`: steps (or updates) to the first evaluation at the threshold, or all steps if there is none;
        - `reached`: whether there is one;
        - `final`: mean of the last three evaluations, as a share of the highest return;
        - `collapsed`: whether a run that had reached the threshold ended below half of its best evaluation.
    """
    # Array by array: pandas would take most of a second to make hundreds of small tables.
    rows = curves.sort_values("step")
    runs = rows.groupby(by, sort=True).ngroup().to_numpy()
    order = np.argsort(runs, kind="stable")[np.count_nonzero(runs < 0) :]  # without keys that are missing
    starts = np.flatnonzero(np.diff(runs[order], prepend=-1))
    returns, steps, settings = (rows[name].to_numpy()[order] for name in ("episode_return", "step", "setting"))
    tasks = [task_of(settings[start]) for start in starts]
    found = [
        _outcome(task, *run)
        for task, *run in zip(tasks, np.split(returns, starts[1:]), np.split(steps, starts[1:]), strict=True)
    ]
    names = ["auc", "speed", "reached", "final", "collapsed"]
    keys = rows[by].iloc[order[starts]].reset_index(drop=True)
    return keys.assign(**dict(zip(names, map(list, zip(*found, strict=True)), strict=True)))


def _outcome(task: str, returns: np.ndarray, steps: np.ndarray) -> tuple[float, float, bool, float, bool]:
    """`outcomes` of one run, from its evaluations in their order."""
    at_threshold = returns >= THRESHOLDS[task]
    reached, final = bool(at_threshold.any()), float(returns[-3:].mean())
    return (
        float(returns.mean()) / HIGHEST_RETURN[task],
        float(steps[at_threshold.argmax()] if reached else steps[-1]),
        reached,
        final / HIGHEST_RETURN[task],
        reached and final < 0.5 * float(returns.max()),
    )
