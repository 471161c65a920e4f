"""Middles with their intervals, and how figures draw them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy import stats

from snnsg_lib.statistics import bootstrap_interval, iqm, mean_intervals

from .drawing import INK, MUTED, slope_axis, slope_colour

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 500


def means_and_intervals(table: pd.DataFrame, by: Sequence[str], column: str) -> pd.DataFrame:
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


def middle_and_interval(values: ArrayLike, statistic: Callable[..., Any] = iqm) -> tuple[float, float, float]:
    """Interquartile mean, or another statistic, and its 95 % bootstrap interval; thrice the same of a single value."""
    sample = np.asarray(values, dtype=float)
    if len(sample) < 2:
        return (float(statistic(sample)),) * 3
    return (float(statistic(sample)), *bootstrap_interval(sample, statistic, num_resamples=RESAMPLES))


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


def slope_panel(ax: Axes, title: str) -> None:
    """Make the x axis of a narrow panel a slope axis with few ticks."""
    slope_axis(ax)
    ax.set_xticks((1, 5, 25, 100), ("1", "5", "25", "100"))
    ax.set_title(title)


def draw_over_slopes(ax: Axes, line: pd.DataFrame) -> None:
    """A line over the slopes that are its index, from mean, low and high; each dot in the colour of its slope."""
    ax.fill_between(line.index, line.low, line.high, color=MUTED, alpha=0.2, linewidth=0)
    ax.plot(line.index, line["mean"], color=MUTED, linewidth=1)
    ax.scatter(line.index, line["mean"], color=[slope_colour(k) for k in line.index], s=16, zorder=3)


def legend_below(ax: Axes) -> None:
    """One legend for all panels, outside of them."""
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), handlelength=2.6)
