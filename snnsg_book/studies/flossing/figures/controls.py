"""Pictures of what else may explain flossing: larger weights, memory, and the literature's own test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import ACCENT, INK, MUTED, legend_below, new_axes

from .lines import middles, solved_shares
from .tasks import ARMS, SHARE, TASKS

if TYPE_CHECKING:
    import pandas as pd

MEMORY = {
    ("xor", "first"): "XOR, delay 24: first bit",
    ("xor", "both"): "XOR, delay 24: XOR",
    ("copy", "first"): "copy, delay 80: bit",
}
GAINS = {"none": 1, "gain 2": 2, "gain": 4, "gain 8": 8}


def plot_memory(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how well a bit can be read off the state of untrained networks, over the steps of a trial.

    Parameters
    ----------
    table : DataFrame
        `flossing_memory`. Interquartile mean over seeds with 95 % interval; grey: while bits are shown.
    axes : array of 3 Axes, optional
        For `MEMORY`; a new wide figure if not given.
    """
    axes = new_axes("wide", columns=3, sharey=True)[1] if axes is None else axes
    for ax, ((task, column), title) in zip(axes, MEMORY.items(), strict=True):
        rows = table[table.task == task]
        for begin in (0,) if task == "copy" else (0, rows.delay.iloc[0] // 2):
            ax.axvspan(begin, begin + 3, color=MUTED, alpha=0.2, linewidth=0)
        ax.axhline(0.5, color=MUTED, linestyle=":", linewidth=1)
        for arm in ("none", "before", "gain"):
            line = middles(rows[rows.arm == arm], ["step"], column)
            look = {name: value for name, value in ARMS[arm].items() if name != "marker"}
            ax.fill_between(line.index, line.low, line.high, color=look["color"], alpha=0.15, linewidth=0)
            ax.plot(line.index, line["middle"], linewidth=1.6, **look)
        ax.set(xlabel="step of the trial", title=title)
    axes[0].set_ylabel("trials that a probe gets right")
    legend_below(axes[0])
    return axes


def plot_larger_weights(runs: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how many networks solve the task against the factor on the recurrent weights, one panel per task and delay.

    Parameters
    ----------
    runs : DataFrame
        From `of_runs`, of `flossing_tasks` and `flossing_controls` together, one slope, learning rate and number of
        steps. Share of networks with its exact 95 % interval; the band is that of flossing before training.
    axes : array of Axes, optional
        One per task and delay; a new wide figure if not given.
    """
    cells = sorted(set(zip(runs.task, runs.delay, strict=True)))
    axes = new_axes("wide", columns=len(cells), sharey=True, squeeze=False)[1][0] if axes is None else axes
    for ax, (task, delay) in zip(axes, cells, strict=True):
        rows = runs[(runs.task == task) & (runs.delay == delay)]
        flossed = solved_shares(rows[rows.arm == "before"], ["arm"]).iloc[0]
        ax.axhspan(flossed.low, flossed.high, color=ACCENT, alpha=0.2, linewidth=0)
        ax.axhline(flossed["middle"], color=ACCENT, linewidth=1.4, label="flossed before")
        larger = rows[rows.arm.isin(GAINS)]
        line = solved_shares(larger.assign(factor=larger.arm.map(GAINS)), ["factor"])
        ax.vlines(line.index, line.low, line.high, color=INK, linewidth=1.2)
        ax.plot(line.index, line["middle"], color=INK, marker="s", linestyle="--", label="not flossed, weights larger")
        ax.set_xscale("log", base=2)
        ax.set_xticks(list(GAINS.values()), [f"{gain}" for gain in GAINS.values()])
        ax.set(xlabel="weights times", title=f"{TASKS[task]}, delay {delay}", ylim=(-0.02, 1.02))
    axes[0].set_ylabel(SHARE)
    legend_below(axes[0])
    return axes


def plot_published_test(table: pd.DataFrame, delay: int = 18, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw final accuracy against the delay, and accuracy and gradient over the training steps of one delay.

    Parameters
    ----------
    table : DataFrame
        `flossing_published`. Interquartile mean over seeds with 95 % interval; thin: single runs. Open squares:
        networks without flossing after as many gradient steps as the flossed ones.
    delay : int
        Whose training is drawn.
    axes : array of 3 Axes, optional
        A new wide figure if not given.
    """
    axes = new_axes("wide", columns=3)[1] if axes is None else axes
    looks = {"none": ARMS["none"], "flossed": ARMS["before"] | {"label": "flossed before and during"}}
    for arm, look in looks.items():
        rows = table[table.arm == arm]
        published = rows[rows.trained == rows.epochs].drop_duplicates(["delay", "seed"], keep="last")
        line = middles(published, ["delay"], "accuracy")
        axes[0].vlines(line.index, line.low, line.high, color=look["color"], linewidth=1.2)
        axes[0].plot(line.index, line["middle"], linewidth=1.4, markersize=5, **look)
        thin = {"color": look["color"], "linewidth": 0.6, "alpha": 0.5}
        one = rows[(rows.delay == delay) & (rows.trained <= rows.epochs)]
        for ax, column in zip(axes[1:], ("accuracy", "log_gradient"), strict=True):
            for _, run in one.groupby("seed"):
                ax.plot(run.trained, run[column], **thin)
            middle = middles(one, ["trained"], column).middle
            ax.plot(middle.index, middle, color=look["color"], linestyle=look["linestyle"], linewidth=1.8)
    longer = table[table.arm == "none"].sort_values("step").drop_duplicates(["delay", "seed"], keep="last")
    line = middles(longer, ["delay"], "accuracy")
    axes[0].scatter(line.index + 0.4, line["middle"], marker="s", s=26, facecolors="none", edgecolors=MUTED)
    axes[0].set(xlabel="delay, steps", ylabel="final accuracy", xticks=line.index, ylim=(0.45, 1.02))
    axes[1].set(xlabel="training step", ylabel="accuracy", title=f"delay {delay}", ylim=(0.45, 1.02))
    axes[2].set(xlabel="training step", ylabel="ln |dL/dh₀|", title=f"delay {delay}")
    legend_below(axes[0])
    return axes


def plot_stream_memory(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how well a bit of some steps ago can be read off untrained binary networks, flossed or not.

    Parameters
    ----------
    table : DataFrame
        `flossing_stream`. Interquartile mean over seeds with 95 % interval.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    looks = {
        "none": ARMS["none"],
        "flossed 1": ARMS["before"] | {"linestyle": "--", "label": "1 exponent flossed"},
        "flossed 75": ARMS["before"] | {"label": "75 exponents flossed"},
    }
    ax.axhline(0.5, color=MUTED, linestyle=":", linewidth=1)
    for arm, look in looks.items():
        line = middles(table[table.arm == arm], ["lag"], "right")
        ax.vlines(line.index, line.low, line.high, color=look["color"], linewidth=1.2)
        ax.plot(line.index, line["middle"], linewidth=1.6, markersize=4, **look)
    ax.set(xlabel="steps since the bit", ylabel="bits that a probe gets right")
    ax.legend(loc="upper right")
    return ax
