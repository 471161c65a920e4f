"""Pictures of the surrogates: their curves, their widths, and the populations that they reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from snnsg_book.style import COLOURS, new_axes, slope_axis, slope_colour
from snnsg_book.style.families import FAMILY_NAMES
from snnsg_lib._checks import check_choice, check_number
from snnsg_lib.surrogates import ATan, FastSigmoid, Sigmoid, Surrogate, Triangular

INK, MUTED, PEOPLE, TRUTH = (COLOURS[name][0] for name in ("ink", "muted", "people", "truth"))
FAMILIES = (FastSigmoid, ATan, Sigmoid, Triangular)
U_LABEL = "membrane potential − threshold, u"


def _sample(surrogate: Surrogate, span: float) -> torch.Tensor:
    """Return values of u even over the picture and denser around 0, where a steep curve turns."""
    near = torch.sinh(torch.linspace(-4, 4, 61, dtype=torch.float64)) / (9 * float(surrogate.slope))
    u = torch.cat([torch.linspace(-span, span, 81, dtype=torch.float64), near])
    return u[u.abs() <= span].sort().values


def plot_surrogates(
    surrogates: Sequence[Surrogate],
    *,
    curve: str = "derivative",
    span: float = 2.0,
    fill: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw surrogates over u, coloured by slope and labelled with their number.

    Parameters
    ----------
    surrogates : sequence of Surrogate
        With numbers as slopes.
    curve : {"derivative", "primitive"}
        What the backward pass multiplies by, or the smooth function of which it is the derivative.
    span : float
        u runs from -span to span, in units of the membrane potential.
    fill : bool
        Fill the area under the curves.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.

    Returns
    -------
    Axes
    """
    check_choice("curve", curve, ("derivative", "primitive"))
    check_number("span", span, above=0.0)
    ax = new_axes()[1] if ax is None else ax
    for surrogate in surrogates:
        colour = slope_colour(float(surrogate.slope))
        u = _sample(surrogate, span)
        values = getattr(surrogate, curve)(u)
        ax.plot(u, values, color=colour, linewidth=2, label=f"k = {float(surrogate.slope):g}")
        if fill:
            ax.fill_between(u, values, color=colour, linewidth=0)
    ax.set(xlabel=U_LABEL, ylabel=f"surrogate {curve}", xlim=(-span, span))
    if curve == "derivative":
        ax.set_ylim(bottom=0)
        _label_slopes(ax, surrogates)
    else:
        ax.legend(loc="lower right", ncols=2)
    return ax


def _label_slopes(ax: Axes, surrogates: Sequence[Surrogate]) -> None:
    # Steep on top: the leaders run level from their curve to the column of labels, so they never cross one another.
    ordered = sorted(surrogates, key=lambda surrogate: float(surrogate.slope))
    right = ax.get_xlim()[1]
    for share, surrogate in zip(np.linspace(0.32, 0.92, len(ordered) + 1)[1:], ordered, strict=True):
        u = torch.linspace(0, right, 4001, dtype=torch.float64)
        values = surrogate.derivative(u)
        height = share * float(values[0])
        edge = float(u[int((values >= height).sum()) - 1])
        ax.plot([edge, 0.8 * right], [height, height], color=MUTED, linewidth=0.5)
        ax.text(0.82 * right, height, f"k = {float(surrogate.slope):g}", va="center", fontsize=9, color=INK)


def plot_spike(surrogate: Surrogate, *, span: float = 1.0, ax: Axes | None = None) -> Axes:
    """Draw the hard step of the forward pass and the smooth stand-in of the backward pass, scaled to rise by one.

    Parameters
    ----------
    surrogate : Surrogate
        Its normalisation does not matter here.
    span : float
        u runs from -span to span.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    u = _sample(surrogate, span)
    smooth = type(surrogate)(surrogate.slope, normalization="area").primitive(u)
    ax.plot([-span, 0, 0, span], [0, 0, 1, 1], color=TRUTH, linewidth=1)
    ax.plot(u, 0.5 + smooth, color=slope_colour(float(surrogate.slope)), linewidth=2.5)
    ax.text(-0.04 * span, 0.96, "hard step", ha="right", va="top", color=MUTED)
    name = FAMILY_NAMES[type(surrogate).__name__]
    ax.text(span, 0.3, f"{name}\nk = {float(surrogate.slope):g}", ha="right", va="top", color=MUTED)
    ax.set(xlabel="u", ylabel="spike", xlim=(-span, span))
    return ax


def plot_population(
    surrogate: Surrogate, mean: float, std: float, reach: float, *, span: float = 2.0, ax: Axes | None = None
) -> Axes:
    """Draw a normal population of membrane potentials; the part within `reach` of the threshold has the slope's colour.

    Parameters
    ----------
    surrogate : Surrogate
        Gives the colour.
    mean, std : float
        Of u = membrane potential - threshold.
    reach : float
        Distance |u| within which a gradient is counted as there.
    span : float
        u runs from -span to span.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    u = np.linspace(-span, span, 161)
    inside = np.linspace(max(-reach, -span), min(reach, span), 81)
    colour = slope_colour(float(surrogate.slope))
    for part, fill in ((u, PEOPLE), (inside, colour)):
        ax.fill_between(part, np.exp(-0.5 * ((part - mean) / std) ** 2), color=fill, linewidth=0)
    ax.axvspan(inside[0], inside[-1], color=colour, alpha=0.2, linewidth=0)
    ax.axvline(0, color=MUTED, linestyle=":", linewidth=1.2)
    ax.set(xlabel=U_LABEL, ylabel="neurons", yticks=[], xlim=(-span, span), ylim=(0, 1.1))
    return ax


def plot_slope_widths(slopes: Sequence[float], *, normalization: str = "peak", axes: Any = None) -> Any:
    """Draw width and height of the four families against the slope: steep is narrow, and tall if the area is kept.

    Parameters
    ----------
    slopes : sequence of float
        Each > 0, ascending.
    normalization : {"peak", "area"}
        What stays 1 when the slope changes.
    axes : array of two Axes, optional
        Half-width left, peak right; a new wide figure if not given.

    Returns
    -------
    array of two Axes
    """
    axes = new_axes("wide", columns=2)[1] if axes is None else axes
    for family, style in zip(FAMILIES, ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 1.5, 1.5, 1.5))), strict=True):
        surrogates = [family(slope, normalization=normalization) for slope in slopes]
        name = FAMILY_NAMES[family.__name__]
        peaks = [float(surrogate.derivative(torch.zeros(()))) for surrogate in surrogates]
        widths = [float(surrogate.half_width()) for surrogate in surrogates]
        for ax, values in zip(axes, (widths, peaks), strict=True):
            ax.plot(slopes, values, color=INK, linestyle=style, linewidth=1.6, label=name)
    for ax, label in zip(axes, ("half-width in u", "peak of the derivative"), strict=True):
        slope_axis(ax)
        ax.set(ylabel=label, yscale="log")
    axes[0].legend()
    return axes
