"""Pictures of a spiking neuron that learns: the staircase of its loss, training curves, the error on its way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import COLOURS, new_axes
from snnsg_lib.statistics import iqm

INK, MUTED, ACCENT = (COLOURS[name][0] for name in ("ink", "muted", "accent"))


def plot_staircase(weights: Sequence[float], loss: Sequence[float], ax: Axes | None = None) -> Axes:
    """Draw a loss over one weight as treads, without joining them where the loss jumps.

    Parameters
    ----------
    weights, loss : sequence of float
        The loss at each weight, weights ascending.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    x, y = np.asarray(weights, dtype=float), np.asarray(loss, dtype=float)
    jumps = np.flatnonzero(np.diff(y)) + 1
    for tread in np.split(np.arange(len(y)), jumps):
        ax.plot(x[tread], y[tread], color=INK, linewidth=2, solid_capstyle="butt")
    ax.set(xlabel="weight w", ylabel="loss, (spikes − 6)²", xlim=(x[0], x[-1]))
    return ax


def plot_accuracy(runs: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """Draw training curves: each run thin, the interquartile mean of its group thick and labelled.

    Parameters
    ----------
    runs : mapping from label to array, (updates, runs)
        Accuracies in [0, 1].
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    for (label, accuracy), colour in zip(runs.items(), (INK, ACCENT, MUTED), strict=False):
        accuracy = np.asarray(accuracy)
        middle = iqm(accuracy, axis=1)
        ax.plot(accuracy, color=colour, alpha=0.25, linewidth=0.6)
        ax.plot(middle, color=colour, linewidth=2.2)
        ax.annotate(label, (len(middle) - 1, middle[-1]), (6, 0), textcoords="offset points", color=colour, va="center")
    ax.set(xlabel="update", ylabel="accuracy", ylim=(None, 1.02))
    return ax


def plot_bptt(
    mem: Sequence[float],
    spk: Sequence[float],
    through_spike: Sequence[float],
    through_leak: Sequence[float],
    *,
    threshold: float = 1.0,
    axes: np.ndarray | None = None,
) -> np.ndarray:
    """Draw one neuron unrolled in time: its potential above, below the error that arrives at each step by its two ways.

    Parameters
    ----------
    mem, spk : sequence of float, (num_steps,)
        Membrane potential and spikes.
    through_spike, through_leak : sequence of float, (num_steps,)
        The two terms of d loss / d mem[t]: from the spike of step t, and from the potential of step t + 1.
    threshold : float
        Drawn as a dotted rule.
    axes : array of two Axes, optional
        Potential above, error below; a new figure if not given.

    Returns
    -------
    array of two Axes
    """
    axes = new_axes(rows=2, sharex=True, figsize=(6.4, 4.8))[1] if axes is None else axes
    _draw_forward(axes[0], np.asarray(mem), np.asarray(spk), threshold)
    _draw_backward(axes[1], np.asarray(through_spike), np.asarray(through_leak))
    return axes


def _draw_forward(ax: Axes, mem: np.ndarray, spk: np.ndarray, threshold: float) -> None:
    steps = np.arange(len(mem))
    top = 1.25 * max(mem.max(), threshold)
    ax.plot(steps, mem, color=INK, marker="o", markersize=5)
    ax.vlines(steps[spk > 0], top, 1.12 * top, color=INK, linewidth=2.5)
    ax.axhline(threshold, color=MUTED, linestyle=":", linewidth=1.2)
    ax.text(-0.45, threshold, "threshold", color=MUTED, va="bottom", fontsize=9)
    ax.text(-0.45, 1.06 * top, "spikes", color=MUTED, va="center", fontsize=9)
    ax.set(ylabel="potential U[t]", ylim=(min(0, mem.min() * 1.1), 1.2 * top))


def _draw_backward(ax: Axes, through_spike: np.ndarray, through_leak: np.ndarray) -> None:
    steps, total = np.arange(len(through_spike)), through_spike + through_leak
    ax.bar(steps, through_leak, width=0.5, color=MUTED, alpha=0.45, label="what leaks back from the next step")
    ax.bar(
        steps, through_spike, width=0.5, bottom=through_leak, color=ACCENT, label="what this step's spike lets through"
    )
    # An arrow from the top of each bar to the step before: the leak takes its share of the sum.
    for step in steps[:-1]:
        ends = (step + 0.28, through_leak[step]), (step + 0.75, total[step + 1])
        ax.annotate("", *ends, arrowprops={"arrowstyle": "->", "color": MUTED, "linewidth": 1.2})
    ax.axhline(0, color=INK, linewidth=0.8)
    low, high = min(0.0, total.min()), max(0.0, total.max())
    room = 0.35 * (high - low)
    ax.set(xlabel="time step t", ylabel="error δ[t]", xticks=steps, ylim=(1.02 * low - room, 1.02 * high))
    ax.legend(loc="lower left", ncols=2)
