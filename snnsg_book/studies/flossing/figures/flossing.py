"""Pictures of exponents that predict gradients, of flossed spectra, and of what flossing is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import COLOURS, legend_below, new_axes, slope_axis, slope_colour, summary

if TYPE_CHECKING:
    import pandas as pd

INK, MUTED, TRUTH, ACCENT = (COLOURS[name][0] for name in ("ink", "muted", "truth", "accent"))
STAGES = {"untrained": "untrained", "during": "during training", "trained": "after training"}
ARMS: dict[str, dict[str, Any]] = {  # the look of each arm, and its name
    "none": {"color": MUTED, "linestyle": ":", "marker": "o", "label": "no flossing"},
    "before": {"color": ACCENT, "linestyle": "-", "marker": "o", "label": "flossed before"},
    "during": {"color": ACCENT, "linestyle": "--", "marker": "^", "label": "flossed during"},
    "both": {"color": ACCENT, "linestyle": "-.", "marker": "D", "label": "flossed before and during"},
    "gain": {"color": INK, "linestyle": "--", "marker": "s", "label": "weights × 4"},
    "gain and floss": {"color": INK, "linestyle": "-.", "marker": "v", "label": "weights × 4, flossed"},
    "slope": {"color": slope_colour(1.0), "linestyle": "-", "marker": "o", "label": "slope without growth"},
    "rate": {"color": INK, "linestyle": ":", "marker": "P", "label": "firing rate as flossed"},
}
PUSHES = {"apart": "push 0.1", "apart 0.01": "push 0.01", "apart 0.001": "push 0.001"}
TASKS = {"copy": "copy", "xor": "XOR"}


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
        growth = rows.exponent * rows.duration
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
        `flossing_spectra`; the networks with one flossed exponent. Mean over seeds with 95 % interval.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    rows = table[(table.measure == "epochs") & (table.num_exponents == 1)]
    lines = summary(rows, ["gain", "slope", "index"], "value")
    for gain, slope in lines.index.droplevel("index").unique():
        line = lines.loc[(gain, slope)]
        name = f"k = {slope:g}" + (f", weights × {gain:g}" if gain != 1 else "")
        colour = slope_colour(float(slope))
        ax.fill_between(line.index, line.low, line.high, color=colour, alpha=0.15, linewidth=0)
        ax.plot(line.index, line["mean"], color=colour, linestyle="-" if gain == 1 else "--", linewidth=1.6, label=name)
    ax.set(xlabel="flossing step", ylabel="largest exponent λ₁, per step")
    ax.legend(loc="lower right")
    return ax


def plot_flossed_spectra(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the spectra before (grey) and after flossing, one panel for each number of flossed exponents.

    Parameters
    ----------
    table : DataFrame
        `flossing_spectra`; the networks of slope 5 and gain 1. Mean over seeds; the band shows those that are flossed.
    axes : array of Axes, optional
        One per number of exponents; a new wide figure if not given.
    """
    rows = table[(table.measure == "spectrum") & (table.slope == 5) & (table.gain == 1)]
    counts = sorted(rows.num_exponents.unique())
    axes = new_axes("wide", columns=len(counts), sharey=True, squeeze=False)[1][0] if axes is None else axes
    for ax, count in zip(axes, counts, strict=True):
        means = rows[rows.num_exponents == count].groupby(["stage", "index"]).value.mean()
        ax.axvspan(0.5, count + 0.5, color=ACCENT, alpha=0.12, linewidth=0)
        ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        for stage, colour in (("before", MUTED), ("after", ACCENT)):
            ax.plot(means[stage].index, means[stage], "o", color=colour, markersize=3, label=stage)
        ax.set(xlabel="exponent, the largest first", title=f"{count} flossed" if count > 1 else "one flossed")
    axes[0].set_ylabel("exponent per step")
    axes[0].legend(loc="lower left", handletextpad=0.1, markerscale=1.6)
    return axes


