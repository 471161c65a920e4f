"""Truth explorer: how far a surrogate gradient points from the true one, and how much of that is bias or noise."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

from snnsg_book import load_results
from snnsg_lib.statistics import iqm

from .controls import Choice, Listed, Slope
from .explorer import Explorer, script

BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
LAYERS = {"0": "0, first hidden", "1": "1", "2": "2", "3": "3, last hidden"}
STAGES = {"untrained": "untrained", "early": "after 30 updates", "trained": "trained"}


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
    _title = "Truth explorer"
    _picture = (
        "Arrows from one point: the true gradient, the surrogate gradient of endless examples and that of one batch, "
        "at their angles to the truth; beside them both angles against the slope"
    )
    _try_this = (
        "give the steep slope more examples until one batch points closer than 60°. How many would the shallow slope "
        "have needed? Then look at the last layer."
    )

    slope = Slope(50.0, wide=True)
    layer = Choice("0", LAYERS, "layer")
    batch = Listed(50.0, BATCHES, "examples in a batch", wide=True)
    stage = Choice("untrained", STAGES, "stage")

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """The stored numbers."""
        return stored_cosines()

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


def _degrees(inverse: float) -> float:
    """Angle whose 1 / cosine^2 is `inverse`; rounding may leave it just below 1."""
    return math.degrees(math.acos(max(1.0, inverse) ** -0.5))
