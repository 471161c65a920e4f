"""Pictures beside the talk's published Figure 1: exponents over the flossing steps, and the plateau."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnsg_book.style import ACCENT, INK, MUTED, TRUTH, legend_below, new_axes

from .lines import middles

if TYPE_CHECKING:
    import pandas as pd

FORMS = {"fast sigmoid": (0, (2, 1.5)), "arctangent": "-", "tanh": (0, (6, 2))}
# sharpness: (largest exponent as drawn, step at which it is zero, last step shown); read by eye from the figure
PUBLISHED = {0.5: (-0.22, 10, 60), 1.0: (-0.49, 110, 500)}
COUNTS = {1: "o", 16: "s", 32: "^"}


def plot_published_figure(table: pd.DataFrame, *, axes: np.ndarray | None = None) -> np.ndarray:
    """Draw the largest exponent over the flossing steps at both sharpnesses, and the spectra after flossing.

    Parameters
    ----------
    table : DataFrame
        `flossing_figure`. Interquartile mean over seeds with 95 % interval; stars: beginning and arrival as published.
        Right: the arctangent of sharpness 1, untouched (small dots) and with 1, 16 and 32 exponents flossed.
    axes : array of 3 Axes, optional
        A new wide figure if not given.
    """
    axes = new_axes("wide", columns=3)[1] if axes is None else axes
    for ax, (sharpness, (begin, arrival, last)) in zip(axes, PUBLISHED.items(), strict=False):
        cell = table[(table.sharpness == sharpness) & (table.num_exponents == 1) & (table["index"] <= last)]
        lines = middles(cell[cell.measure == "epochs"], ["form", "index"], "value")
        ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        for form, style in FORMS.items():
            line = lines.loc[form]
            ax.fill_between(line.index, line.low, line.high, color=INK, alpha=0.15, linewidth=0)
            ax.plot(line.index, line.middle, color=INK, linestyle=style, linewidth=1.6, label=form)
        ax.plot([0, arrival], [begin, 0], "*", color=ACCENT, markersize=11, clip_on=False, label="as published")
        ax.set(xlabel="flossing step", title=f"sharpness {sharpness:g}")
    axes[0].set_ylabel("largest exponent λ₁, per step")
    chosen = table[(table.form == "arctangent") & (table.sharpness == 1)]
    axes[2].axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
    before = middles(chosen[(chosen.measure == "before") & (chosen.num_exponents == 1)], ["index"], "value").middle
    axes[2].plot(before.index, before, ".", color=TRUTH, markersize=2)
    for count, marker in COUNTS.items():
        flossed = chosen[(chosen.measure == "after") & (chosen.num_exponents == count)]
        after = middles(flossed, ["index"], "value").middle
        look = {"color": ACCENT, "markersize": 3.5, "markerfacecolor": ACCENT if count == 1 else "none"}
        axes[2].plot(after.index, after, marker, label=f"{count} flossed", **look)
    axes[2].set(xlabel="exponent, the largest first", title="after 500 steps")
    axes[2].legend(loc="lower left", handletextpad=0.1)
    legend_below(axes[0])
    return axes
