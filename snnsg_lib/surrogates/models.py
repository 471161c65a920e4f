"""The surrogates inside a model: find them, or set all their slopes for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from ._slope import Slope, check_slope
from .base import Surrogate


def find_surrogates(model: nn.Module, *, learnt: bool = True) -> list[Surrogate]:
    """Return the surrogates that `model` holds, each once, in module order.

    Parameters
    ----------
    model : nn.Module
        Any torch model.
    learnt : bool
        Whether slopes may be learnt; False where something else is to move them.

    Raises
    ------
    ValueError
        If there is none, or a slope is learnt that must not be.
    """
    found = [module for module in model.modules() if isinstance(module, Surrogate)]
    if not found:
        raise ValueError(
            f"model must hold a snnsg_lib surrogate (FastSigmoid, ATan, ...), got {type(model).__name__} without one"
        )
    for surrogate in found:
        if surrogate.learns and not learnt:
            raise ValueError(
                f"model must hold slopes that can be set, got {surrogate!r}: freeze it first with "
                "surrogate.slope.requires_grad_(False)"
            )
    return found


@contextmanager
def slope_set_to(model: nn.Module, slope: Slope) -> Iterator[None]:
    """Set the slope of every surrogate in `model` inside a with block; the old slopes come back, also after an error.

    A learnt slope is no parameter of the model inside the block; the same `nn.Parameter` comes back.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds library surrogates, `Surrogate` itself included.
    slope : float or Tensor
        Finite and > 0.
    """
    surrogates = find_surrogates(model)
    before = [surrogate.slope for surrogate in surrogates]
    slope = check_slope(slope)
    for surrogate in surrogates:
        surrogate._exchange_slope(slope)
    try:
        yield
    finally:
        for surrogate, old in zip(surrogates, before, strict=True):
            surrogate._exchange_slope(old)
