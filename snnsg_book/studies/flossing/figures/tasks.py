"""Pictures of what flossing is worth: how many networks solve a task, with it and with what may explain it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnsg_book.style import ACCENT, INK, MUTED, legend_below, new_axes, slope_colour

from ..tasks import THRESHOLD
from .lines import middles, solved_shares

if TYPE_CHECKING:
    import pandas as pd

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
TASKS = {"copy": "copy", "xor": "XOR"}
SHARE = "networks above 90 %"


def plot_training(
    table: pd.DataFrame, arms: Sequence[str], column: str = "solved", *, axes: np.ndarray | None = None
) -> np.ndarray:
    """Draw how many networks solve the task, or their largest exponent, over the gradient steps; a line per arm.

    Parameters
    ----------
    table : DataFrame
        `flossing_tasks`, one slope and learning rate.
    arms : sequence of str
        Which arms.
    column : str
        ``"solved"``: share of networks that are right in 90 % of the trials, with its exact 95 % interval;
        ``"exponent"`` or ``"rate"``: interquartile mean over seeds with 95 % interval.
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
            of_arm = rows[rows.arm == arm].assign(solved=lambda some: some.accuracy >= THRESHOLD)
            line = solved_shares(of_arm, ["step"]) if column == "solved" else middles(of_arm, ["step"], column)
            ax.fill_between(line.index, line.low, line.high, color=look["color"], alpha=0.15, linewidth=0)
            ax.plot(line.index, line["middle"], linewidth=1.6, **look)
        ax.set(xlabel="gradient step", title=f"{TASKS[task]}, delay {delay}")
    names = {"solved": SHARE, "exponent": "largest exponent, per step", "rate": "spikes per neuron and step"}
    axes[0].set_ylabel(names[column])
    legend_below(axes[0])
    return axes


def plot_delays(runs: pd.DataFrame, arms: Sequence[str], *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how many networks solve the task against the delay, one panel per task, one line per arm.

    Parameters
    ----------
    runs : DataFrame
        From `of_runs`, one slope and learning rate. Share of networks with its exact 95 % interval.
    arms : sequence of str
        Which arms.
    axes : array of Axes, optional
        One per task; a new wide figure if not given.
    """
    tasks = [task for task in TASKS if (runs.task == task).any()]
    axes = new_axes("wide", columns=len(tasks), sharey=True, squeeze=False)[1][0] if axes is None else axes
    for ax, task in zip(axes, tasks, strict=True):
        for arm in arms:
            line = solved_shares(runs[(runs.task == task) & (runs.arm == arm)], ["delay"])
            ax.vlines(line.index, line.low, line.high, color=ARMS[arm]["color"], linewidth=1.2)
            ax.plot(line.index, line["middle"], linewidth=1.4, markersize=5, **ARMS[arm])
        ax.set(xlabel="delay, steps", title=TASKS[task], ylim=(-0.02, 1.02))
    axes[0].set_ylabel(SHARE)
    legend_below(axes[0])
    return axes


def plot_arms_and_rates(runs: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how many networks of every arm solve the task; open dots have the second learning rate.

    Parameters
    ----------
    runs : DataFrame
        From `of_runs`, one slope. Share of networks with its exact 95 % interval.
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
            dots = solved_shares(rows[rows.learning_rate == rate], ["arm"])
            rows_at = np.array([arms.index(arm) for arm in dots.index]) - 0.22 * place
            colours = [ARMS[arm]["color"] for arm in dots.index]
            ax.hlines(rows_at, dots.low, dots.high, color=colours, linewidth=1.4)
            faces = colours if place == 0 else ["white"] * len(colours)
            ax.scatter(dots["middle"], rows_at, s=30, facecolors=faces, edgecolors=colours, zorder=3)
        ax.set_yticks(range(len(arms)), [ARMS[arm]["label"] for arm in arms])
        ax.set(title=f"{TASKS[task]}, delay {delay}", xlabel=SHARE, xlim=(-0.02, 1.02))
        ax.grid(axis="x")
    return axes
