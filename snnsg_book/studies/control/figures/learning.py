"""Pictures of learning to hover: curves, what they come to over the slope, and what fills the replay buffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import (
    ACCENT,
    INK,
    MUTED,
    draw_points,
    middle_and_interval,
    middles_and_intervals,
    new_axes,
    slope_axis,
    slope_colour,
)
from snnsg_lib.checks import check_choice

from ..outcomes import THRESHOLDS, outcomes, task_of

if TYPE_CHECKING:
    import pandas as pd

# Open markers: supervised; filled: online.
ALGORITHMS = {"bc": ("cloning", "none"), "td3": ("TD3", INK)}
OUTCOMES = {
    "auc": "mean return / highest",
    "speed": "steps (updates) to the threshold",
    "final": "final return / highest",
    "spread": "SD of the final return / highest",
    "collapsed": "share of runs that fell back",
}
BUFFER = {
    "low_share": "share from bad episodes, new",
    "buffer_share": "share from bad episodes, in the buffer",
    "buffer_age": "age in the buffer (steps)",
}


def plot_learning_curves(
    table: pd.DataFrame,
    *,
    by: str = "slope",
    groups: Sequence[Any] | None = None,
    setting: str = "slow_actor",
    unit: str = "environment steps",
    ax: Axes | None = None,
) -> Axes:
    """Draw the return over training: single runs thin, interquartile mean thick in its 95 % band.

    Parameters
    ----------
    table : DataFrame
        Columns `by`, seed, step, episode_return, of one setting and one learner.
    by : str
        What colours and labels the curves; slopes take their own colours.
    groups : sequence, optional
        Which values of `by`; all if not given.
    setting : str
        Gives the threshold that is marked.
    unit : str
        Of the column step.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    groups = sorted(table[by].unique()) if groups is None else groups
    ends = []
    for group, neutral in zip(groups, _neutral(len(groups)), strict=True):
        colour = slope_colour(group) if by == "slope" else neutral
        runs = table[table[by] == group].pivot(index="step", columns="seed", values="episode_return")
        middle, low, high = middles_and_intervals(runs).T
        ax.plot(runs.index, runs.to_numpy(), color=colour, alpha=0.25, linewidth=0.6)
        ax.fill_between(runs.index, low, high, color=colour, alpha=0.2, linewidth=0)
        ax.plot(runs.index, middle, color=colour, linewidth=2.2)
        ends.append((runs.index[-1], middle[-1], f"k = {group:g}" if by == "slope" else str(group), colour))
    _mark_threshold(ax, THRESHOLDS[task_of(setting)])
    _label_ends(ax, ends)
    ax.set(xlabel=unit, ylabel="return of an episode")
    return ax


def plot_slope_outcomes(tables: Mapping[str, pd.DataFrame], outcome: str = "auc", *, ax: Axes | None = None) -> Axes:
    """Draw what runs come to against the slope: cloning with open markers, TD3 with filled ones, 95 % intervals.

    Parameters
    ----------
    tables : mapping from "bc" or "td3" to DataFrame
        Columns setting, slope, seed, step, episode_return, of one setting.
    outcome : {"auc", "speed", "final", "spread", "collapsed"}
        A column of `outcomes`, or the standard deviation of `final` over the runs.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    check_choice("outcome", outcome, tuple(OUTCOMES))
    ax = new_axes()[1] if ax is None else ax
    for shift, (algorithm, table) in zip((0.97, 1.03), tables.items(), strict=False):
        label, face = ALGORITHMS[algorithm]
        runs = outcomes(table, ["slope", "seed"])
        points = np.array([[slope, *_point(group, outcome)] for slope, group in runs.groupby("slope")])
        draw_points(ax, points[:, 0] * shift, points[:, 1:], face)
        ax.plot([], [], "o", color=INK, markerfacecolor=face, label=label)
    ax.legend(loc="best")
    slope_axis(ax)
    ax.set(ylabel=OUTCOMES[outcome], xlim=(0.8, 125))
    if outcome in ("spread", "collapsed"):
        ax.set_ylim(bottom=0)
    return ax


def _point(runs: pd.DataFrame, outcome: str) -> tuple[float, float, float]:
    """Value and 95 % interval of one outcome over the runs of a slope."""
    if outcome == "spread":
        return middle_and_interval(runs["final"], np.std)
    return middle_and_interval(runs[outcome], np.mean) if outcome == "collapsed" else middle_and_interval(runs[outcome])


def plot_buffer(
    table: pd.DataFrame,
    measure: str = "low_share",
    *,
    slopes: Sequence[float] = (1.0, 10.0, 100.0),
    ax: Axes | None = None,
) -> Axes:
    """Draw what bad episodes bring to the replay buffer over training: interquartile mean over runs, 95 % interval.

    Parameters
    ----------
    table : DataFrame
        Columns slope, seed, step and `measure`, of one setting.
    measure : {"low_share", "buffer_share", "buffer_age"}
        Share of bad episodes in what is collected between two evaluations; their share in the buffer, and the mean age
        of what they left there, both from `buffer_contents`. The age of all that the buffer holds is dotted.
    slopes : sequence of float
        Which slopes of the table to draw.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    check_choice("measure", measure, tuple(BUFFER))
    ax = new_axes()[1] if ax is None else ax
    ends = []
    for slope in slopes:
        rows = table[(table.slope == slope) & table[measure].notna()]
        steps, runs = zip(*rows.groupby("step")[measure], strict=True)
        # Where there was nothing bad yet, there is no age: such steps have fewer runs.
        values = np.array(list(zip_longest(*runs, fillvalue=np.nan))).T
        middle, low, high = middles_and_intervals(values).T
        ax.fill_between(steps, low, high, color=slope_colour(slope), alpha=0.2, linewidth=0)
        ax.plot(steps, middle, color=slope_colour(slope), linewidth=2.2)
        ends.append((steps[-1], middle[-1], f"k = {slope:g}", slope_colour(slope)))
    if measure == "buffer_age":
        last = float(table["step"].max())
        ax.plot([0, last], [0, last / 2], color=MUTED, linestyle=":", linewidth=1.2)
        ends.append((last, last / 2, "everything", MUTED))
        ax.set_ylim(bottom=0)
    else:
        ax.set_ylim(0, 1.02)
    _label_ends(ax, ends)
    ax.set(xlabel="environment steps", ylabel=BUFFER[measure])
    return ax


def _neutral(count: int) -> list[str]:
    return [(INK, ACCENT, MUTED)[index % 3] for index in range(count)]


def _mark_threshold(ax: Axes, threshold: float) -> None:
    ax.axhline(threshold, color=MUTED, linestyle=":", linewidth=1.2)
    ax.text(0.01, threshold, f"threshold {threshold:g}", transform=ax.get_yaxis_transform(), va="bottom", fontsize=9)


def _label_ends(ax: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Write each curve's label right of its end, moved apart where curves end together."""
    low, high = ax.get_ylim()
    ends = sorted(ends, key=lambda end: end[1])
    places = [(y - low) / (high - low) for _, y, _, _ in ends]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + 0.07)
    excess = max(places[-1] - 0.98, 0.0)
    for (x, y, label, colour), place in zip(ends, places, strict=True):
        thin = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        style: dict[str, Any] = {"color": INK, "va": "center", "fontsize": 9, "arrowprops": thin}
        ax.annotate(label, (x, y), (1.02, place - excess), textcoords=ax.transAxes, **style)
