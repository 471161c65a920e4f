"""Surrogate spike functions with a slope that can change while training, or be learnt.

A spike is a step of the centred membrane potential u = mem - threshold; its derivative is a Dirac delta, useless for
learning. A surrogate keeps the step in the forward pass and puts a bump of steepness k (the `slope`) in the backward
pass. The shapes of the bump are families, listed by name in `FAMILIES`; one more is a subclass of `Surrogate` under
`@register_family`.
"""

from ._slope import Slope
from .base import Surrogate, no_spikes, spikes_of
from .families import FAMILIES, ATan, FastSigmoid, Sigmoid, Triangular, register_family
from .models import find_surrogates, slope_set_to

__all__ = [
    "FAMILIES",
    "ATan",
    "FastSigmoid",
    "Sigmoid",
    "Slope",
    "Surrogate",
    "Triangular",
    "find_surrogates",
    "no_spikes",
    "register_family",
    "slope_set_to",
    "spikes_of",
]
