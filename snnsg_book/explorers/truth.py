"""Truth explorer: how far a surrogate gradient points from the true one, and how much of that is bias or noise."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure

from snnsg_book import load_results
from snnsg_book.style import COLOURS, slope_axis, slope_colour
from snnsg_lib.statistics import iqm

from .explorer import Choice, Explorer, Listed, Number, in_words, script

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
LAYERS = ("0", "1", "2", "3")
STAGES = ("untrained", "early", "trained")
INK, MUTED, TRUTH, PEOPLE = (COLOURS[name][0] for name in ("ink", "muted", "truth", "people"))


class Angles(NamedTuple):
    """Angles to the true gradient in degrees, 0 to 90."""

    bias: float  # of the infinite batch
    total: float  # of one batch


@lru_cache(maxsize=1)
def stored_cosines() -> dict[str, Any]:
    """What the explorer keeps of `truth`: for each stage, layer and slope the two parts of 1 / cosine^2.

    The first is that of the infinite batch, in thousandths; the second, over the number of examples, is added by noise.
    Interquartile means over the seeds.
    """
    table = load_results("truth")
    table = table[table.condition == "main"]
    along = table["product"] ** 2
    groups = [table.stage, table.layer, table.slope]
    bias = (table["signal"] / along).groupby(groups).apply(iqm).clip(lower=1)
    noise = (table["noise"] / along).groupby(groups).apply(iqm)
    slopes = sorted(table.slope.unique().tolist())

    def cell(stage: str, layer: int, slope: float) -> list[float]:
        return [round(1000 * bias[stage, layer, slope]), float(f"{noise[stage, layer, slope]:.3g}")]

    cells = {
        stage: [[cell(stage, layer, slope) for slope in slopes] for layer in range(len(LAYERS))] for stage in STAGES
    }
    return {"slopes": slopes, "cells": cells}


class TruthExplorer(Explorer):
    """Bias and noise of a surrogate gradient as angles to the true gradient: from stored runs, with and without kernel.

    Parameters
    ----------
    slope : float
        Slope k, 1..100; between the stored slopes values are interpolated on log k.
    batch : float
        Examples in a batch: 1, 2, 5, 10, ... 20,000.
    layer : {"0", "1", "2", "3"}
        Hidden layer, "0" the first.
    stage : {"untrained", "early", "trained"}
        When the gradient is taken.

    Examples
    --------
    >>> explorer = TruthExplorer(slope=100, batch=50)
    >>> explorer.angles().total > explorer.angles().bias
    True
    """

    _name = "truth"
    _esm = script("truth")

    slope = Number(50.0, 1, 100)
    batch = Listed(50.0, BATCHES)
    layer = Choice("0", LAYERS)
    stage = Choice("untrained", STAGES)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        super().__init__(**state)
        self.set_trait("table", stored_cosines())

    @property
    def page_state(self) -> dict[str, Any]:
        """Controls and the stored numbers."""
        return {**self.state, "table": stored_cosines()}

    def angles(self, slope: float | None = None) -> Angles:
        """Angles at the present slope, or at another one."""
        slope = self.slope if slope is None else slope
        slopes, cells = stored_cosines()["slopes"], stored_cosines()["cells"][self.stage][int(self.layer)]
        above = max(1, next(index for index, stored in enumerate(slopes) if stored >= slope))
        place = math.log(slope / slopes[above - 1]) / math.log(slopes[above] / slopes[above - 1])
        bias, noise = (
            math.exp((1 - place) * math.log(low) + place * math.log(high))
            for low, high in zip(cells[above - 1], cells[above], strict=True)
        )
        return Angles(_degrees(bias / 1000), _degrees(bias / 1000 + noise / self.batch))

    def best_slope(self) -> float:
        """The stored slope that points best in batches of this size."""
        return min(stored_cosines()["slopes"], key=lambda slope: self.angles(slope).total)

    def sentence(self) -> str:
        """Say how far the batch points from the truth, how much of it is bias, and which slope would do better."""
        bias, total = (_whole(angle) for angle in self.angles())
        best = self.best_slope()
        examples = "1 example" if self.batch == 1 else f"{int(self.batch):,} examples"
        return (
            f"At k = {in_words(self.slope, 3)} in layer {self.layer}, the gradient of {examples} points {total}° off"
            f" the truth. With endless examples it would be {bias}°: the bias. The rest is noise. For batches of this"
            f" size k = {in_words(best, 3)} points best, {_whole(self.angles(best).total)}° off."
        )

    def _draw(self) -> Figure:
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        plane, curve = figure.subplots(1, 2, width_ratios=[1, 1.15])
        self._draw_plane(plane)
        self._draw_curve(curve)
        return figure

    def _draw_plane(self, ax: Axes) -> None:
        bias, total = self.angles()
        colour = slope_colour(self.slope)
        for start, stop, shade, alpha in ((0, bias, PEOPLE, 0.6), (bias, total, colour, 0.2)):
            sweep = np.radians(np.linspace(start, stop, 40))
            ax.fill([0, *0.8 * np.cos(sweep)], [0, *0.8 * np.sin(sweep)], color=shade, alpha=alpha, linewidth=0)
        for angle, name, line in ((0, "truth", TRUTH), (bias, "endless examples", INK), (total, "one batch", colour)):
            tip = (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
            ax.annotate("", tip, (0, 0), arrowprops={"arrowstyle": "-|>", "color": line, "shrinkA": 0, "shrinkB": 0})
            ax.text(1.05 * tip[0], 1.05 * tip[1], f"{name} {_whole(angle)}°" if angle else name, fontsize=9, color=INK)
        ax.set(xlim=(-0.05, 1.5), ylim=(-0.05, 1.2), aspect="equal")
        ax.axis("off")

    def _draw_curve(self, ax: Axes) -> None:
        slopes = np.geomspace(1, 100, 61)
        angles = [self.angles(slope) for slope in slopes]
        slope_axis(ax)
        ax.plot(slopes, [angle.total for angle in angles], color=MUTED, linewidth=1.4)
        ax.plot(slopes, [angle.bias for angle in angles], color=TRUTH, linewidth=1)
        ax.scatter([self.slope] * 2, self.angles(), color=slope_colour(self.slope), s=36, zorder=3)
        ax.set(ylim=(92, -2), yticks=(0, 30, 60, 90), ylabel="degrees off the truth")


def _degrees(inverse: float) -> float:
    """Angle whose 1 / cosine^2 is `inverse`; rounding may leave it just below 1."""
    return math.degrees(math.acos(max(1.0, inverse) ** -0.5))


def _whole(value: float) -> int:
    # Halves go up, as in the page's script.
    return math.floor(value + 0.5)