def plot_tangent_and_network(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw what becomes of a push: by the surrogate's tangents, in the network itself, and by the size of the push.

    Parameters
    ----------
    table : DataFrame
        `flossing_spectra`; the networks of slope 5, gain 1 and one flossed exponent. Mean over seeds with 95 %
        interval, left and middle of the logarithm; right solid before flossing, dashed after it.
    axes : array of 3 Axes, optional
        A new wide figure if not given.
    """
    axes = new_axes("wide", columns=3)[1] if axes is None else axes
    rows = table[(table.slope == 5) & (table.gain == 1) & (table.num_exponents == 1)]
    titles = {"tangent": "as the surrogate has it", "network": "a push of 0.1, in spikes"}
    for ax, (measure, title) in zip(axes, titles.items(), strict=False):
        chosen = rows[rows.measure == measure]
        lines = summary(chosen.assign(value=np.log(chosen.value) if measure == "network" else chosen.value),
                        ["stage", "index"], "value")  # fmt: skip
        ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        for stage, colour in (("before", MUTED), ("after", ACCENT)):
            line = lines.loc[stage]
            ax.fill_between(line.index, line.low, line.high, color=colour, alpha=0.2, linewidth=0)
            ax.plot(line.index, line["mean"], color=colour, linewidth=1.6, label=f"{stage} flossing")
        ax.set(xlabel="time step", title=title)
    axes[1].sharey(axes[0])
    axes[0].set_ylabel("ln of size, over that at the start")
    axes[0].legend(loc="lower left")
    for shade, (measure, name) in zip((1.0, 0.6, 0.35), PUSHES.items(), strict=True):
        lines = summary(rows[rows.measure == measure], ["stage", "index"], "value")
        for stage, style in (("before", "-"), ("after", "--")):
            look = {"color": INK, "alpha": shade, "linestyle": style, "linewidth": 1.6}
            axes[2].plot(lines.loc[stage].index, 100 * lines.loc[stage]["mean"], label=name, **look)
    handles, labels = axes[2].get_legend_handles_labels()
    axes[2].legend(handles[::2], labels[::2], loc="center right", bbox_to_anchor=(1.0, 0.7))
    axes[2].set(xlabel="time step", title="pairs still apart, %", ylim=(0, 104))
    return axes


def plot_training(
    table: pd.DataFrame, arms: Sequence[str], column: str = "accuracy", *, axes: np.ndarray | None = None
) -> np.ndarray:
    """Draw accuracy (or the largest exponent) over the gradient steps, one panel per task and delay, a line per arm.

    Parameters
    ----------
    table : DataFrame
        `flossing_tasks`, one slope and learning rate. Mean over seeds with 95 % interval.
    arms : sequence of str
        Which arms.
    column : str
        ``"accuracy"``, ``"exponent"`` or ``"rate"``.
    axes : array of Axes, optional
        One per task and delay; a new wide figure if not given.
    """
    cells = sorted(set(zip(table.task, table.delay, strict=True)))
    axes = new_axes("wide", columns=len(cells), sharey=True, squeeze=False)[1][0] if axes is None else axes
    for ax, (task, delay) in zip(axes, cells, strict=True):
        rows = table[(table.task == task) & (table.delay == delay)]
        if column == "exponent":
            ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        for arm in arms:
            look = {name: value for name, value in ARMS[arm].items() if name != "marker"}
            line = summary(rows[rows.arm == arm], ["step"], column)
            ax.fill_between(line.index, line.low, line.high, color=look["color"], alpha=0.15, linewidth=0)
            ax.plot(line.index, line["mean"], linewidth=1.6, **look)
        ax.set(xlabel="gradient step", title=f"{TASKS[task]}, delay {delay}")
    names = {"accuracy": "accuracy", "exponent": "largest exponent, per step", "rate": "spikes per neuron and step"}
    axes[0].set_ylabel(names[column])
    legend_below(axes[0])
    return axes


def plot_delays(runs: pd.DataFrame, arms: Sequence[str], *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the final accuracy against the delay, one panel per task, one line per arm.

    Parameters
    ----------
    runs : DataFrame
        From `of_runs`, one slope and learning rate. Mean over seeds with 95 % interval.
    arms : sequence of str
        Which arms.
    axes : array of Axes, optional
        One per task; a new wide figure if not given.
    """
    tasks = [task for task in TASKS if (runs.task == task).any()]
    axes = new_axes("wide", columns=len(tasks), sharey=True, squeeze=False)[1][0] if axes is None else axes
    for ax, task in zip(axes, tasks, strict=True):
        ax.axhline(0.5, color=MUTED, linestyle=":", linewidth=1)
        for arm in arms:
            line = summary(runs[(runs.task == task) & (runs.arm == arm)], ["delay"], "accuracy")
            ax.vlines(line.index, line.low, line.high, color=ARMS[arm]["color"], linewidth=1.2)
            ax.plot(line.index, line["mean"], linewidth=1.4, markersize=5, **ARMS[arm])
        ax.set(xlabel="delay, steps", title=TASKS[task], ylim=(0.45, 1.02))
    axes[0].set_ylabel("final accuracy")
    legend_below(axes[0])
    return axes


def plot_arms_and_rates(runs: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the final accuracy of every arm, one panel per task and delay; open dots have the second learning rate.

    Parameters
    ----------
    runs : DataFrame
        From `of_runs`, one slope. Mean over seeds with 95 % interval.
    axes : array of Axes, optional
        One per task and delay; a new wide figure if not given.
    """
    cells = sorted(set(zip(runs.task, runs.delay, strict=True)))
    arms = [arm for arm in ARMS if (runs.arm == arm).any()][::-1]
    if axes is None:
        shared = {"sharex": True, "sharey": True, "squeeze": False}
        axes = new_axes("wide", 1, len(cells), figsize=(9.0, 4.2), **shared)[1][0]
    for ax, (task, delay) in zip(axes, cells, strict=True):
        rows = runs[(runs.task == task) & (runs.delay == delay)]
        for place, rate in enumerate(sorted(rows.learning_rate.unique())):
            dots = summary(rows[rows.learning_rate == rate], ["arm"], "accuracy")
            rows_at = np.array([arms.index(arm) for arm in dots.index]) - 0.22 * place
            colours = [ARMS[arm]["color"] for arm in dots.index]
            ax.hlines(rows_at, dots.low, dots.high, color=colours, linewidth=1.4)
            faces = colours if place == 0 else ["white"] * len(colours)
            ax.scatter(dots["mean"], rows_at, s=30, facecolors=faces, edgecolors=colours, zorder=3)
        ax.set_yticks(range(len(arms)), [ARMS[arm]["label"] for arm in arms])
        ax.set(title=f"{TASKS[task]}, delay {delay}", xlabel="final accuracy", xlim=(0.45, 1.02))
        ax.grid(axis="x")
    return axes


def plot_exponent_and_slope(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the largest exponent of untrained networks against the slope, one line per gain.

    Parameters
    ----------
    table : DataFrame
        `lyapunov_slopes`. Mean over seeds with 95 % interval; rings mark the median slope at which it is 0.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    found = table.found.astype(bool)
    lines = summary(table[~found], ["gain", "slope"], "exponent")
    styles: Mapping[float, str] = {0.5: ":", 1.0: "-", 2.0: "-.", 4.0: "--"}
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    for gain in lines.index.unique("gain"):
        line = lines.loc[gain]
        ax.fill_between(line.index, line.low, line.high, color=INK, alpha=0.12, linewidth=0)
        ax.plot(line.index, line["mean"], color=INK, linestyle=styles[gain], linewidth=1.4, label=f"gain {gain:g}")
        roots = table[found & (table.gain == gain) & (table.exponent.abs() < 0.01)]
        if len(roots):
            ax.scatter(roots.slope.median(), 0, s=42, facecolor="white", edgecolor=INK, zorder=4)
    slope_axis(ax)
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 25, 100)
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set(ylabel="largest exponent λ₁, per step")
    ax.legend(loc="upper right", handlelength=2.4)
    return ax
