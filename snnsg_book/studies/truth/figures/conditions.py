"""Pictures of how long surrogate gradients are beside the true one, and of where else the picture holds."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from snnsg_book.style import DASHES, INK, MUTED, TRUTH, means_and_intervals, new_axes, slope_colour, slope_panel
from snnsg_lib.surrogates import FAMILIES

from ..stages import cosine, known, typical_cosine, typical_length

if TYPE_CHECKING:
    import pandas as pd

MAIN = "FastSigmoid"  # the family of the main condition
# title: (condition, column, what the main condition has there in words, {value: in words})
PANELS: dict[str, tuple[str, str, str, dict[Any, str]]] = {
    "surrogate": ("family", "family", FAMILIES[MAIN].label, {}),  # all others that were measured
    "reset": ("reset", "reset", "detached", {"attached": "through the reset"}),
    "hidden layers": ("depth", "depth", "4", {2: "2", 8: "8"}),
    "time steps": ("steps", "num_steps", "8", {4: "4", 16: "16"}),
    "firing rate": ("rate", "rate", "0.15", {0.05: "0.05", 0.4: "0.4"}),
    "escape noise": ("noise", "family", "none", {name: f"5, {FAMILIES[name].label}" for name in (MAIN, "Sigmoid")}),
}
STYLES: tuple[Any, ...] = ("--", ":", "-.", *DASHES[4:])


def plot_lengths(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how long the mean surrogate gradient is beside the truth, against the slope, one panel per hidden layer.

    Dots: fast sigmoid of area 1, over seeds with 95 % intervals. Dashed: the same with a peak of 1, which multiplies
    the gradient by 2 / k for each layer that it passes.

    Parameters
    ----------
    table : DataFrame
        `truth`, one condition with the fast sigmoid and a detached reset, one stage and depth.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    layers = sorted(table.layer.unique())
    axes = new_axes("wide", columns=len(layers), sharey=True)[1] if axes is None else axes
    lengths = typical_length(table, by=("layer", "slope")).set_index(["layer", "slope"])
    for ax, layer in zip(axes, layers, strict=True):
        found = lengths.loc[layer]
        found = found[found["mean"] > 0]
        ax.axhline(1, color=TRUTH, linewidth=1)
        ax.fill_between(found.index, found.low.clip(lower=1e-6), found.high, color=MUTED, alpha=0.2, linewidth=0)
        ax.plot(found.index, found["mean"], color=MUTED, linewidth=1, label="area 1")
        ax.scatter(found.index, found["mean"], color=[slope_colour(k) for k in found.index], s=16, zorder=3)
        passed = table.depth.iloc[0] - layer
        ax.plot(found.index, found["mean"] * (2 / found.index) ** passed, color=MUTED, linestyle="--", label="peak 1")
        slope_panel(ax, f"layer {layer}" + (", first hidden" if layer == 0 else ""))
    axes[0].set(yscale="log", ylim=(2e-6, 80), ylabel="length / true length")
    axes[0].yaxis.set_minor_locator(NullLocator())
    axes[0].legend(loc="lower left", handlelength=1.8)
    return axes


def plot_truth_conditions(
    table: pd.DataFrame,
    main: pd.DataFrame,
    batch: float = 64,
    layer: int = 0,
    *,
    axes: np.ndarray | None = None,
) -> np.ndarray:
    """Draw the cosine with the true gradient against the slope, with one thing changed in each panel.

    Parameters
    ----------
    table : DataFrame
        `truth_conditions`, one stage; a panel for each kind of change in it.
    main : DataFrame
        `truth`, the main condition and the same stage: the solid line.
    batch : float
        Examples in a batch; infinite for the bias alone.
    layer : int
        Hidden layer, 0 the first; from the last one down if negative.
    axes : array of Axes, optional
        One per panel; a new figure with three in a row if not given.
    """
    panels = {title: kind for title, kind in PANELS.items() if (table.condition == kind[0]).any()}
    if axes is None:
        rows = (len(panels) + 2) // 3
        figure, grid = new_axes(
            "wide", rows, 3, sharex=True, sharey=True, squeeze=False, figsize=(9.0, 0.6 + 2.5 * rows)
        )
        axes = grid.flatten()
        for ax in axes[len(panels) :]:
            figure.delaxes(ax)
        axes = axes[: len(panels)]
    main = main[main.seed.isin(table.seed.unique())]
    for ax, (title, (condition, column, usual, others)) in zip(axes, panels.items(), strict=True):
        rows = table[table.condition == condition]
        _line(ax, main, batch, layer, usual, "-")
        others = others or {name: family.label for name, family in FAMILIES.items() if name != MAIN}
        for (value, name), style in zip(others.items(), cycle(STYLES), strict=False):
            _line(ax, rows[rows[column] == value], batch, layer, name, style)
        slope_panel(ax, title)
        ax.legend(loc="lower left" if np.isinf(batch) else "upper right", handlelength=2.2, borderpad=0.1)
    axes[0].set(ylim=(-0.05, 1.05))
    for ax in axes[::3]:
        ax.set_ylabel("cosine with the truth")
    for ax in axes[:-3]:
        ax.set_xlabel("")
    return axes


def _line(ax: Axes, table: pd.DataFrame, batch: float, layer: int, name: str, style: Any) -> None:
    table = known(table)
    table = table[table.layer == (layer if layer >= 0 else table.depth + layer)]
    if table.empty:
        return
    if np.isinf(batch):
        line = typical_cosine(table, by=("layer", "slope")).set_index("slope")
    else:
        line = means_and_intervals(table.assign(cosine=cosine(table, batch)), ["slope"], "cosine")
    ax.fill_between(line.index, line.low, line.high, color=MUTED, alpha=0.15, linewidth=0)
    ax.plot(line.index, line["mean"], color=INK, linestyle=style, linewidth=1.4, label=name)
