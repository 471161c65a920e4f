"""Pictures of perturbations that grow or die: spectra of Lyapunov exponents, tangent vectors, orbits and gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from snnsg_book.style import ACCENT, INK, MUTED, TRUTH, new_axes, slope_axis, slope_colour

if TYPE_CHECKING:
    import pandas as pd

NEITHER = "0: neither grows nor dies"


def plot_lyapunov_spectrum(
    table: pd.DataFrame, *, uncoupled: tuple[float, float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw all exponents against their number, one row of dots per slope.

    Parameters
    ----------
    table : DataFrame
        Columns slope, m (1 for the leading exponent) and exponent (per step). Several rows of one slope and m, such as
        trials, are averaged.
    uncoupled : (float, float), optional
        ln beta and ln alpha: the spectrum of the same neurons without connections is drawn as a thin step.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    spectra = table.groupby(["slope", "m"])["exponent"].mean().unstack("m")
    count = spectra.shape[1]
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    if uncoupled is not None:
        levels = sorted(uncoupled, reverse=True)
        ax.stairs(levels, [0.5, count / 2 + 0.5, count + 0.5], baseline=None, color=TRUTH, linewidth=1)
        style: dict[str, Any] = {"textcoords": "offset points", "ha": "right", "fontsize": 9, "color": MUTED}
        ax.annotate("without coupling", (count + 0.5, levels[0]), (0, 4), **style)
    for slope, exponents in spectra.iterrows():
        ax.plot(exponents.index, exponents, "o", markersize=3, color=slope_colour(float(slope)), label=f"k = {slope:g}")
    if len(spectra) > 1:
        ax.legend(loc="lower left", markerscale=1.5, handletextpad=0.1)
    ax.set(xlabel="m, the largest first", ylabel="exponent per step", xlim=(0, count + 1))
    return ax


def plot_two_orbits(orbit: ArrayLike, other: ArrayLike, exponent: float, *, axes: Any = None) -> Any:
    """Draw an orbit in the plane, and how a second one that began beside it moves away.

    Parameters
    ----------
    orbit : array_like, (num_steps, 2)
        States at each step.
    other : array_like, (fewer_steps, 2)
        The second orbit, as long as the distance is to be drawn.
    exponent : float
        The leading one, per step; drawn as the slope of ln of the distance.
    axes : array of two Axes, optional
        A new wide figure if not given.
    """
    axes = new_axes("wide", columns=2)[1] if axes is None else axes
    first, second = np.asarray(orbit, dtype=float), np.asarray(other, dtype=float)
    distance = np.log(np.linalg.norm(first[: len(second)] - second, axis=1))
    axes[0].plot(*first.T, ".", color=INK, markersize=2)
    axes[0].set(xlabel="x", ylabel="y")
    axes[1].plot(distance, color=INK, linewidth=1.4)
    # Until the two are as far apart as the attractor lets them be.
    end = int(np.argmax(distance > -2)) or len(distance) - 1
    axes[1].plot([0, end], [distance[0], distance[0] + exponent * end], color=ACCENT, linewidth=1.6)
    axes[1].text(0.98, 0.06, f"slope {exponent:.2f}", transform=axes[1].transAxes, ha="right", color=ACCENT)
    axes[1].set(xlabel="step", ylabel="ln of the distance", xlim=(0, len(distance) - 1))
    return axes


def plot_gradients_over_time(
    norms: Mapping[float, ArrayLike], exponents: Mapping[float, float], ax: Axes | None = None
) -> Axes:
    """Draw the gradient of a late loss for each earlier input, and the straight line that the exponent predicts.

    Parameters
    ----------
    norms : mapping from slope k to array, (num_steps,)
        Norm of the gradient for the input of each step, first step first; the loss stands at the end.
    exponents : mapping from slope k to float
        The leading one, per step.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    for slope, values in norms.items():
        sizes = np.asarray(values, dtype=float)[::-1]
        back = np.arange(len(sizes))
        ax.plot(back, sizes, color=slope_colour(slope), linewidth=1.6)
        # The line has the slope alone from the exponent; its height is that of the curve. Rounding may leave zeros.
        there = sizes > 0
        height = np.mean(np.log(sizes[there]) - exponents[slope] * back[there])
        line = np.exp(height + exponents[slope] * back)
        ax.plot(back, line, color=TRUTH, linewidth=1, linestyle=(0, (4, 2)))
        ax.annotate(f"k = {slope:g}", (back[-1], line[-1]), (5, 0), textcoords="offset points", va="center", fontsize=9)
    ax.set(yscale="log", xlabel="steps before the loss", ylabel="norm of the gradient", xlim=(0, back[-1]))
    ax.minorticks_off()
    return ax


def plot_leading_exponents(
    table: pd.DataFrame, *, alone: float | None = None, gains: Sequence[float] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the leading exponent against the slope of the surrogate, one line per gain, with the range over networks.

    Parameters
    ----------
    table : DataFrame
        Columns slope, gain and exponent; several rows of one slope and gain are seeds.
    alone : float, optional
        Rate at which a neuron without connections forgets: a thin line.
    gains : sequence of float, optional
        Which gains of the table to draw; all if not given.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    shown = sorted(table.gain.unique()) if gains is None else list(gains)
    shades = np.linspace(0.8, 2.4, len(shown))
    ends = []
    for gain, width in zip(shown, shades, strict=True):
        values = table[table.gain == gain].groupby("slope")["exponent"].agg(["mean", "min", "max"])
        ax.fill_between(values.index, values["min"], values["max"], color=INK, alpha=0.2, linewidth=0)
        ax.plot(values.index, values["mean"], color=INK, linewidth=width)
        ends.append((values["mean"].iloc[0], f"g = {gain:g}"))
    for height, text in ends:
        ax.annotate(
            text, (values.index[0], height), (-6, 0), textcoords="offset points", ha="right", va="center", fontsize=9
        )
    ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    right = float(table.slope.max())
    ax.text(right, 0, NEITHER, color=MUTED, fontsize=9, va="bottom", ha="right")
    if alone is not None:
        ax.axhline(alone, color=TRUTH, linewidth=1)
        ax.text(right, alone, "a neuron alone", fontsize=9, va="top", ha="right")
    slope_axis(ax)
    ax.set(ylabel="leading exponent λ₁ per step", xlim=(0.55 * float(table.slope.min()), 1.05 * right))
    return ax
