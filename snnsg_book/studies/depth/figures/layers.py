"""Pictures of gradients in depth: their size in each layer, and the conditions that change it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import COLOURS, FLOOR_GREY, SLOPE_TICKS, new_axes, slope_axis, slope_colour, summary
from snnsg_book.style.families import FAMILY_NAMES
from snnsg_lib._checks import check_choice

if TYPE_CHECKING:
    import pandas as pd

INK, MUTED, TRUTH = (COLOURS[name][0] for name in ("ink", "muted", "truth"))
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
    values = summary(table[table.slope.isin(slopes)], ["slope", "layer"], column)
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


def plot_layer_bars(layers: Sequence[Any], slope: float, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw size, active share and cosine of each layer as bars with intervals, at one slope.

    Parameters
    ----------
    layers : sequence
        One per layer with `norm` (log10, over the output layer's), `share` and `cosine`, each (mean, low, high), and
        `floor`, as from `DepthExplorer.layers`.
    slope : float
        Gives the colour.
    axes : array of three Axes, optional
        One above the other; a new column-wide figure if not given.
    """
    axes = new_axes(rows=3, figsize=(6.4, 5.4), sharex=True, height_ratios=[5, 2, 3])[1] if axes is None else axes
    places = np.arange(len(layers))
    axes[2].bar(places, [max(layer.floor, 0) for layer in layers], width=0.9, color=FLOOR_GREY)
    for ax, name in zip(axes, ("norm", "share", "cosine"), strict=True):
        mean, low, high = np.array([getattr(layer, name) for layer in layers]).T
        ax.bar(places, mean, width=0.7, color=slope_colour(slope))
        ax.vlines(places, low, high, color=INK, linewidth=1)
    axes[0].axhline(0, color=COLOURS["axis"][0], linewidth=0.8)
    axes[0].set_ylabel("log10 of the norm\nover the output's")
    axes[1].set(ylabel="active share", ylim=(0, 1.05))
    axes[2].set(ylabel="cosine, k = 100", ylim=(-0.1, 1.05), xlabel="layer (0: first hidden)")
    axes[2].text(1, 1.02, "grey: noise floor", transform=axes[2].transAxes, ha="right", fontsize=9, color=MUTED)
    last = len(layers) - 1
    every = max(1, last // 8)
    ticks = [*range(0, last - every + 1, every), last]
    axes[2].set_xticks(ticks, [str(tick) if tick < last else "output" for tick in ticks])
    return axes


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
    base = {"depth": 4, "num_steps": 20, "rate": 0.15, "detach_reset": True, "normalization": "peak"}
    titles = {"depth": "hidden layers", "num_steps": "time steps", "rate": "firing rate"}
    for ax, (condition, title) in zip(axes, titles.items(), strict=True):
        rows = table
        for name, value in base.items():
            rows = rows if name == condition else rows[rows[name] == value]
        first = _relative_to_output(rows) if column == "norm" else rows[rows.layer == 0]
        values = summary(first, ["slope", condition], column)
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


def _relative_to_output(rows: pd.DataFrame) -> pd.DataFrame:
    last = rows.groupby(["depth", "num_steps", "rate", "seed", "slope"])["norm"].transform("last")
    return rows.assign(norm=rows.norm / last)[rows.layer == 0]


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
    styles = ("-", (0, (5, 2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
    families = summary(table[table.rate == rate], ["family", "slope"], "active_share")
    for family, style in zip(FAMILY_NAMES, styles, strict=True):
        line, low, high = (families.loc[family, end] for end in ("mean", "low", "high"))
        axes[0].fill_between(line.index, low, high, color=INK, alpha=0.2, linewidth=0)
        axes[0].plot(line.index, line, color=INK, linestyle=style, linewidth=1.6, label=FAMILY_NAMES[family])
    rates = summary(table[table.family == "FastSigmoid"], ["rate", "slope"], "active_share")
    for value, style in zip(sorted(table.rate.unique()), styles, strict=True):
        line, low, high = (rates.loc[value, end] for end in ("mean", "low", "high"))
        axes[1].fill_between(line.index, low, high, color=INK, alpha=0.2, linewidth=0)
        axes[1].plot(line.index, line, color=INK, linestyle=style, linewidth=1.6, label=f"firing rate {value:g}")
    for ax, title in zip(axes, (f"four families, firing rate {rate:g}", "fast sigmoid"), strict=True):
        slope_axis(ax)
        ax.set(title=title, ylim=(0, 1.03))
        ax.legend()
    axes[0].set_ylabel("share with > 1 % of the peak")
    return axes
