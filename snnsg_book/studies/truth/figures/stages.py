"""Pictures of surrogate gradients against the true gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from snnsg_book.style import COLOURS, new_axes, slope_axis, slope_colour, summary

from ..learning import PROFILE, best_rates
from ..stages import cosine, typical_cosine

if TYPE_CHECKING:
    import pandas as pd

INK, MUTED, TRUTH = (COLOURS[name][0] for name in ("ink", "muted", "truth"))
SHOWN = (1.0, 5.0, 25.0, 100.0)


def plot_truth(table: pd.DataFrame, batch: int = 64, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the cosine with the true gradient against the slope, one panel per hidden layer: bias and noise.

    The thin black line is the bias alone, the infinite batch over all seeds; the coloured dots are batches of
    `batch` examples. What lies between the two is noise.

    Parameters
    ----------
    table : DataFrame
        `truth`, one condition and stage.
    batch : int
        Examples in a batch.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    layers = sorted(table.layer.unique())
    axes = new_axes("wide", columns=len(layers), sharey=True)[1] if axes is None else axes
    dots = summary(table.assign(cosine=cosine(table, batch)), ["layer", "slope"], "cosine")
    bias = typical_cosine(table, by=("layer", "slope")).set_index(["layer", "slope"])
    for ax, layer in zip(axes, layers, strict=True):
        _slope_panel(ax, f"layer {layer}" + (", first hidden" if layer == 0 else ""))
        free = bias.loc[layer]
        ax.fill_between(free.index, free.low, free.high, color=MUTED, alpha=0.15, linewidth=0)
        ax.plot(free.index, free["mean"], color=TRUTH, linewidth=1.2)
        _dotted_line(ax, dots.loc[layer])
    axes[0].set(ylabel="cosine with the true gradient", ylim=(-0.03, 1.04))
    names = (("endless examples:\nbias alone", TRUTH, ""), (f"batches of {batch}:\nbias and noise", MUTED, "o"))
    handles = [Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2) for _, colour, marker in names]
    place = 0.2 if dots.loc[layers[-1], "low"].min() > 0.3 else 0.68  # below or above the dots
    names_only = [name for name, _, _ in names]
    axes[-1].legend(handles, names_only, loc="center", bbox_to_anchor=(0.5, place), handlelength=1.2)
    return axes


def plot_batches(
    table: pd.DataFrame, measured: pd.DataFrame, layers: Sequence[int] = (0, 3), *, axes: np.ndarray | None = None
) -> np.ndarray:
    """Draw the cosine with the true gradient against the batch size, one panel per layer, one line per slope.

    Parameters
    ----------
    table : DataFrame
        `truth`, one condition and stage: the lines, from mean and spread.
    measured : DataFrame
        `truth_batches`, the same stage: the dots, batch by batch.
    layers : sequence of int
        Hidden layers.
    axes : array of Axes, optional
        One per layer; a new wide figure if not given.
    """
    axes = new_axes("wide", columns=len(layers), sharey=True)[1] if axes is None else axes
    sizes = np.geomspace(1, 20_000, 25)
    table = table[table.seed.isin(measured.seed.unique())]
    for ax, layer in zip(axes, layers, strict=True):
        dots = summary(measured[measured.layer == layer], ["slope", "batch"], "cosine")
        for slope in SHOWN:
            rows = table[(table.layer == layer) & (table.slope == slope)]
            means = [cosine(rows, size).mean() for size in sizes]
            colour = slope_colour(slope)
            ax.plot(sizes, means, color=colour, linewidth=1.4, label=f"k = {slope:g}")
            points = dots.loc[slope]
            ax.vlines(points.index, points.low, points.high, color=colour, linewidth=1.4)
            ax.scatter(points.index, points["mean"], color=colour, s=18, zorder=3)
        ax.set(xscale="log", xlabel="examples in a batch")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_title(f"layer {layer}" + (", first hidden" if layer == 0 else ""))
    axes[0].set(ylabel="cosine with the true gradient", ylim=(-0.05, 1.05))
    axes[0].legend(loc="upper left")
    return axes


def plot_best_slopes(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw which slope points best, layer by layer, one panel per stage, one line per batch size.

    Parameters
    ----------
    table : DataFrame
        `truth`, one condition; the slope with the highest cosine on the average of the seeds.
    axes : array of Axes, optional
        One per stage; a new wide figure if not given.
    """
    stages = [stage for stage in ("untrained", "early", "trained") if (table.stage == stage).any()]
    axes = new_axes("wide", columns=len(stages), sharey=True)[1] if axes is None else axes
    styles = {10: ":", 100: "--", 1_000: "-.", 10_000: "-"}
    for ax, stage in zip(axes, stages, strict=True):
        rows = table[table.stage == stage]
        for batch, style in styles.items():
            means = cosine(rows, batch).groupby([rows.layer, rows.slope]).mean().unstack("slope")
            best = means.idxmax(axis=1)
            ax.plot(best.index, best, color=INK, linestyle=style, linewidth=1.2, label=f"{batch:,} examples")
            ax.scatter(best.index, best, color=[slope_colour(k) for k in best], s=26, zorder=3)
        slope_axis(ax, "y", "")
        ax.set(xlabel="layer (0: first hidden)", ylim=(0.85, 120))
        ax.set_xticks(sorted(rows.layer.unique()))
        ax.set_title(stage)
    axes[0].set_ylabel("slope that points best")
    axes[0].legend(loc="upper left", handlelength=2.6)
    return axes


