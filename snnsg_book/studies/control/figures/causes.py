"""Pictures of where the slope matters in control, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import INK, MUTED, SLOPE_TICKS, draw_points, middle_and_interval, new_axes, slope_colour
from snnsg_lib.checks import check_choice

from ..outcomes import lead_of_shallow, outcomes
from .learning import ALGORITHMS, OUTCOMES

if TYPE_CHECKING:
    import pandas as pd


def plot_regime_gaps(table: pd.DataFrame, outcome: str = "auc", *, ax: Axes | None = None) -> Axes:
    """Draw, for each regime, by how much slope 2 does better than slope 100: cloning open, TD3 filled.

    Parameters
    ----------
    table : DataFrame
        Columns regime, algorithm, slope, seed and `outcome`, one row for each run.
    outcome : {"auc", "final"}
        A share of the highest return; the difference is taken seed by seed.
    ax : Axes, optional
        Drawn into; a new wide figure if not given.
    """
    check_choice("outcome", outcome, ("auc", "final"))
    regimes = list(dict.fromkeys(table["regime"]))
    ax = new_axes("wide", figsize=(9.0, 0.8 + 0.34 * len(regimes)))[1] if ax is None else ax
    for algorithm, shift in (("td3", -0.13), ("bc", 0.13)):
        places, points = [], []
        for place, regime in enumerate(regimes):
            gap = lead_of_shallow(table[(table.regime == regime) & (table.algorithm == algorithm)], outcome)
            if len(gap):
                places.append(place + shift)
                points.append(middle_and_interval(gap))
        label, face = ALGORITHMS[algorithm]
        draw_points(ax, np.array(places), np.array(points), face, across=True)
        ax.plot([], [], "o", color=INK, markerfacecolor=face, label=label)
    ax.axvline(0, color=MUTED, linestyle=":", linewidth=1.2)
    ax.set_yticks(range(len(regimes)), regimes)
    ax.set_ylim(len(regimes) - 0.5, -0.5)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower right")
    ax.set_xlabel(f"{OUTCOMES[outcome]}: k = 2 minus k = 100 (right: shallow is better)")
    return ax


def plot_gain_and_epsilon(table: pd.DataFrame, outcome: str = "auc", *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw an outcome of TD3 against epsilon of Adam, one panel for each hidden gain, one line for each slope.

    Parameters
    ----------
    table : DataFrame
        Columns gain, epsilon, slope, seed and `outcome`, one row for each run.
    outcome : {"auc", "final", "speed"}
        What is drawn.
    axes : array of Axes, optional
        One for each gain; a new wide figure if not given.
    """
    check_choice("outcome", outcome, ("auc", "final", "speed"))
    gains = sorted(table["gain"].unique())
    axes = np.atleast_1d(new_axes("wide", columns=len(gains), sharey=True)[1]) if axes is None else axes
    for ax, gain in zip(axes, gains, strict=True):
        for slope, runs in table[table.gain == gain].groupby("slope"):
            colour = slope_colour(slope)
            groups = list(runs.groupby("epsilon"))
            epsilons = np.array([epsilon for epsilon, _ in groups])
            points = np.array([middle_and_interval(group[outcome]) for _, group in groups])
            draw_points(ax, epsilons, points, colour, colour=colour)
            ax.plot([], [], "o", color=colour, label=f"k = {slope:g}")
        ax.set_xscale("log")
        ax.set_xlabel("epsilon of Adam")
        ax.set_title(f"hidden gain {gain:g}", loc="left")
    axes[0].set_ylabel(OUTCOMES[outcome])
    axes[-1].legend(loc="best")
    return axes


def plot_waking(
    table: pd.DataFrame, measure: str = "dead", *, slopes: Sequence[float] = SLOPE_TICKS, axes: np.ndarray | None = None
) -> np.ndarray:
    """Draw how the layers fare during training, first hidden layer left: one line for each slope, median over runs.

    Parameters
    ----------
    table : DataFrame
        Columns slope, seed, step and, of one setting, the measure in each layer (``dead_0``, ``dead_1``, ...).
    measure : {"dead", "norm", "cosine"}
        Share of neurons that never spike, norm of the gradient (logarithmic), cosine with the k = 100 gradient.
    slopes : sequence of float
        Which slopes of the table to draw.
    axes : array of Axes, optional
        One for each layer; a new wide figure if not given.
    """
    names = {"dead": "share of silent neurons", "norm": "norm of the gradient", "cosine": "cosine with k = 100"}
    check_choice("measure", measure, tuple(names))
    columns = sorted(column for column in table if column.startswith(f"{measure}_"))
    axes = new_axes("wide", columns=len(columns), sharey=True)[1] if axes is None else axes
    measured = table[table[columns[0]].notna() & table.slope.isin(slopes)]
    for ax, column in zip(axes, columns, strict=True):
        for slope, rows in measured.groupby("slope"):
            line = rows.groupby("step")[column].median()
            ax.plot(line.index, line, color=slope_colour(slope), marker="o", markersize=3, label=f"{slope:g}")
        layer = column.rsplit("_", 1)[1]
        ax.set_xlabel("step")
        ax.set_title("output" if measure != "dead" and column == columns[-1] else f"layer {layer}", loc="left")
        if measure == "norm":
            ax.set_yscale("log")
    axes[0].set_ylabel(names[measure])
    axes[-1].legend(title="slope k", loc="best", ncols=2)
    return axes


def plot_causes(table: pd.DataFrame, outcome: str = "auc", *, ax: Axes | None = None) -> Axes:
    """Draw what runs come to under each treatment, in the colour of their slope; untreated runs as rules.

    Parameters
    ----------
    table : DataFrame
        Columns treatment, slope, seed, step, episode_return, of PlanarHover.
    outcome : {"auc", "final", "speed"}
        What is drawn.
    ax : Axes, optional
        Drawn into; a new wide figure if not given.
    """
    check_choice("outcome", outcome, ("auc", "final", "speed"))
    runs = outcomes(table.assign(setting="slow_actor"), ["treatment", "slope", "seed"])
    treatments = list(dict.fromkeys(table["treatment"]))
    slopes = sorted(runs["slope"].unique())
    ax = new_axes("wide", figsize=(9.0, 0.9 + 0.36 * len(treatments)))[1] if ax is None else ax
    for slope, shift in zip(slopes, (-0.12, 0.12), strict=True):
        own = runs[runs.slope == slope].groupby("treatment")[outcome]
        places = [place + shift for place, name in enumerate(treatments) if name in own.groups]
        points = np.array([middle_and_interval(own.get_group(name)) for name in treatments if name in own.groups])
        colour = slope_colour(slope)
        ax.axvline(points[0, 0], color=colour, linewidth=1, alpha=0.6)
        draw_points(ax, np.array(places), points, colour, colour=colour, across=True)
        ax.plot([], [], "o", color=colour, label=f"k = {slope:g}")
    ax.set_yticks(range(len(treatments)), treatments)
    ax.set_ylim(len(treatments) - 0.5, -0.5)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="best")
    ax.set_xlabel(OUTCOMES[outcome])
    return ax
