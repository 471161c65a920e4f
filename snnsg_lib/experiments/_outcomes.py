"""What one run of a control experiment came to: how fast, how far, and whether it fell back."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    rows = curves.sort_values("step")
    runs = [_outcome(run) for _, run in rows.groupby(by, sort=True)]
    import pandas as pd

    return pd.DataFrame(runs)[[*by, "auc", "speed", "reached", "final", "collapsed"]]


def _outcome(run: pd.DataFrame) -> dict:
    task = task_of(run["setting"].iloc[0])
    returns, steps = run["episode_return"].to_numpy(), run["step"].to_numpy()
    at_threshold = returns >= THRESHOLDS[task]
    reached, final = bool(at_threshold.any()), float(returns[-3:].mean())
    return run.iloc[0].to_dict() | {
        "auc": float(returns.mean()) / HIGHEST_RETURN[task],
        "speed": float(steps[at_threshold.argmax()] if reached else steps[-1]),
        "reached": reached,
        "final": final / HIGHEST_RETURN[task],
        "collapsed": reached and final < 0.5 * float(returns.max()),
    }
