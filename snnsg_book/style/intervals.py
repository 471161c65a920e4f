"""Middles with their intervals, and how figures draw them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy import stats

from snnsg_lib.statistics import bootstrap_interval, iqm, mean_intervals

from .drawing import COLOURS

if TYPE_CHECKING:
    import pandas as pd

INK = COLOURS["ink"][0]
FLOOR_GREY = COLOURS["people"][0]
RESAMPLES = 500


def summary(table: pd.DataFrame, by: Sequence[str], column: str) -> pd.DataFrame:
    """Mean over seeds with its 95 % bootstrap interval: columns mean, low, high for each group.

    Parameters
    ----------
    table : DataFrame
        One value of `column` for each `seed` in each group.
    by : sequence of str
        Columns that make the groups; they become the index.
    column : str
        ``"norm"`` is averaged as a logarithm: its mean is the geometric one.
    """
    logarithmic = column == "norm"
    # Layers that hear nothing at all have a gradient of exactly zero and no logarithm.
    values = np.log10(table[column].where(table[column] > 0)) if logarithmic else table[column]
    per_seed = values.groupby([table[name] for name in (*by, "seed")]).mean().unstack("seed")
    low, high = mean_intervals(per_seed.to_numpy()).T
    result = per_seed.mean(axis=1).to_frame("mean").assign(low=low, high=high)
    return 10**result if logarithmic else result


def middle_and_interval(values: ArrayLike) -> tuple[float, float, float]:
    """Interquartile mean and its 95 % bootstrap interval; the value thrice where there is only one."""
    sample = np.asarray(values, dtype=float)
    if len(sample) < 2:
        return (float(sample[0]),) * 3
    return (iqm(sample), *bootstrap_interval(sample, num_resamples=RESAMPLES))


def middles_and_intervals(rows: ArrayLike) -> np.ndarray:
    """`middle_and_interval` of each row of (points, runs), as (points, 3); NaN stands for a run that has stopped."""
    values = np.asarray(rows, dtype=float)
    if np.isnan(values).any() or values.shape[1] < 2:
        return np.array([middle_and_interval(row[~np.isnan(row)]) for row in values])
    # All points at once: a curve has dozens, and most of the time would go into starting SciPy for each.
    found = stats.bootstrap(
        (values,), iqm, axis=-1, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return np.stack((iqm(values, axis=-1), found.low, found.high), axis=1)


def draw_points(
    ax: Axes, x: np.ndarray, points: np.ndarray, face: str, *, colour: str = INK, across: bool = False
) -> None:
    """Markers with intervals, joined by a line; `across` lays values on the x axis, and joins nothing."""
    middle, low, high = points.T
    errors = np.abs(np.stack((middle - low, high - middle)))
    style: dict[str, Any] = {"fmt": "o", "color": colour, "markerfacecolor": face, "markersize": 6, "elinewidth": 1.2}
    if across:
        ax.errorbar(middle, x, xerr=errors, **style)
    else:
        ax.errorbar(x, middle, yerr=errors, **style)
        ax.plot(x, middle, color=colour, linewidth=1, alpha=0.5, zorder=1)


def legend_below(ax: Axes) -> None:
    """One legend for all panels, outside of them."""
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), handlelength=2.6)
