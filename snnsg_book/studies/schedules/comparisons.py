"""Runs under schedules beside runs with fixed slopes: the best of these in hindsight, and what finding it costs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnsg_book.studies.control.outcomes import outcomes, task_of
from snnsg_lib.checks import check_int
from snnsg_lib.statistics import bootstrap_interval, iqm

if TYPE_CHECKING:
    import pandas as pd

# Training from one evaluation, and so from one step of a schedule, to the next, in environment steps.
EPOCHS = {"planar": 1000, "crazyflie": 2000}


def fixed_arm(slope: float) -> str:
    """Name of the runs with a fixed slope, as ``"k = 2"``."""
    return f"k = {slope:g}"


def slope_of(arm: str) -> float | None:
    """Slope that the name of an arm stands for; None for a schedule."""
    found = re.fullmatch(r"k = ([0-9.e+-]+)", arm)
    return float(found[1]) if found else None


def together(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return the outcomes of the runs of several tables, of one learner, one row for each run.

    Parameters
    ----------
    *tables : DataFrame
        Learning curves with setting, seed, step, episode_return and either `schedule` or `slope`.

    Returns
    -------
    DataFrame
        setting, arm (name of the schedule, or ``"k = 2"``), seed and the columns of `outcomes`.
    """
    import pandas as pd

    columns = ["setting", "arm", "seed", "step", "episode_return"]
    return outcomes(pd.concat([with_arm(table)[columns] for table in tables]), ["setting", "arm", "seed"])


def with_arm(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column `arm`, made of `schedule`, or of `slope` where there is no schedule."""
    if "schedule" not in table:
        return table.assign(arm=table["slope"].map(fixed_arm))
    if "slope" not in table:
        return table.assign(arm=table["schedule"])
    fixed = table["slope"].map(fixed_arm, na_action="ignore")
    return table.assign(arm=table["schedule"].where(table["schedule"].notna(), fixed))


def arrivals(runs: pd.DataFrame) -> pd.DataFrame:
    """Return how soon the runs of each arm are at the threshold, the soonest first.

    Parameters
    ----------
    runs : DataFrame
        As `together` returns them, of one setting.

    Returns
    -------
    DataFrame
        arm, runs, arrived (how many of them), steps (interquartile mean; a run that never arrives counts with its whole
        budget), low and high (95 % bootstrap interval), and epochs (steps over the length of an epoch).
    """
    import pandas as pd

    epoch = EPOCHS[task_of(runs["setting"].iloc[0])]
    rows = []
    for arm, own in runs.groupby("arm"):
        steps = iqm(own["speed"])
        interval = bootstrap_interval(own["speed"]) if len(own) > 1 else (steps, steps)
        rows.append((arm, len(own), int(own["reached"].sum()), steps, *interval, steps / epoch))
    columns = ["arm", "runs", "arrived", "steps", "low", "high", "epochs"]
    return pd.DataFrame(rows, columns=columns).sort_values("steps", ignore_index=True)


def best_fixed(values: pd.DataFrame, largest: bool) -> pd.Series:
    """Return for each seed its value at the slope that is best on average over all *other* seeds.

    Chosen and judged on the same seeds, the best of seven would look better than it is.

    Parameters
    ----------
    values : DataFrame
        One row for each seed, one column for each arm; only fixed slopes are looked at.
    largest : bool
        Whether large values are good.
    """
    fixed = values[[arm for arm in values.columns if slope_of(arm) is not None]].dropna()
    others = (fixed.sum() - fixed) / (len(fixed) - 1)
    chosen = others.idxmax(axis=1) if largest else others.idxmin(axis=1)
    return fixed.stack().reindex(list(zip(fixed.index, chosen, strict=True))).droplevel(1)


def picked_by_one_pilot(speeds: pd.DataFrame) -> pd.Series:
    """Return for each seed its steps at the slope that is fastest in one other seed, mean over all other seeds.

    That is what a training costs after the cheapest sweep: each slope trained once.

    Parameters
    ----------
    speeds : DataFrame
        Steps to the threshold: one row for each seed, one column for each arm; only fixed slopes are looked at.
    """
    fixed = speeds[[arm for arm in speeds.columns if slope_of(arm) is not None]].dropna()
    picked = fixed[fixed.idxmin(axis=1)]  # a column for each pilot seed
    own = np.diag(picked.to_numpy())
    return (picked.sum(axis=1) - own) / (len(fixed) - 1)


def price_of_a_sweep(
    speeds: pd.DataFrame,
    schedule: str = "adaptive",
    pilots: Sequence[int] = (1, 2, 4, 8),
    num_resamples: int = 1000,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Return what it costs to find the best fixed slope, and what a training costs then.

    A sweep trains every slope with a few pilot seeds, each until it arrives (or until its budget ends), and takes the
    slope with the shortest mean. Later trainings have other seeds. Pilot seeds are drawn many times.

    Parameters
    ----------
    speeds : DataFrame
        Steps to the threshold: one row for each seed, one column for each arm.
    schedule : str
        The arm that needs no sweep.
    pilots : sequence of int
        Pilot seeds for each slope, fewer than there are seeds.

    Returns
    -------
    DataFrame
        plan, pilots, cost (steps of the sweep), steps (of a later training, on average), low and high (95 % of the
        draws of pilots; equal to `steps` without a sweep). The first two plans need no sweep: the schedule, and a slope
        drawn blindly.
    """
    import pandas as pd

    generator = np.random.default_rng(rng)
    speeds = speeds.dropna()
    fixed = speeds[[arm for arm in speeds.columns if slope_of(arm) is not None]].to_numpy()
    rows = [(schedule, 0, 0.0, *[float(speeds[schedule].mean())] * 3)]
    rows.append(("a slope drawn blindly", 0, 0.0, *[float(fixed.mean())] * 3))
    for count in pilots:
        check_int("pilots", count, low=1, high=len(fixed) - 1)
        draws = [_sweep(fixed, generator.permutation(len(fixed)), count) for _ in range(num_resamples)]
        cost, steps = np.array(draws).T
        low, high = np.quantile(steps, (0.025, 0.975))
        plan = f"sweep, {count} seed{'s' if count > 1 else ''} a slope"
        rows.append((plan, count, cost.mean(), steps.mean(), float(low), float(high)))
    return pd.DataFrame(rows, columns=["plan", "pilots", "cost", "steps", "low", "high"])


def _sweep(fixed: np.ndarray, order: np.ndarray, count: int) -> tuple[float, float]:
    """Cost of a sweep with the first `count` seeds of `order`, and the steps of later trainings."""
    pilots, later = fixed[order[:count]], fixed[order[count:]]
    return float(pilots.sum()), float(later[:, pilots.mean(axis=0).argmin()].mean())
