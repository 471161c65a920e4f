"""The visual language in code: colours, slope map, sizes and Matplotlib settings.

The explorers hold the same colours as CSS variables of the same names (``--snnsg-ink`` for ``ink``);
a test compares the two.
"""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap, LogNorm, to_hex
from matplotlib.figure import Figure

from snnsg_lib.checks import check_choice, check_number

# name: (on a light page, on a dark page)
COLOURS = {
    "ink": ("#1c2127", "#e6eaee"),
    "truth": ("#000000", "#ffffff"),
    "muted": ("#59626d", "#a6b0bb"),
    "grid": ("#e3e7eb", "#30363d"),
    "axis": ("#868f99", "#78828d"),
    "people": ("#c3cad2", "#4b545e"),
    "accent": ("#b4530a", "#f2a65a"),
    "fixed": ("#6b6259", "#b0a597"),
    "interval": ("#a3561b", "#e29a5f"),
    "adaptive": ("#8c2f1b", "#f0785a"),
}
# The same on a light page, for figures; a dark page is painted by its own rules.
INK, TRUTH, MUTED, AXIS, PEOPLE, ACCENT = (
    COLOURS[name][0] for name in ("ink", "truth", "muted", "axis", "people", "accent")
)
# Line styles carry the schedule; the colours are neutral and warm, so that none is taken for a slope.
SCHEDULES = {
    "fixed": {"color": COLOURS["fixed"][0], "linestyle": "-", "linewidth": 1.4},
    "interval": {"color": COLOURS["interval"][0], "linestyle": "--", "linewidth": 1.6},
    "adaptive": {"color": COLOURS["adaptive"][0], "linestyle": "-", "linewidth": 2.4, "marker": "o", "markersize": 4},
}
# Surrogate families differ in their dashes alone, as the colour is the slope's; after the last one they begin anew.
DASHES: tuple[Any, ...] = (
    "-", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 1.5, 1.5, 1.5)),
    (0, (1, 1)), (0, (10, 3)), (0, (7, 1.5, 1.5, 1.5, 1.5, 1.5)), (0, (3, 1, 1, 1)),
)  # fmt: skip
SLOPE_TICKS = (1, 2, 5, 10, 25, 50, 100)
SIZES = {"column": (6.4, 3.6), "wide": (9.0, 3.6)}

RC = {
    "figure.figsize": SIZES["column"],
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.edgecolor": AXIS,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=[INK, ACCENT, MUTED]),
    "grid.color": COLOURS["grid"][0],
    "grid.linewidth": 0.8,
    "font.size": 10,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial"],
    "text.color": INK,
    "xtick.color": AXIS,
    "ytick.color": AXIS,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 2,
    "savefig.transparent": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "snnsg",
}


def use_style() -> None:
    """Apply the book's Matplotlib settings to this session; in a notebook, also draw figures as SVG."""
    mpl.rcParams.update(RC)
    if "inline" in mpl.get_backend():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")


def new_axes(size: str = "column", rows: int = 1, columns: int = 1, **options: Any) -> tuple[Figure, Any]:
    """Return a figure in one of the two sizes and its axes, in the book's style.

    Parameters
    ----------
    size : {"column", "wide"}
        6.4 x 3.6 in or 9 x 3.6 in.
    rows, columns : int
        Grid of axes; an array of Axes comes back unless both are 1.
    **options
        Passed to `matplotlib.pyplot.subplots`, for example `sharex` or a `figsize` with another height.
    """
    options.setdefault("figsize", SIZES[check_choice("size", size, tuple(SIZES))])
    with mpl.rc_context(RC):
        return plt.subplots(rows, columns, **options)


def slope_colormap(dark: bool = False) -> Colormap:
    """Sequential map for log k: viridis cut to .1-.9 on a light page, to .3-1 on a dark one; shallow is dark violet."""
    low, high = (0.3, 1.0) if dark else (0.1, 0.9)
    return ListedColormap(mpl.colormaps["viridis"](np.linspace(low, high, 256)), name="slope")


def slope_norm() -> LogNorm:
    """Norm that places the slopes 1..100 on `slope_colormap`, for colour bars and images."""
    return LogNorm(1, 100)


def slope_colour(slope: float, dark: bool = False) -> str:
    """Colour of a slope as ``#rrggbb``; slopes outside 1..100 take the colour of the nearer end.

    Raises
    ------
    TypeError, ValueError
        If `slope` is not a finite number > 0.
    """
    place = np.clip(np.log10(check_number("slope", slope, above=0.0)) / 2, 0, 1)
    low, high = (0.3, 1.0) if dark else (0.1, 0.9)
    return to_hex(mpl.colormaps["viridis"](low + (high - low) * place))


def slope_axis(ax: Axes, axis: str = "x", label: str = "slope k") -> None:
    """Make one axis of `ax` the slope axis: logarithmic, ticks at 1, 2, 5, 10, 25, 50, 100."""
    check_choice("axis", axis, ("x", "y"))
    getattr(ax, f"set_{axis}scale")("log")
    getattr(ax, f"set_{axis}ticks")(SLOPE_TICKS, [str(k) for k in SLOPE_TICKS])
    getattr(ax, f"set_{axis}ticks")([], minor=True)
    getattr(ax, f"set_{axis}label")(label)
