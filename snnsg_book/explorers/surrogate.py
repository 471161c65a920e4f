"""Surrogate explorer: how far from the threshold a gradient exists, and which neurons it meets."""

from __future__ import annotations

import math

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from snnsg_book.studies.spike.figures.surrogates import plot_population, plot_spike, plot_surrogates
from snnsg_lib import surrogates
from snnsg_lib._checks import check_number
from snnsg_lib.surrogates import Surrogate

from .explorer import Choice, Explorer, Number, in_words, percent, script

FAMILIES = ("FastSigmoid", "ATan", "Sigmoid", "Triangular")
CUTOFF = 0.01
# |k u| at which each family has fallen to the cutoff: its shape solved for 0.01.
_ACTIVE_REACH = {
    "FastSigmoid": 1 / math.sqrt(CUTOFF) - 1,
    "ATan": 2 / math.pi * math.sqrt(1 / CUTOFF - 1),
    "Sigmoid": 2 * math.acosh(1 / math.sqrt(CUTOFF)),
    "Triangular": 1 - CUTOFF,
}


def active_range(surrogate: Surrogate) -> float:
    """Distance |u| from the threshold within which `surrogate` passes more than 1 % of its peak gradient."""
    return _ACTIVE_REACH[type(surrogate).__name__] / float(surrogate.slope)


def active_share(surrogate: Surrogate, mean: float, std: float) -> float:
    """Share of a normal population of u = membrane potential - threshold that gets more than 1 % of the peak gradient.

    Parameters
    ----------
    surrogate : Surrogate
        One of the four families, with a number as slope.
    mean, std : float
        Of u over the population; std > 0.

    Returns
    -------
    float
        In [0, 1], in closed form.
    """
    check_number("mean", mean)
    check_number("std", std, above=0.0)
    limits = [(side * active_range(surrogate) - mean) / (std * math.sqrt(2)) for side in (-1, 1)]
    return (math.erf(limits[1]) - math.erf(limits[0])) / 2


class SurrogateExplorer(Explorer):
    """Surrogate derivative over a population of membrane potentials, alive with and without a kernel.

    Parameters
    ----------
    slope : float
        Slope k, 1..100.
    family : {"FastSigmoid", "ATan", "Sigmoid", "Triangular"}
        The surrogate.
    normalization : {"peak", "area"}
        What stays 1 when the slope changes.
    mean, std : float
        Of u = membrane potential - threshold over the population; -1.5..1.5 and 0.05..1.

    Examples
    --------
    >>> explorer = SurrogateExplorer(slope=25)
    >>> explorer.observe(lambda change: print(change.new), names="slope")
    """

    _name = "surrogate"
    _esm = script("surrogate")

    slope = Number(50.0, 1, 100)
    family = Choice("FastSigmoid", FAMILIES)
    normalization = Choice("peak", ("peak", "area"))
    mean = Number(-1.0, -1.5, 1.5)
    std = Number(0.5, 0.05, 1)

    @property
    def surrogate(self) -> Surrogate:
        """The library's surrogate in the present state, ready to serve as `spike_grad`."""
        return getattr(surrogates, self.family)(self.slope, normalization=self.normalization)

    def active_range(self) -> float:
        """Distance |u| within which a neuron gets more than 1 % of the peak gradient."""
        return active_range(self.surrogate)

    def active_share(self) -> float:
        """Share of the population that gets more than 1 % of the peak gradient."""
        return active_share(self.surrogate, self.mean, self.std)

    def sentence(self) -> str:
        """Say what share of the population a gradient reaches, and how far from the threshold."""
        share = self.active_share()
        only = "only " if share < 0.25 else ""
        words = (
            f"At k = {in_words(self.slope, 3)} {only}{percent(share)} of the neurons receive "
            f"more than 1 % of the peak gradient: those within {in_words(self.active_range())} of the threshold."
        )
        if self.normalization == "area":
            peak = float(self.surrogate.derivative(torch.zeros((), dtype=torch.float64)))
            words += f" The area stays 1, so the peak is {in_words(peak, 3)}."
        return words

    def _draw(self) -> Figure:
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        rows = [["derivative", "spike"], ["population", "spike"]]
        axes: dict[str, Axes] = figure.subplot_mosaic(rows, width_ratios=[5, 3], height_ratios=[2, 1])
        surrogate = self.surrogate
        plot_surrogates([surrogate], fill=True, ax=axes["derivative"])
        plot_population(surrogate, self.mean, self.std, self.active_range(), ax=axes["population"])
        plot_spike(surrogate, ax=axes["spike"])
        peak = float(surrogate.derivative(torch.zeros(())))
        axes["derivative"].set(xlabel="", xticks=[-2, -1, 0, 1, 2], xticklabels=[], yticks=[0, peak / 2, peak])
        axes["population"].set(xticks=[-2, -1, 0, 1, 2])
        axes["spike"].set(xticks=[-1, 0, 1], yticks=[0, 0.5, 1])
        return figure
