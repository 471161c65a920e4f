"""Surrogate spike functions with a slope that can change while training.

A spike is a step of the centred membrane potential u = mem - threshold; its derivative is a Dirac delta, useless for
learning. A surrogate keeps the step in the forward pass and puts a bump of steepness k (the `slope`) in the backward
pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib._checks import check_choice, check_number

Slope = float | Tensor


def check_slope(slope: object) -> Slope:
    """Return `slope` as a float or a detached floating-point tensor, finite and > 0, else raise."""
    if not isinstance(slope, Tensor):
        return check_number("slope", slope, above=0.0)
    if not slope.is_floating_point():
        raise TypeError(f"slope must be a floating-point tensor, finite and > 0, got dtype {slope.dtype}")
    if slope.numel() == 0 or not bool((torch.isfinite(slope) & (slope > 0)).all()):
        raise ValueError(f"slope must be finite and > 0 in every entry, got {slope}")
    return slope.detach().clone()


class _Spike(torch.autograd.Function):
    """Step forward, `surrogate.derivative` backward; every rule is made of torch ops, so it differentiates again."""

    generate_vmap_rule = True

    @staticmethod
    def forward(u, surrogate, slope_dims):
        return (u > 0).to(u.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output):
        u, ctx.surrogate, ctx.slope_dims = inputs
        ctx.save_for_backward(u)
        ctx.save_for_forward(u)

    @staticmethod
    def backward(ctx, grad_spikes):
        (u,) = ctx.saved_tensors
        return grad_spikes * ctx.surrogate.derivative(u, ctx.surrogate.slope_along(ctx.slope_dims)), None, None

    @staticmethod
    def jvp(ctx, u_tangent, *_):
        (u,) = ctx.saved_tensors
        return u_tangent * ctx.surrogate.derivative(u, ctx.surrogate.slope_along(ctx.slope_dims))


class Surrogate(nn.Module):
    """Base of the surrogate families: a spike function whose backward slope is an attribute.

    Drop-in for the `spike_grad` of any snnTorch neuron. Subclasses define the peak-normalised curve of k = 1,
    h(x) with h(0) = 1, through `_shape`, its primitive through `_shape_primitive`, its integral `_shape_area`; all
    else follows: derivative(u) = c h(k u) with c = 1 (``"peak"``) or c = k / area (``"area"``).

    Parameters
    ----------
    slope : float or Tensor
        Steepness k, finite and > 0; a tensor must broadcast against u.
    normalization : {"peak", "area"}
        ``"peak"``: the derivative is 1 at u = 0 for every slope. ``"area"``: it integrates to 1 for every slope.

    Raises
    ------
    TypeError, ValueError
        If `slope` is not a finite positive number (also when set later) or `normalization` is unknown.

    References
    ----------
    Neftci, Mostafa & Zenke (2019), Surrogate gradient learning in spiking neural networks.
    """

    _shape_area: float

    def __init__(self, slope: Slope = 25.0, *, normalization: str = "peak"):
        super().__init__()
        self._slope = check_slope(slope)
        self.normalization = check_choice("normalization", normalization, ("peak", "area"))

    @property
    def slope(self) -> Slope:
        """Steepness k; set it at any time, the next backward pass uses it."""
        return self._slope

    @slope.setter
    def slope(self, value: Slope) -> None:
        self._slope = check_slope(value)

    def forward(self, u: Tensor) -> Tensor:
        """Spikes of u = mem - threshold: 1 where u > 0, else 0, in the shape and dtype of `u`."""
        return _Spike.apply(u, self, 0)

    def slope_along(self, dims: int) -> Slope:
        """Slope with `dims` trailing axes added to a one-dimensional one, so that it runs along an earlier axis of u.

        Networks with replicas use it: a slope of shape (R,) becomes (R, 1, 1) against u of shape (..., R, batch,
        neurons).
        """
        if dims == 0 or not isinstance(self._slope, Tensor) or self._slope.dim() != 1:
            return self._slope
        return self._slope.reshape(-1, *[1] * dims)

    def derivative(self, u: Tensor, slope: Slope | None = None) -> Tensor:
        """Surrogate derivative at `u`, in the shape of `u`: what the backward pass multiplies by.

        Parameters
        ----------
        u : Tensor
            Membrane potential minus threshold.
        slope : float or Tensor, optional
            Used in place of `self.slope`; a tensor must broadcast against `u`.
        """
        k = self._slope if slope is None else slope
        k = k.to(u.dtype) if isinstance(k, Tensor) else k
        return self._shape(k * u) if self.normalization == "peak" else self._shape(k * u) * (k / self._shape_area)

    def primitive(self, u: Tensor) -> Tensor:
        """Odd function of `u` with `derivative(u)` as derivative: the smooth spike that backward differentiates."""
        k = self._slope
        return self._shape_primitive(k * u) / (k if self.normalization == "peak" else self._shape_area)

    def derivative_into(
        self,
        u: np.ndarray,
        out: np.ndarray,
        slope: float | np.ndarray | None = None,
        factor: float | np.ndarray = 1.0,
    ) -> None:
        """Write `factor * derivative(u)` into `out` without temporaries: the NumPy path of `lif_scan`.

        Parameters
        ----------
        u, out : ndarray
            Equal shape and dtype; `out` may be `u` itself.
        slope : float or ndarray, optional
            Used in place of `self.slope`; an array must broadcast against `u`.
        factor : float or ndarray
            Multiplies the derivative; an array must broadcast against `u` and not share memory with `out`.
        """
        k = slope if slope is not None else self._slope
        k = np.asarray(k, dtype=u.dtype)
        np.multiply(u, k, out)
        self._shape_inplace(out, factor)
        if self.normalization == "area":
            np.multiply(out, k / self._shape_area, out)

    def half_width(self) -> Slope:
        """Distance |u| at which the derivative has fallen to half its peak; it shrinks as 1 / slope."""
        return self._shape_half_width / self._slope

    def extra_repr(self) -> str:
        """Slope and normalization, for `print(model)`."""
        slope = self._slope if isinstance(self._slope, float) else self._slope.tolist()
        return f"slope={slope}" + ("" if self.normalization == "peak" else f", normalization={self.normalization!r}")

    def _apply(self, fn, recurse=True):
        # A tensor slope follows .to(device) and .double(), as a parameter would; it is a setting, so not in
        # state_dict().
        super()._apply(fn, recurse)
        if isinstance(self._slope, Tensor):
            self._slope = fn(self._slope)
        return self

    _shape_half_width: float

    @staticmethod
    def _shape(x: Tensor) -> Tensor:
        raise NotImplementedError

    @staticmethod
    def _shape_primitive(x: Tensor) -> Tensor:
        raise NotImplementedError

    @staticmethod
    def _shape_inplace(x: np.ndarray, factor: float | np.ndarray) -> None:
        """Replace x by factor * shape(x)."""
        raise NotImplementedError


class FastSigmoid(Surrogate):
    """Derivative 1 / (1 + k|u|)^2: heavy tails, the seed's choice. Zenke & Ganguli (2018), SuperSpike."""

    _shape_area = 2.0
    _shape_half_width = math.sqrt(2.0) - 1.0

    @staticmethod
    def _shape(x):
        return (1 + x.abs()) ** -2

    @staticmethod
    def _shape_primitive(x):
        return x / (1 + x.abs())

    @staticmethod
    def _shape_inplace(x, factor):
        np.abs(x, x)
        np.add(x, 1, x)
        np.multiply(x, x, x)
        np.divide(factor, x, x)


