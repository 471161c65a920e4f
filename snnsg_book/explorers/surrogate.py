"""Surrogate explorer: how far from the threshold a gradient exists, and which neurons it meets."""

from __future__ import annotations

import math

from snnsg_lib.checks import check_number
from snnsg_lib.surrogates import FAMILIES, Surrogate

from .controls import Choice, Family, Number, Slope
from .explorer import Explorer, script

NORMALIZATIONS = {"peak": "peak is 1", "area": "area is 1"}
CUTOFF = 0.01


def active_range(surrogate: Surrogate) -> float:
    """Distance |u| from the threshold within which `surrogate` passes more than 1 % of its peak gradient."""
    return float(surrogate.reach(CUTOFF))


def active_share(surrogate: Surrogate, mean: float, std: float) -> float:
    """Share of a normal population of u = membrane potential - threshold that gets more than 1 % of the peak gradient.

    Parameters
    ----------
    surrogate : Surrogate
        Of any family, with a number as slope.
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
    family : str
        The surrogate, a name in `FAMILIES`.
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
    _title = "Surrogate explorer"
    _picture = (
        "Surrogate derivative over the membrane potential, the population of neurons below it, and the smooth stand-in "
        "for the spike"
    )
    _try_this = (
        "lower k until half of the neurons receive a gradient; then move the population up to the threshold instead."
    )

    slope = Slope(50.0, wide=True)
    family = Family()
    normalization = Choice("peak", NORMALIZATIONS, "normalisation")
    mean = Number(-1.0, -1.5, 1.5, "mean of u", step=0.05, digits=2)
    std = Number(0.5, 0.05, 1, "spread of u", step=0.05, digits=2)

    @property
    def surrogate(self) -> Surrogate:
        """The library's surrogate in the present state, ready to serve as `spike_grad`."""
        return FAMILIES[self.family](self.slope, normalization=self.normalization)

    def active_range(self) -> float:
        """Distance |u| within which a neuron gets more than 1 % of the peak gradient."""
        return active_range(self.surrogate)

    def active_share(self) -> float:
        """Share of the population that gets more than 1 % of the peak gradient."""
        return active_share(self.surrogate, self.mean, self.std)
