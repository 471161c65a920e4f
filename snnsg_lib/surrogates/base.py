"""What all families share: from the bump of slope 1 to a spike function with a slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_choice, check_number

from ._slope import SMALLEST_SLOPE, Slope, check_slope
from ._spike import Spike


class Surrogate(nn.Module):
    """Base of the surrogate families: a spike function whose backward slope is an attribute.

    Drop-in for the `spike_grad` of any snnTorch neuron. A family is a subclass that describes the bump of slope 1,
    h(x), which is even, has h(0) = 1 and does not rise with |x|:

    - `shape(x)`: h, in differentiable torch operations;
    - `shape_primitive(x)`: the odd function with h as derivative;
    - `shape_area`: the integral of h, a number;
    - `label`: what figures call it; by default the name of the class.

    All else follows: derivative(u) = c h(k u) with c = 1 (``"peak"``) or c = k / area (``"area"``). Two more hooks
    save time where there is a closed form: `shape_reach(share)` and `shape_into(x, factor)`. `register_family` lists a
    family in `FAMILIES`.

    Parameters
    ----------
    slope : float, Tensor or nn.Parameter
        Steepness k, finite and > 0; a tensor must broadcast against u. An `nn.Parameter` is learnt, see Notes.
    normalization : {"peak", "area"}
        ``"peak"``: the derivative is 1 at u = 0 for every slope. ``"area"``: it integrates to 1 for every slope.

    Raises
    ------
    TypeError, ValueError
        If `slope` is not a finite positive number (also when set later), `normalization` is unknown, or the subclass
        lacks a hook.

    Notes
    -----
    No spike depends on the slope, so no loss does: a slope that is learnt has no true gradient but 0. It gets the one
    that goes with the pretence of the backward pass, that the spike is `primitive`: the upstream gradient times
    d primitive / dk, beside d primitive / du for u. Such a slope is served by the ``"torch"`` backends, is in
    `parameters()` and `state_dict()`, and counts as 1e-6 where an optimizer has led it below.

    References
    ----------
    Neftci, Mostafa & Zenke (2019), Surrogate gradient learning in spiking neural networks.

    Examples
    --------
    >>> @register_family
    ... class Gaussian(Surrogate):
    ...     label = "Gaussian"
    ...     shape_area = math.sqrt(math.pi)
    ...     def shape(self, x):
    ...         return torch.exp(-x * x)
    ...     def shape_primitive(self, x):
    ...         return math.sqrt(math.pi) / 2 * torch.erf(x)
    """

    label: str
    shape_area: float
    _slope: Any  # of a slope that is a setting; one that learns is the parameter "slope"

    def __init_subclass__(cls, **options: Any):
        super().__init_subclass__(**options)
        if "label" not in vars(cls):
            cls.label = cls.__name__

    def __init__(self, slope: Slope = 25.0, *, normalization: str = "peak"):
        super().__init__()
        check_family(type(self))
        self._exchange_slope(check_slope(slope))
        self.normalization = check_choice("normalization", normalization, ("peak", "area"))

    # ---- What a family defines.

    def shape(self, x: Tensor) -> Tensor:
        """Bump of slope 1 at `x`, in the shape and dtype of `x`, 1 at x = 0."""
        raise NotImplementedError

    def shape_primitive(self, x: Tensor) -> Tensor:
        """Odd function of `x` with `shape` as derivative."""
        raise NotImplementedError

    def shape_reach(self, share: float) -> float:
        """Distance |x| at which `shape` has fallen to `share`, in (0, 1]; bisected unless a family has a formula.

        Infinite for a shape that never falls so far.
        """

        def above(x: float) -> bool:
            return float(self.shape(torch.tensor(x, dtype=torch.float64))) > share

        low, high = 0.0, 1.0
        while above(high):
            low, high = high, 2 * high
            if math.isinf(high):
                return high
        while low < (middle := (low + high) / 2) < high:
            low, high = (middle, high) if above(middle) else (low, middle)
        return high

    def shape_into(self, x: np.ndarray, factor: float | np.ndarray) -> None:
        """Replace the array `x` by factor * shape(x); through `shape` unless a family has ufuncs for it.

        `factor` broadcasts against `x` and shares no memory with it.
        """
        np.multiply(self.shape(torch.from_numpy(x.copy())).detach().numpy(), factor, x)

    # ---- What follows from it.

    @property
    def slope(self) -> Slope:
        """Steepness k; set it at any time, the next backward pass uses it.

        A slope that is learnt takes no number: its optimizer would go on moving a parameter that nothing uses. Freeze
        it first, with ``surrogate.slope.requires_grad_(False)``. Another `nn.Parameter` may replace it.
        """
        learnt = self._parameters.get("slope")
        return self._slope if learnt is None else learnt

    @slope.setter
    def slope(self, value: Slope) -> None:
        slope = check_slope(value)
        if self.learns and not isinstance(slope, nn.Parameter):
            raise TypeError(
                f"slope is learnt here and must be an nn.Parameter, got {value!r}: to set it, freeze it first with "
                "surrogate.slope.requires_grad_(False)"
            )
        self._exchange_slope(slope)

    @property
    def learns(self) -> bool:
        """Whether the slope gets a gradient: it is an `nn.Parameter` that is not frozen."""
        return isinstance(self.slope, Tensor) and self.slope.requires_grad

    def forward(self, u: Tensor) -> Tensor:
        """Spikes of u = mem - threshold: 1 where u > 0, else 0, in the shape and dtype of `u`."""
        return spikes_of(self, u)

    def slope_along(self, dims: int) -> Slope:
        """Slope with `dims` trailing axes added to a one-dimensional one, so that it runs along an earlier axis of u.

        Networks with replicas use it: a slope of shape (R,) becomes (R, 1, 1) against u of shape (..., R, batch,
        neurons).
        """
        slope = self.slope
        if not isinstance(slope, Tensor):
            return slope
        slope = slope.clamp(min=SMALLEST_SLOPE) if "slope" in self._parameters else slope
        return slope if dims == 0 or slope.dim() != 1 else slope.reshape(-1, *[1] * dims)

    def derivative(self, u: Tensor, slope: Slope | None = None) -> Tensor:
        """Surrogate derivative at `u`, in the shape of `u`: what the backward pass multiplies by.

        Parameters
        ----------
        u : Tensor
            Membrane potential minus threshold.
        slope : float or Tensor, optional
            Used in place of `self.slope`; a tensor must broadcast against `u`.
        """
        k = self._steepness(u, slope)
        return self.shape(k * u) if self.normalization == "peak" else self.shape(k * u) * (k / self.shape_area)

    def primitive(self, u: Tensor) -> Tensor:
        """Odd function of `u` with `derivative(u)` as derivative: the smooth spike that backward differentiates."""
        k = self._steepness(u)
        return self.shape_primitive(k * u) / (k if self.normalization == "peak" else self.shape_area)

    def slope_derivative(self, u: Tensor, slope: Slope | None = None) -> Tensor:
        """Derivative of `primitive(u)` by the slope, in the shape of `u`: what a learnt slope's gradient is made of.

        Parameters
        ----------
        u, slope
            As in `derivative`.
        """
        k = self._steepness(u, slope)
        stretched = u * self.shape(k * u)
        if self.normalization == "peak":
            return (stretched - self.shape_primitive(k * u) / k) / k
        return stretched / self.shape_area

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
        k: Any = slope if slope is not None else self.slope_along(0)
        k = np.asarray(k.detach() if isinstance(k, Tensor) else k, dtype=u.dtype)
        np.multiply(u, k, out)
        self.shape_into(out, factor)
        if self.normalization == "area":
            np.multiply(out, k / self.shape_area, out)

    def reach(self, share: float) -> Slope:
        """Distance |u| at which the derivative has fallen to `share` of its peak; it shrinks as 1 / slope.

        Parameters
        ----------
        share : float
            In (0, 1].
        """
        return self.shape_reach(check_number("share", share, above=0.0, high=1.0)) / self.slope_along(0)

    def half_width(self) -> Slope:
        """Distance |u| at which the derivative has fallen to half its peak: ``reach(0.5)``."""
        return self.reach(0.5)

    def extra_repr(self) -> str:
        """Slope and normalization, for `print(model)`."""
        slope = self.slope.tolist() if isinstance(self.slope, Tensor) else self.slope
        learnt = ", learnt" if self.learns else ""
        area = "" if self.normalization == "peak" else f", normalization={self.normalization!r}"
        return f"slope={slope}{learnt}{area}"

    def register_parameter(self, name: str, param: nn.Parameter | None) -> None:
        """Refuse parameters beside the slope: a family has no gradient for them, and they would never learn."""
        raise TypeError(f"{name} must be a number or a tensor, got an nn.Parameter: a surrogate learns its slope alone")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "slope":  # Module would take a Parameter past the property and its checks
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def _exchange_slope(self, slope: Slope) -> None:
        """Take a valid slope, whatever was there."""
        self._parameters.pop("slope", None)
        self._slope = None if isinstance(slope, nn.Parameter) else slope
        if isinstance(slope, nn.Parameter):
            self._parameters["slope"] = slope

    def _steepness(self, u: Tensor, slope: Slope | None = None) -> Slope:
        k = self.slope_along(0) if slope is None else slope
        return k.to(u.dtype) if isinstance(k, Tensor) else k

    def _apply(self, fn, recurse=True):
        # A tensor slope follows .to(device) and .double(), as a parameter would; it is a setting, so not in
        # state_dict().
        super()._apply(fn, recurse)
        if isinstance(self._slope, Tensor):
            self._slope = fn(self._slope)
        return self


def check_family(family: type[Surrogate]) -> None:
    """Raise unless a subclass of `Surrogate` defines what a family is made of."""
    hooks = ("shape", "shape_primitive", "shape_area")
    missing = [name for name in hooks if getattr(family, name, None) is getattr(Surrogate, name, None)]
    if missing:
        raise TypeError(f"{family.__name__} must define {', '.join(hooks)}, as Surrogate says; got no {missing[0]}")
    check_number(f"{family.__name__}.shape_area", family.shape_area, above=0.0)


def spikes_of(surrogate: Callable[[Tensor], Tensor], u: Tensor, slope_dims: int = 0) -> Tensor:
    """Spikes of any surrogate at `u`; `slope_dims` is for the surrogates of this library, see `slope_along`.

    Raises
    ------
    TypeError
        If what the surrogate returns is not a tensor in the shape of `u`.
    """
    if isinstance(surrogate, Surrogate):
        # A parameter is an input of the graph; a setting is read when the gradient flows back.
        slope = surrogate.slope_along(slope_dims) if "slope" in surrogate._parameters else None
        return Spike.apply(u, slope, surrogate, slope_dims)
    spikes = surrogate(u)
    if not isinstance(spikes, Tensor) or spikes.shape != u.shape:
        raise no_spikes(surrogate, u, spikes)
    return spikes


def no_spikes(surrogate: Callable, u: Tensor, returned: object) -> TypeError:
    """Return the error of a surrogate that maps `u` to something else than spikes."""
    got = f"shape {tuple(returned.shape)}" if isinstance(returned, Tensor) else repr(returned)
    return TypeError(
        f"surrogate must map u to spikes, a tensor of shape {tuple(u.shape)}, got {got} from {surrogate!r}: "
        "a function that makes surrogates is to be called first, as in fast_sigmoid(25)"
    )
