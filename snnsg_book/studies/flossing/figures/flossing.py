"""Pictures of exponents that predict gradients, and of flossed spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import (
    ACCENT,
    INK,
    MUTED,
    TRUTH,
    new_axes,
    slope_axis,
    slope_colour,
)

from ..gradient import predicted
from .lines import middles

if TYPE_CHECKING:
    import pandas as pd

STAGES = {"untrained": "untrained", "during": "during training", "trained": "after training"}
PUSHES = {"apart": "push 0.1", "apart 0.01": "push 0.01", "apart 0.001": "push 0.001"}


def plot_exponents_and_gradients(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw ln |dL/dh_0| against exponent times duration, one dot per network, one panel per stage of training.

    Parameters
    ----------
    table : DataFrame
        `lyapunov_gradient`. The thin line has slope 1 and runs through the median of the dots.
    axes : array of Axes, optional
        One per stage; a new wide figure if not given.
    """
    stages = [stage for stage in STAGES if (table.stage == stage).any()]
    axes = (
        new_axes("wide", columns=len(stages), sharex=True, sharey=True, squeeze=False)[1][0] if axes is None else axes
    )
    for ax, stage in zip(axes, stages, strict=True):
        rows = table[table.stage == stage]
        growth = predicted(rows)
        offset = (rows.log_gradient - growth).median()
        ends = np.array([growth.min(), growth.max()])
        ax.plot(ends, ends + offset, color=TRUTH, linewidth=1)
        for slope, dots in rows.groupby("slope"):
            place = growth[dots.index]
            ax.scatter(place, dots.log_gradient, s=8, color=slope_colour(float(slope)), label=f"k = {slope:g}")
        ax.set(xlabel="λ₁ T", title=STAGES[stage])
    axes[0].set_ylabel("ln |dL/dh₀|")
    axes[0].legend(loc="upper left", handletextpad=0.1, markerscale=1.6)
    return axes


def plot_flossing(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the largest exponent over the flossing steps, one line per slope; dashed where the weights are larger.

    Parameters
    ----------
    table : DataFrame
        `flossing_spectra`; the networks with one flossed exponent. Interquartile mean over seeds with 95 % interval.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    rows = table[(table.measure == "epochs") & (table.num_exponents == 1)]
    lines = middles(rows, ["gain", "slope", "index"], "value")
    for gain, slope in lines.index.droplevel("index").unique():
        line = lines.loc[(gain, slope)]
        name = f"k = {slope:g}" + (f", weights × {gain:g}" if gain != 1 else "")
        colour = slope_colour(float(slope))
        ax.fill_between(line.index, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(
            line.index, line["middle"], color=colour, linestyle="-" if gain == 1 else "--", linewidth=1.6, label=name
        )
    ax.set(xlabel="flossing step", ylabel="largest exponent λ₁, per step")
    ax.legend(loc="lower right")
    return ax


def plot_flossed_spectra(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the spectra before (grey) and after flossing, one panel for each number of flossed exponents.

    Parameters
    ----------
    table : DataFrame
        `flossing_spectra`; the networks of slope 5 and gain 1. Interquartile mean over seeds; the band shows those that
        are flossed.
    axes : array of Axes, optional
        One per number of exponents; a new wide figure if not given.
    """
    rows = table[(table.measure == "spectrum") & (table.slope == 5) & (table.gain == 1)]
    counts = sorted(rows.num_exponents.unique())
    axes = new_axes("wide", columns=len(counts), sharey=True, squeeze=False)[1][0] if axes is None else axes
    for ax, count in zip(axes, counts, strict=True):
        spectra = middles(rows[rows.num_exponents == count], ["stage", "index"], "value").middle
        ax.axvspan(0.5, count + 0.5, color=ACCENT, alpha=0.12, linewidth=0)
        ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        for stage, colour in (("before", MUTED), ("after", ACCENT)):
            ax.plot(spectra[stage].index, spectra[stage], "o", color=colour, markersize=3, label=stage)
        ax.set(xlabel="exponent, the largest first", title=f"{count} flossed" if count > 1 else "one flossed")
    axes[0].set_ylabel("exponent per step")
    axes[0].legend(loc="lower left", handletextpad=0.1, markerscale=1.6)
    return axes


def plot_tangent_and_network(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw what becomes of a push: by the surrogate's tangents, in the network itself, and by the size of the push.

    Parameters
    ----------
    table : DataFrame
        `flossing_spectra`; the networks of slope 5, gain 1 and one flossed exponent. Interquartile mean over seeds with
        95 % interval, left and middle of the logarithm; right solid before flossing, dashed after it.
    axes : array of 3 Axes, optional
        A new wide figure if not given.
    """
    axes = new_axes("wide", columns=3)[1] if axes is None else axes
    rows = table[(table.slope == 5) & (table.gain == 1) & (table.num_exponents == 1)]
    titles = {"tangent": "as the surrogate has it", "network": "a push of 0.1, in spikes"}
    for ax, (measure, title) in zip(axes, titles.items(), strict=False):
        chosen = rows[rows.measure == measure]
        lines = middles(chosen.assign(value=np.log(chosen.value) if measure == "network" else chosen.value),
                        ["stage", "index"], "value")  # fmt: skip
        ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        for stage, colour in (("before", MUTED), ("after", ACCENT)):
            line = lines.loc[stage]
            ax.fill_between(line.index, line.low, line.high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(line.index, line["middle"], color=colour, linewidth=1.6, label=f"{stage} flossing")
        ax.set(xlabel="time step", title=title)
    axes[1].sharey(axes[0])
    axes[0].set_ylabel("ln of size, over that at the start")
    axes[0].legend(loc="lower left")
    for shade, (measure, name) in zip((1.0, 0.6, 0.35), PUSHES.items(), strict=True):
        lines = middles(rows[rows.measure == measure], ["stage", "index"], "value")
        for stage, style in (("before", "-"), ("after", "--")):
            look = {"color": INK, "alpha": shade, "linestyle": style, "linewidth": 1.6}
            axes[2].plot(lines.loc[stage].index, 100 * lines.loc[stage]["middle"], label=name, **look)
    handles, labels = axes[2].get_legend_handles_labels()
    axes[2].legend(handles[::2], labels[::2], loc="center right", bbox_to_anchor=(1.0, 0.7))
    axes[2].set(xlabel="time step", title="pairs still apart, %", ylim=(0, 104))
    return axes


def plot_exponent_and_slope(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the largest exponent of untrained networks against the slope, one line per gain.

    Parameters
    ----------
    table : DataFrame
        `lyapunov_slopes`. Interquartile mean over seeds with 95 % interval; rings mark the median slope at which it is
        0.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    found = table.found.astype(bool)
    lines = middles(table[~found], ["gain", "slope"], "exponent")
    styles: Mapping[float, str] = {0.5: ":", 1.0: "-", 2.0: "-.", 4.0: "--"}
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    for gain in lines.index.unique("gain"):
        line = lines.loc[gain]
        ax.fill_between(line.index, line.low, line.high, color=INK, alpha=0.12, linewidth=0)
        ax.plot(line.index, line["middle"], color=INK, linestyle=styles[gain], linewidth=1.4, label=f"gain {gain:g}")
        roots = table[found & (table.gain == gain) & (table.exponent.abs() < 0.01)]
        if len(roots):
            ax.scatter(roots.slope.median(), 0, s=42, facecolor="white", edgecolor=INK, zorder=4)
    slope_axis(ax)
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 25, 100)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set(ylabel="largest exponent λ₁, per step")
    ax.legend(loc="upper right", handlelength=2.4)
    return ax
