"""Pictures of gradients in depth: their size in each layer, and the conditions that change it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import (
    DASHES,
    INK,
    MUTED,
    SLOPE_TICKS,
    means_and_intervals,
    new_axes,
    slope_axis,
    slope_colour,
)
from snnsg_lib.checks import check_choice
from snnsg_lib.surrogates import FAMILIES

from ..conditions import around_base, relative_to_output

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "norm": "norm of the gradient",
    "share": "share of active weights",
    "share_weights": "share of active weights",
    "share_neurons": "share of active neurons",
    "cosine": "cosine with the k = 100 gradient",
    "reliability": "cosine between two batches",
}


def plot_layers(
    table: pd.DataFrame, column: str = "norm", *, slopes: Sequence[float] = SLOPE_TICKS, ax: Axes | None = None
) -> Axes:
    """Draw a measure against the layer, first hidden layer left, output right, one line per slope.

    Parameters
    ----------
    table : DataFrame
        Columns slope, layer, seed and `column`, of one condition.
    column : {"norm", "share", "share_weights", "share_neurons", "cosine", "reliability"}
        A norm is drawn on a logarithmic axis.
    slopes : sequence of float
        Which slopes of the table to draw.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    check_choice("column", column, tuple(NAMES))
    ax = new_axes()[1] if ax is None else ax
    values = means_and_intervals(table[table.slope.isin(slopes)], ["slope", "layer"], column)
    last = int(table.layer.max())
    for slope in slopes:
        line = values.loc[slope]
        ax.fill_between(line.index, line.low, line.high, color=slope_colour(slope), alpha=0.2, linewidth=0)
        ax.plot(line.index, line["mean"], color=slope_colour(slope), marker="o", markersize=3.5, linewidth=1.8)
    starts = [values.loc[slope, "mean"].iloc[0] for slope in slopes]
    _label_lines(ax, [f"k = {slope:g}" for slope in slopes], starts, column)
    every = max(1, last // 8)
    ticks = [*range(0, last - every + 1, every), last]
    ax.set_xticks(ticks, [str(layer) if layer < last else f"{last}\noutput" for layer in ticks])
    ax.set(xlabel="layer (0: first hidden)", ylabel=NAMES[column], xlim=(-0.24 * last, last + 0.15))
    return ax


def _label_lines(ax: Axes, labels: Sequence[str], values: Sequence[float], column: str) -> None:
    """Write each line's label left of its first point, moved apart where lines meet."""
    if column == "norm":
        ax.set_yscale("log")
    else:
        ax.set_ylim(min(0, ax.get_ylim()[0]), 1.03)
    low, high = ax.get_ylim()
    scale = np.log10 if column == "norm" else np.asarray
    places = (scale(np.array(values)) - scale(low)) / (scale(high) - scale(low))
    apart = 0.062
    at: dict[int, float] = {}
    # Lines that meet are labelled in the order of the list.
    for index in np.argsort(places.round(2), kind="stable"):
        at[index] = max(places[index], (max(at.values()) + apart) if at else 0.0)
    excess = max(max(at.values()) - 0.98, 0.0)
    for index, label in enumerate(labels):
        thin = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkA": 1, "shrinkB": 3}
        place = (0.005, at[index] - excess * at[index])
        style: dict[str, Any] = {"fontsize": 9, "va": "center", "color": INK, "arrowprops": thin}
        ax.annotate(label, (0, values[index]), place, textcoords="axes fraction", **style)


def plot_conditions(table: pd.DataFrame, column: str = "norm", *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw what reaches the first hidden layer, one condition changed at a time: depth, time steps, firing rate.

    Parameters
    ----------
    table : DataFrame
        `depth_conditions`.
    column : {"norm", "share", "cosine"}
        Drawn for k = 1, 10 and 100; a norm as multiples of the output layer's.
    axes : array of three Axes, optional
        A new wide figure if not given.
    """
    check_choice("column", column, ("norm", "share", "cosine"))
    axes = new_axes("wide", columns=3, sharey=True)[1] if axes is None else axes
    titles = {"depth": "hidden layers", "num_steps": "time steps", "rate": "firing rate"}
    for ax, (condition, title) in zip(axes, titles.items(), strict=True):
        rows = around_base(table, condition)
        first = relative_to_output(rows) if column == "norm" else rows[rows.layer == 0]
        values = means_and_intervals(first, ["slope", condition], column)
        for slope in (1.0, 10.0, 100.0):
            line = values.loc[slope]
            ax.fill_between(line.index, line.low, line.high, color=slope_colour(slope), alpha=0.2, linewidth=0)
            ax.plot(
                line.index, line["mean"], color=slope_colour(slope), marker="o", markersize=4, label=f"k = {slope:g}"
            )
        ax.set(xscale="log", xlabel=title)
        ticks = sorted(rows[condition].unique())
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xticks([], minor=True)
    if column == "norm":
        axes[0].set_yscale("log")
    axes[0].set_ylabel("first layer's norm / output's" if column == "norm" else NAMES[column])
    axes[0].legend()
    return axes


def plot_widths(table: pd.DataFrame, *, rate: float = 0.15, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the share of membrane potentials that a surrogate reaches, against the slope.

    Parameters
    ----------
    table : DataFrame
        `widths`.
    rate : float
        Firing rate of the left panel, which compares the families; the right one compares firing rates.
    axes : array of two Axes, optional
        A new wide figure if not given.
    """
    axes = new_axes("wide", columns=2, sharey=True)[1] if axes is None else axes
    at_rate = table[table.rate == rate]
    measured = [family for family in FAMILIES if (at_rate.family == family).any()]
    families = means_and_intervals(at_rate, ["family", "slope"], "active_share")
    for family, style in zip(measured, cycle(DASHES), strict=False):
        line, low, high = (families.loc[family, end] for end in ("mean", "low", "high"))
        axes[0].fill_between(line.index, low, high, color=INK, alpha=0.2, linewidth=0)
        axes[0].plot(line.index, line, color=INK, linestyle=style, linewidth=1.6, label=FAMILIES[family].label)
    rates = means_and_intervals(table[table.family == "FastSigmoid"], ["rate", "slope"], "active_share")
    for value, style in zip(sorted(table.rate.unique()), cycle(DASHES), strict=False):
        line, low, high = (rates.loc[value, end] for end in ("mean", "low", "high"))
        axes[1].fill_between(line.index, low, high, color=INK, alpha=0.2, linewidth=0)
        axes[1].plot(line.index, line, color=INK, linestyle=style, linewidth=1.6, label=f"firing rate {value:g}")
    for ax, title in zip(axes, (f"all families, firing rate {rate:g}", FAMILIES["FastSigmoid"].label), strict=True):
        slope_axis(ax)
        ax.set(title=title, ylim=(0, 1.03))
        ax.legend()
    axes[0].set_ylabel("share with > 1 % of the peak")
    return axes
