"""Pictures of where the gradient points: seen from the k = 100 gradient, from itself, and from the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D

from snnsg_book.style import COLOURS, FLOOR_GREY, new_axes, slope_axis, slope_colour, summary

if TYPE_CHECKING:
    import pandas as pd

INK, MUTED, TRUTH = (COLOURS[name][0] for name in ("ink", "muted", "truth"))


def plot_cosines(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the cosine with the k = 100 gradient against the slope, one panel per hidden layer, over the noise floor.

    The floor is the cosine between the k = 100 gradients of two batches: so little does the reference agree
    with itself.

    Parameters
    ----------
    table : DataFrame
        `direction`, one set-up.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    axes, layers = _layer_panels(sorted(table.layer.unique())[:-1], axes)
    cosine = summary(table, ["layer", "slope"], "cosine")
    floor = summary(table[table.slope == table.slope.max()], ["layer"], "reliability")
    for ax, layer in zip(axes, layers, strict=True):
        line = cosine.loc[layer]
        ax.axhspan(0, max(floor.loc[layer, "high"], 0.012), color=FLOOR_GREY, alpha=0.7, linewidth=0)
        ax.fill_between(line.index, line.low, line.high, color=MUTED, alpha=0.2, linewidth=0)
        ax.plot(line.index, line["mean"], color=MUTED, linewidth=1)
        ax.scatter(line.index, line["mean"], color=[slope_colour(k) for k in line.index], s=16, zorder=3)
        place = floor.loc[layer, "high"]
        ax.text(95, place + 0.02, "noise floor", ha="right", va="bottom", fontsize=9, color=MUTED)
    axes[0].set(ylabel="cosine with the k = 100 gradient", ylim=(-0.03, 1.04))
    return axes


def plot_bias_and_variance(
    table: pd.DataFrame, noise_free: pd.DataFrame, *, axes: np.ndarray | None = None
) -> np.ndarray:
    """Draw bias and variance apart, one panel per hidden layer, against the slope.

    Parameters
    ----------
    table : DataFrame
        `direction`, one set-up: the reliability (cosine between two batches) is the solid coloured line.
    noise_free : DataFrame
        Of the same set-up, from `experiments.direction.noise_free_cosine`: thin line.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    axes, layers = _layer_panels(sorted(table.layer.unique())[:-1], axes)
    reliability = summary(table, ["layer", "slope"], "reliability")
    for ax, layer in zip(axes, layers, strict=True):
        line = reliability.loc[layer]
        ax.fill_between(line.index, line.low, line.high, color=MUTED, alpha=0.2, linewidth=0)
        ax.plot(line.index, line["mean"], color=MUTED, linewidth=1)
        ax.scatter(line.index, line["mean"], color=[slope_colour(k) for k in line.index], s=16, zorder=3)
        free = noise_free[noise_free.layer == layer].set_index("slope")
        ax.fill_between(free.index, free.low, free.high, color=TRUTH, alpha=0.12, linewidth=0)
        ax.plot(free.index, free["mean"], color=TRUTH, linewidth=1.2)
    axes[0].set(ylabel="cosine", ylim=(-0.03, 1.04))
    names = (("expected, with\nk = 100", TRUTH, ""), ("two batches,\nsame slope", MUTED, "o"))
    handles = [Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2) for _, colour, marker in names]
    axes[0].legend(handles, [name for name, _, _ in names], loc=(0.02, 0.42), handlelength=1.2)
    return axes


def plot_decrease(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how far a step of one layer lowers the loss, against the slope of its gradient, one panel per hidden layer.

    Parameters
    ----------
    table : DataFrame
        `downhill`.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    axes, layers = _layer_panels(sorted(table.layer.unique()), axes)
    values = summary(table, ["layer", "slope"], "decrease")
    for ax, layer in zip(axes, layers, strict=True):
        line = values.loc[layer]
        ax.axhline(0, color=TRUTH, linewidth=0.8)
        ax.vlines(line.index, line.low, line.high, color=[slope_colour(k) for k in line.index], linewidth=1.6)
        ax.plot(line.index, line["mean"], color=MUTED, linewidth=1)
        ax.scatter(line.index, line["mean"], color=[slope_colour(k) for k in line.index], s=18, zorder=3)
    axes[0].set_ylabel("fall of the loss (nats)")
    return axes


def _layer_panels(layers: list[int], axes: np.ndarray | None) -> tuple[np.ndarray, list[int]]:
    axes = new_axes("wide", columns=len(layers), sharey=True)[1] if axes is None else axes
    for ax, layer in zip(axes, layers, strict=True):
        slope_axis(ax)
        ax.set_xticks((1, 5, 25, 100), ("1", "5", "25", "100"))
        ax.set_title(f"layer {layer}" + (", first hidden" if layer == 0 else ""))
    return axes, layers