class ATan(Surrogate):
    """Derivative 1 / (1 + (pi k u / 2)^2). Fang et al. (2021), Incorporating learnable membrane time constant."""

    _shape_area = 2.0
    _shape_half_width = 2.0 / math.pi

    @staticmethod
    def _shape(x):
        return 1 / (1 + (math.pi / 2 * x) ** 2)

    @staticmethod
    def _shape_primitive(x):
        return 2 / math.pi * torch.atan(math.pi / 2 * x)

    @staticmethod
    def _shape_inplace(x, factor):
        np.multiply(x, math.pi / 2, x)
        np.multiply(x, x, x)
        np.add(x, 1, x)
        np.divide(factor, x, x)


class Sigmoid(Surrogate):
    """Derivative 4 s(ku) (1 - s(ku)) with the logistic s: exponential tails."""

    _shape_area = 4.0
    _shape_half_width = math.log(3.0 + 2.0 * math.sqrt(2.0))

    @staticmethod
    def _shape(x):
        # s(-|x|) never overflows; snnTorch's exp(-ku) does, and turns into NaN.
        tail = torch.sigmoid(-x.abs())
        return 4 * tail * (1 - tail)

    @staticmethod
    def _shape_primitive(x):
        return 2 * torch.tanh(x / 2)

    @staticmethod
    def _shape_inplace(x, factor):
        np.multiply(x, 0.5, x)
        np.tanh(x, x)
        np.multiply(x, x, x)
        np.subtract(1, x, x)
        np.multiply(x, factor, x)


class Triangular(Surrogate):
    """Derivative max(0, 1 - k|u|): exactly zero for |u| >= 1/k. Esser et al. (2016), Bellec et al. (2018)."""

    _shape_area = 1.0
    _shape_half_width = 0.5

    @staticmethod
    def _shape(x):
        return (1 - x.abs()).clamp(min=0)

    @staticmethod
    def _shape_primitive(x):
        inside = x.clamp(-1, 1)
        return inside - inside * inside.abs() / 2

    @staticmethod
    def _shape_inplace(x, factor):
        np.abs(x, x)
        np.subtract(1, x, x)
        np.maximum(x, 0, out=x)
        np.multiply(x, factor, x)


def spikes_of(surrogate: Callable[[Tensor], Tensor], u: Tensor, slope_dims: int = 0) -> Tensor:
    """Spikes of any surrogate at `u`; `slope_dims` is for the surrogates of this library, see `slope_along`."""
    return _Spike.apply(u, surrogate, slope_dims) if isinstance(surrogate, Surrogate) else surrogate(u)


def find_surrogates(model: nn.Module) -> list[Surrogate]:
    """Return the surrogates that `model` holds, each once, in module order; raise ValueError if there is none."""
    found = [module for module in model.modules() if isinstance(module, Surrogate)]
    if not found:
        raise ValueError(
            f"model must hold a snnsg_lib surrogate (FastSigmoid, ATan, ...), got {type(model).__name__} without one"
        )
    return found


@contextmanager
def slope_set_to(model: nn.Module, slope: Slope) -> Iterator[None]:
    """Set the slope of every surrogate in `model` inside a with block; the old slopes come back, also after an error.

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
        surrogate.slope = slope
    try:
        yield
    finally:
        for surrogate, old in zip(surrogates, before, strict=True):
            surrogate.slope = old
