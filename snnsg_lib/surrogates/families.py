"""The families: one class for each shape of the bump, in the order in which figures and explorers show them."""

from __future__ import annotations

import math

import numpy as np
import torch

from .base import Surrogate, check_family

FAMILIES: dict[str, type[Surrogate]] = {}


def register_family(family: type[Surrogate]) -> type[Surrogate]:
    """Class decorator: list a family in `FAMILIES` under its class name.

    Figures and explorers take their families from there. The book's explorers also want the shape in JavaScript, an
    entry in the `families` of their shared script.

    Parameters
    ----------
    family : subclass of Surrogate
        Complete, with a label that no other family has. Defined anew, as in a notebook, it replaces its former self.

    Raises
    ------
    TypeError, ValueError
        If `family` is no subclass, lacks a hook, or its name or label is taken.
    """
    if not (isinstance(family, type) and issubclass(family, Surrogate)):
        raise TypeError(f"family must be a subclass of Surrogate, got {family!r}")
    check_family(family)
    name = family.__name__
    if name in FAMILIES and FAMILIES[name].__module__ != family.__module__:
        raise ValueError(f"family must have a name of its own, got {name!r}, taken by {FAMILIES[name].__module__}")
    if family.label in {other.label for key, other in FAMILIES.items() if key != name}:
        raise ValueError(f"family must have a label of its own, got {family.label!r} for {name}")
    FAMILIES[name] = family
    return family


@register_family
class FastSigmoid(Surrogate):
    """Derivative 1 / (1 + k|u|)^2: heavy tails, the paper's choice. Zenke & Ganguli (2018), SuperSpike."""

    label = "fast sigmoid"
    shape_area = 2.0

    def shape(self, x):
        return (1 + x.abs()) ** -2

    def shape_primitive(self, x):
        return x / (1 + x.abs())

    def shape_reach(self, share):
        return math.sqrt(1 / share) - 1

    def shape_into(self, x, factor):
        np.abs(x, x)
        np.add(x, 1, x)
        np.multiply(x, x, x)
        np.divide(factor, x, x)


@register_family
class ATan(Surrogate):
    """Derivative 1 / (1 + (pi k u / 2)^2). Fang et al. (2021), Incorporating learnable membrane time constant."""

    label = "arctangent"
    shape_area = 2.0

    def shape(self, x):
        return 1 / (1 + (math.pi / 2 * x) ** 2)

    def shape_primitive(self, x):
        return 2 / math.pi * torch.atan(math.pi / 2 * x)

    def shape_reach(self, share):
        return 2 / math.pi * math.sqrt(1 / share - 1)

    def shape_into(self, x, factor):
        np.multiply(x, math.pi / 2, x)
        np.multiply(x, x, x)
        np.add(x, 1, x)
        np.divide(factor, x, x)


@register_family
class Sigmoid(Surrogate):
    """Derivative 4 s(ku) (1 - s(ku)) with the logistic s: exponential tails."""

    label = "sigmoid"
    shape_area = 4.0

    def shape(self, x):
        # s(-|x|) never overflows; snnTorch's exp(-ku) does, and turns into NaN.
        tail = torch.sigmoid(-x.abs())
        return 4 * tail * (1 - tail)

    def shape_primitive(self, x):
        return 2 * torch.tanh(x / 2)

    def shape_reach(self, share):
        return math.acosh(2 / share - 1)

    def shape_into(self, x, factor):
        np.multiply(x, 0.5, x)
        np.tanh(x, x)
        np.multiply(x, x, x)
        np.subtract(1, x, x)
        np.multiply(x, factor, x)


@register_family
class Triangular(Surrogate):
    """Derivative max(0, 1 - k|u|): exactly zero for |u| >= 1/k. Esser et al. (2016), Bellec et al. (2018)."""

    label = "triangle"
    shape_area = 1.0

    def shape(self, x):
        return (1 - x.abs()).clamp(min=0)

    def shape_primitive(self, x):
        inside = x.clamp(-1, 1)
        return inside - inside * inside.abs() / 2

    def shape_reach(self, share):
        return 1 - share

    def shape_into(self, x, factor):
        np.abs(x, x)
        np.subtract(1, x, x)
        np.maximum(x, 0, out=x)
        np.multiply(x, factor, x)
