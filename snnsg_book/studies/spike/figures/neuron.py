"""A spiking neuron in time: input current, membrane potential, spikes, and the gradient on its way back."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from snnsg_book.style import COLOURS, new_axes, slope_colour

INK, MUTED, AXIS = (COLOURS[name][0] for name in ("ink", "muted", "axis"))
GRADIENT_FLOOR = 1e-3


def plot_neuron(
    current: ArrayLike,
    mem: ArrayLike,
    spk: ArrayLike,
    gradient: ArrayLike,
    *,
    threshold: float = 1.0,
    slope: float = 25.0,
    cutoff: float = 0.01,
    axes: Any = None,
) -> Any:
    """Draw a neuron over its time steps: input current on top, potential and spikes, surrogate gradient below.

    Parameters
    ----------
    current, mem, spk : array_like, (num_steps,)
        Input current, membrane potential and spikes.
    gradient : array_like, (num_steps,)
        Derivative of the loss with respect to the current of each step; its size is drawn, on a logarithmic axis.
    threshold : float
        Drawn as a dotted rule.
    slope : float
        Gives the colour of the gradient.
    cutoff : float
        Gradients up to this size are drawn faint, as too small to matter.
    axes : array of three Axes, optional
        From top to bottom; a new figure if not given.

    Returns
    -------
    array of three Axes
    """
    if axes is None:
        axes = new_axes(rows=3, sharex=True, figsize=(6.4, 4.8), height_ratios=[1, 2, 2])[1]
    levels = np.asarray(current, dtype=float)
    steps = np.arange(1, len(levels) + 1)
    axes[0].step(steps, levels, where="mid", color=MUTED, linewidth=1.4)
    axes[0].set(ylabel="current")
    _draw_membrane(axes[1], steps, np.asarray(mem, dtype=float), np.asarray(spk), threshold)
    _draw_gradient(axes[2], steps, np.abs(np.asarray(gradient, dtype=float)), slope_colour(slope), cutoff)
    axes[2].set(xlabel="time step", xlim=(0.5, len(levels) + 0.5))
    return axes


def _draw_membrane(ax: Axes, steps: np.ndarray, mem: np.ndarray, spk: np.ndarray, threshold: float) -> None:
    top = 1.1 * max(mem.max(), threshold)
    ax.plot(steps, mem, color=INK, linewidth=1.6)
    ax.axhline(threshold, color=MUTED, linestyle=":", linewidth=1.2)
    ax.text(1, threshold, "threshold", color=MUTED, fontsize=9, va="bottom")
    ax.vlines(steps[spk > 0], 1.04 * top, 1.2 * top, color=INK, linewidth=2)
    ax.set(ylabel="potential", ylim=(min(0, 1.1 * mem.min()), 1.24 * top))


def _draw_gradient(ax: Axes, steps: np.ndarray, size: np.ndarray, colour: str, cutoff: float) -> None:
    edges = np.append(steps - 0.5, steps[-1] + 0.5)
    for part, alpha in ((size > cutoff, 1.0), (size <= cutoff, 0.35)):
        heights = np.where(part, np.maximum(size, GRADIENT_FLOOR), GRADIENT_FLOOR)
        ax.stairs(heights, edges, baseline=GRADIENT_FLOOR, fill=True, color=colour, alpha=alpha, linewidth=0)
    ax.axhline(cutoff, color=MUTED, linestyle=":", linewidth=1.2)
    ax.text(1, cutoff, f"{100 * cutoff:g} % of the peak", color=MUTED, fontsize=9, va="bottom")
    ax.set(yscale="log", ylabel="gradient", ylim=(GRADIENT_FLOOR, max(10, 1.1 * size.max())))
    ax.minorticks_off()
