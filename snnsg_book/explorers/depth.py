"""Depth explorer: size, active share and direction of the gradient in each layer, from the stored runs."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from snnsg_book import load_results
from snnsg_book.style import means_and_intervals

from .controls import Choice, Slope
from .explorer import Explorer, script
from .surrogate import NORMALIZATIONS

if TYPE_CHECKING:
    import pandas as pd

DEPTHS = ("2", "4", "8", "16")
RESETS = {"detached": "no (detached)", "attached": "yes (attached)"}
# Whole numbers are short in a page: hundredths of a decade, thousandths of a share or cosine.
SCALES = {"norm": 100, "share": 1000, "cosine": 1000}


class Layer(NamedTuple):
    """One layer: (mean, low, high) over seeds of each measure, and the noise floor of the cosine."""

    norm: tuple[float, ...]  # log10 of the norm over the output layer's
    share: tuple[float, ...]
    cosine: tuple[float, ...]
    floor: float


@lru_cache(maxsize=1)
def stored_runs() -> dict[str, Any]:
    """The crossed conditions of `depth_conditions` as the explorer keeps them: nested lists of whole numbers."""
    table = load_results("depth_conditions")
    table = table[(table.num_steps == 20) & (table.rate == 0.15)]
    conditions = {
        "detached": table[table.detach_reset & (table.normalization == "peak")],
        "attached": table[~table.detach_reset & (table.normalization == "peak")],
        "attached area": table[~table.detach_reset & (table.normalization == "area")],
    }
    runs = {
        depth: {name: _compact(rows[rows.depth == int(depth)]) for name, rows in conditions.items()} for depth in DEPTHS
    }
    return {"slopes": sorted(table.slope.unique().tolist()), "runs": runs}


def _compact(rows: pd.DataFrame) -> dict[str, list]:
    output = rows.layer == rows.layer.max()
    last = rows[output].set_index(["seed", "slope"])["norm"]
    keys = list(zip(rows.seed, rows.slope, strict=True))
    rows = rows.assign(norm=rows["norm"] / last.loc[keys].to_numpy())
    floor = means_and_intervals(rows[rows.slope == rows.slope.max()], ["layer"], "floor")["mean"]
    return {name: _rounded(rows, name) for name in SCALES} | {"floor": [round(1000 * value) for value in floor]}


def _rounded(rows: pd.DataFrame, name: str) -> list[list[list[int]]]:
    values = means_and_intervals(rows, ["slope", "layer"], name)
    if name == "norm":
        values = values.map(math.log10)
    values = (SCALES[name] * values).round().astype(int)
    return [group.to_numpy().tolist() for _, group in values.groupby(level="slope")]


class DepthExplorer(Explorer):
    """What reaches each layer of a deep network, for any slope: from stored runs, alive with and without a kernel.

    Parameters
    ----------
    slope : float
        Slope k, 1..100; between the stored slopes values are interpolated on log k.
    depth : {"2", "4", "8", "16"}
        Number of hidden layers.
    normalization : {"peak", "area"}
        What stays 1 when the slope changes.
    reset : {"detached", "attached"}
        Whether the gradient passes through the reset.

    Examples
    --------
    >>> DepthExplorer(slope=1).layers()[0].norm[0] > 0  # larger than in the output layer
    True
    """

    _name = "depth"
    _esm = script("depth")
    _title = "Depth explorer"
    _picture = (
        "Bars for each layer, first hidden layer left and output right: size of the gradient, share of active weights, "
        "cosine with the k = 100 gradient"
    )
    _try_this = (
        "find the slope at which the first layer hears as much as the last. Then keep the area instead of the peak, "
        "and find it again."
    )

    slope = Slope(50.0, wide=True)
    depth = Choice("4", DEPTHS, "hidden layers")
    normalization = Choice("peak", NORMALIZATIONS, "normalisation")
    reset = Choice("detached", RESETS, "gradient through the reset")

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """The stored runs."""
        return stored_runs()

    def layers(self) -> list[Layer]:
        """Measures of each layer, first hidden layer first, in the present state."""
        stored = stored_runs()
        by_area = self.normalization == "area"
        run = stored["runs"][self.depth]["attached area" if by_area and self.reset == "attached" else self.reset]
        slopes = stored["slopes"]
        above = max(1, next(index for index, slope in enumerate(slopes) if slope >= self.slope))
        low, high = slopes[above - 1], slopes[above]
        place = math.log10(self.slope / low) / math.log10(high / low)

        def at(name: str, layer: int) -> tuple[float, ...]:
            pairs = zip(run[name][above - 1][layer], run[name][above][layer], strict=True)
            return tuple((a + place * (b - a)) / SCALES[name] for a, b in pairs)

        # With a detached reset every path crosses one surrogate per layer, of height k / 2 instead of 1.
        raised = math.log10(self.slope / 2) if by_area and self.reset == "detached" else 0.0
        output = len(run["floor"]) - 1
        return [
            Layer(
                tuple(value + (output - layer) * raised for value in at("norm", layer)),
                at("share", layer),
                at("cosine", layer),
                floor / 1000,
            )
            for layer, floor in enumerate(run["floor"])
        ]
