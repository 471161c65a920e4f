"""Pictures of the surrogates: their curves and their widths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from snnsg_book.style import DASHES, INK, MUTED, new_axes, slope_axis, slope_colour
from snnsg_lib.checks import check_choice, check_number
from snnsg_lib.surrogates import FAMILIES, Surrogate

U_LABEL = "membrane potential − threshold, u"


def _slope_of(surrogate: Surrogate) -> float:
    slope = surrogate.slope
    return float(slope.detach() if isinstance(slope, torch.Tensor) else slope)


def _sample(surrogate: Surrogate, span: float) -> torch.Tensor:
    """Return values of u even over the picture and denser around 0, where a steep curve turns."""
    near = torch.sinh(torch.linspace(-4, 4, 61, dtype=torch.float64)) / (9 * _slope_of(surrogate))
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
        colour = slope_colour(_slope_of(surrogate))
        u = _sample(surrogate, span)
        values = getattr(surrogate, curve)(u).detach()
        ax.plot(u, values, color=colour, linewidth=2, label=f"k = {_slope_of(surrogate):g}")
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
    ordered = sorted(surrogates, key=lambda surrogate: _slope_of(surrogate))
    right = ax.get_xlim()[1]
    for share, surrogate in zip(np.linspace(0.32, 0.92, len(ordered) + 1)[1:], ordered, strict=True):
        u = torch.linspace(0, right, 4001, dtype=torch.float64)
        values = surrogate.derivative(u).detach()
        height = share * float(values[0])
        edge = float(u[int((values >= height).sum()) - 1])
        ax.plot([edge, 0.8 * right], [height, height], color=MUTED, linewidth=0.5)
        ax.text(0.82 * right, height, f"k = {_slope_of(surrogate):g}", va="center", fontsize=9, color=INK)


def plot_slope_widths(slopes: Sequence[float], *, normalization: str = "peak", axes: Any = None) -> Any:
    """Draw width and height of each family against the slope: steep is narrow, and tall if the area is kept.

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
    for family, style in zip(FAMILIES.values(), cycle(DASHES), strict=False):
        surrogates = [family(slope, normalization=normalization) for slope in slopes]
        peaks = [float(surrogate.derivative(torch.zeros(()))) for surrogate in surrogates]
        widths = [float(surrogate.half_width()) for surrogate in surrogates]
        for ax, values in zip(axes, (widths, peaks), strict=True):
            ax.plot(slopes, values, color=INK, linestyle=style, linewidth=1.6, label=family.label)
    for ax, label in zip(axes, ("half-width in u", "peak of the derivative"), strict=True):
        slope_axis(ax)
        ax.set(ylabel=label, yscale="log")
    axes[0].legend()
    return axes