def plot_matching(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the cosine of the exact mean surrogate gradient with the exact truth, one panel per hidden layer.

    Parameters
    ----------
    table : DataFrame
        `truth_noise`, one shape and family. One line per steepness kappa of the escape noise; an open ring marks
        k = kappa.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    layers = sorted(table.layer.unique())
    axes = new_axes("wide", columns=len(layers), sharey=True)[1] if axes is None else axes
    styles = {2.0: ":", 5.0: "--", 25.0: "-"}
    for ax, layer in zip(axes, layers, strict=True):
        _slope_panel(ax, f"layer {layer}" + {0: ", first hidden", layers[-1]: ", last hidden"}.get(layer, ""))
        for kappa, style in styles.items():
            rows = table[(table.layer == layer) & (table.kappa == kappa)]
            line = summary(rows, ["slope"], "cosine")
            ax.fill_between(line.index, line.low, line.high, color=MUTED, alpha=0.12, linewidth=0)
            ax.plot(line.index, line["mean"], color=INK, linestyle=style, linewidth=1.4, label=f"noise {kappa:g}")
            ax.scatter(kappa, line.loc[kappa, "mean"], s=42, facecolor="white", edgecolor=INK, zorder=4)
    axes[0].set(ylabel="cosine with the true gradient")
    axes[0].legend(loc="lower left", handlelength=2.4)
    return axes


def plot_plateau(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw how the true gradient depends on the step of the central differences, one panel per hidden layer.

    Parameters
    ----------
    table : DataFrame
        `truth_steps`, one stage: `cosine` with the truth of the study (solid), `length` over that at a step of 0.1
        (dashed), medians over seeds.
    axes : array of Axes, optional
        One per hidden layer; a new wide figure if not given.
    """
    layers = sorted(table.layer.unique())
    axes = new_axes("wide", columns=len(layers), sharey=True)[1] if axes is None else axes
    usual = table[table.step == 0.1].set_index(["seed", "layer"])["length"]
    keys = list(zip(table.seed, table.layer, strict=True))
    table = table.assign(ratio=table["length"] / usual.loc[keys].to_numpy())
    for ax, layer in zip(axes, layers, strict=True):
        medians = table[table.layer == layer].groupby("step")[["cosine", "ratio"]].median()
        ax.plot(medians.index, medians.cosine, color=INK, marker="o", markersize=4, linewidth=1.4, label="cosine")
        ax.plot(medians.index, medians.ratio, color=MUTED, linestyle="--", linewidth=1.4, label="relative length")
        ax.axvline(0.1, color=MUTED, linestyle=":", linewidth=1)
        ax.set(xscale="log", xlabel="step / weight", title=f"layer {layer}")
        ax.xaxis.set_minor_locator(NullLocator())
    axes[0].set(ylim=(0, 2.0), ylabel="against the step 0.1")
    axes[0].legend(loc="upper right", handlelength=1.8)
    return axes


def plot_learning(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the mean loss over training against the slope, each slope at its best learning rate.

    Parameters
    ----------
    table : DataFrame
        `truth_learning`. The dashed rule is the profile of slopes per layer.
    axes : array of Axes, (tasks, optimisers), optional
        A new wide figure if not given.
    """
    tasks = [task for task in ("teacher", "patterns") if (table.task == task).any()]
    rules = {"sgd": "plain SGD", "fixed length": "steps of fixed length", "adam": "Adam"}
    if axes is None:
        size = (9.0, 1.2 + 2.1 * len(tasks))
        axes = new_axes("wide", len(tasks), 3, sharex=True, sharey="row", squeeze=False, figsize=size)[1]
    best = best_rates(table)
    for row, task in zip(axes, tasks, strict=True):
        for ax, (rule, title) in zip(row, rules.items(), strict=True):
            rows = best[(best.task == task) & (best.optimizer == rule)]
            line = summary(rows[rows.slope != PROFILE], ["slope"], "loss")
            profile = summary(rows[rows.slope == PROFILE], ["slope"], "loss").iloc[0]
            _slope_panel(ax, title if task == tasks[0] else "")
            ax.axhspan(profile.low, profile.high, color=MUTED, alpha=0.12, linewidth=0)
            ax.axhline(profile["mean"], color=MUTED, linestyle="--", linewidth=1.2, label="profile")
            _dotted_line(ax, line)
            if task != tasks[-1]:
                ax.set_xlabel("")
        row[0].set_ylabel(f"{task}: mean loss (nats)")
    axes[0, 0].legend(loc="upper left")
    return axes


def _slope_panel(ax: Axes, title: str) -> None:
    slope_axis(ax)
    ax.set_xticks((1, 5, 25, 100), ("1", "5", "25", "100"))
    ax.set_title(title)


def _dotted_line(ax: Axes, line: pd.DataFrame) -> None:
    ax.fill_between(line.index, line.low, line.high, color=MUTED, alpha=0.2, linewidth=0)
    ax.plot(line.index, line["mean"], color=MUTED, linewidth=1)
    ax.scatter(line.index, line["mean"], color=[slope_colour(k) for k in line.index], s=16, zorder=3)
