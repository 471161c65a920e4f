"""Depth explorer: size, active share and direction of the gradient in each layer, from the stored runs."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import traitlets
from matplotlib.figure import Figure

from snnsg_book import load_results
from snnsg_book.studies.depth.figures.layers import plot_layer_bars
from snnsg_book.style import summary

from .explorer import Choice, Explorer, Number, in_words, percent, script

if TYPE_CHECKING:
    import pandas as pd

DEPTHS = ("2", "4", "8", "16")
RESETS = ("detached", "attached")
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
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
    floor = summary(rows[rows.slope == rows.slope.max()], ["layer"], "floor")["mean"]
    return {name: _rounded(rows, name) for name in SCALES} | {"floor": [round(1000 * value) for value in floor]}


def _rounded(rows: pd.DataFrame, name: str) -> list[list[list[int]]]:
    values = summary(rows, ["slope", "layer"], name)
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

    slope = Number(50.0, 1, 100)
    depth = Choice("4", DEPTHS)
    normalization = Choice("peak", ("peak", "area"))
    reset = Choice("detached", RESETS)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        super().__init__(**state)
        self.set_trait("table", stored_runs())

    @property
    def page_state(self) -> dict[str, Any]:
        """Controls and the stored runs."""
        return {**self.state, "table": stored_runs()}

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

    def sentence(self) -> str:
        """Say what reaches the first layer, how widely it is spread and where it points."""
        first = self.layers()[0]
        size = "as large as"
        if abs(first.norm[0]) >= 0.05:
            size = f"{_factor(abs(first.norm[0]))} times {'larger' if first.norm[0] > 0 else 'smaller'} than"
        return (
            f"At k = {in_words(self.slope, 3)} the gradient in the first of {self.depth} hidden layers is {size} the"
            f" output layer's; {percent(first.share[0])} of its weights are active. Its cosine with the k = 100"
            f" gradient is {_hundredths(first.cosine[0])}, over a noise floor of {_hundredths(first.floor)}."
        )

    def _draw(self) -> Figure:
        figure = Figure(figsize=(6.4, 5.4), layout="constrained")
        axes = figure.subplots(3, 1, sharex=True, height_ratios=[5, 2, 3])
        plot_layer_bars(self.layers(), self.slope, axes=axes)
        return figure


def _factor(logarithm: float) -> str:
    if logarithm < 3:
        return in_words(10**logarithm)
    return "about 10" + str(math.floor(logarithm + 0.5)).translate(SUPERSCRIPTS)


def _hundredths(value: float) -> str:
    # Halves go up, as in the page's script; Python's own rounding would send them to the even neighbour.
    return f"{math.floor(100 * value + 0.5) / 100:.2f}".replace("-", "−")
