"""Lyapunov exponents of any differentiable map."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.func import jvp, vmap

from snnsg_lib.checks import check_int
from snnsg_lib.networks.parts import check_rng

Map = Callable[[Tensor], Tensor]

# R_ii below this share of its column is what rounding left of a difference of equal vectors.
SMALLEST_SHARE = 1e-12
SMALL_STATE = 32  # up to here whole Jacobians of many steps at once are cheaper than tangents step by step
CHUNK = 256


class LyapunovError(ArithmeticError):
    """Exponents that cannot be computed: a singular Jacobian, or numbers that are not finite."""


@torch.no_grad()
def lyapunov_spectrum(
    step: Map,
    state: Tensor,
    num_steps: int = 1000,
    num_exponents: int = 1,
    qr_interval: int = 1,
    transient: int = 0,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Leading Lyapunov exponents of the map ``state -> step(state)`` along one orbit, per step.

    Orthonormal tangent vectors are pushed along the orbit by the derivative of the map; each QR decomposition makes
    them orthonormal again and tells by how much they had grown.

    Parameters
    ----------
    step : callable
        Takes a float64 tensor and returns one of the same shape and dtype, in differentiable torch operations and
        without branches that depend on values; it may overwrite what it is given. For a flow: one step of an
        integrator; divide by its length in time.
    state : Tensor
        Where the orbit begins, of any shape with n entries; floating-point and finite. It is left as it is.
    num_steps : int
        Steps of the orbit, transient included, >= 1.
    num_exponents : int
        How many, in [1, n].
    qr_interval : int
        Steps between two QR decompositions, >= 1; small enough for the tangent vectors to stay apart.
    transient : int
        First steps that are not counted, in [0, num_steps - 1]: the tangent vectors turn to their directions.
    rng : numpy.random.Generator, optional
        Draws the first tangent vectors; the draw does not depend on `num_exponents`. default_rng(0) for None.

    Returns
    -------
    Tensor, (num_exponents,), float64
        Largest first, up to the error of a finite time.

    Raises
    ------
    LyapunovError
        If the orbit leaves the finite numbers, or the Jacobian is singular along a requested direction.
    TypeError, ValueError
        If an argument has the wrong type, shape or range.

    References
    ----------
    Benettin, Galgani, Giorgilli & Strelcyn (1980), Lyapunov characteristic exponents for smooth dynamical systems.
    """
    if not callable(step):
        raise TypeError(f"step must be a callable state -> state, got {step!r}")
    if not isinstance(state, Tensor) or not state.is_floating_point():
        raise TypeError(f"state must be a floating-point tensor, got {getattr(state, 'dtype', state)!r}")
    if state.numel() == 0:
        raise ValueError(f"state must have at least one entry, got shape {tuple(state.shape)}")
    check_finite("state", state)
    size = state.numel()
    ends = check_schedule(num_steps, num_exponents, qr_interval, transient, size)
    tangents = first_tangents(size, num_exponents, rng)
    sums, growths = tangents.new_zeros(num_exponents), []
    for number, pushed in enumerate(_pushed(step, state.detach().double(), tangents, num_steps), start=1):
        tangents.copy_(pushed)
        if number in ends:
            growths.append(orthonormalise(tangents))
        if growths and (len(growths) == CHUNK or number in (transient, num_steps)):
            stacked = torch.stack(growths)
            check_growth(stacked)
            if number > transient:
                sums += stacked.diagonal(dim1=-2, dim2=-1).abs().log().sum(0)
            growths = []
    return sums / (num_steps - transient)


def _pushed(step: Map, state: Tensor, tangents: Tensor, num_steps: int) -> Iterator[Tensor]:
    """Yield the tangents, one a row, after each step; `tangents` holds those before it."""
    shape = state.shape

    def flat_step(flat: Tensor) -> Tensor:
        after = step(flat.reshape(shape).clone())
        if not isinstance(after, Tensor) or after.dtype != torch.float64:
            found = getattr(after, "dtype", type(after).__name__)
            raise TypeError(f"step must return a float64 tensor of the state's shape {tuple(shape)}, got {found}")
        if after.shape != shape:
            raise ValueError(f"step must return a tensor of the state's shape {tuple(shape)}, got {tuple(after.shape)}")
        return after.reshape(-1)

    flat = state.reshape(-1)
    if flat.numel() > SMALL_STATE:
        for _ in range(num_steps):
            yield vmap(lambda tangent, at=flat: jvp(flat_step, (at,), (tangent,))[1])(tangents)
            flat = flat_step(flat)
            _check_orbit(flat)
        return
    for first in range(0, num_steps, CHUNK):
        orbit = [flat]
        for _ in range(min(CHUNK, num_steps - first)):
            orbit.append(flat_step(orbit[-1]))
        flat = orbit.pop()
        _check_orbit(flat)
        for transposed in _jacobians(flat_step, torch.stack(orbit)).mT:
            yield tangents @ transposed


@torch.enable_grad()
def _jacobians(step: Map, states: Tensor) -> Tensor:
    """Jacobians (count, n, n) at all `states` (count, n): one backward pass for each entry of the state."""
    states = states.requires_grad_()
    after = vmap(step)(states)
    if not after.requires_grad:
        return after.new_zeros(*states.shape, states.shape[-1])
    rows = [
        torch.autograd.grad(entry.sum(), states, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for entry in after.unbind(-1)
    ]
    return torch.stack(rows, dim=1)


def check_finite(name: str, values: Tensor) -> None:
    """Raise ValueError, with the number of entries that are NaN or infinite, if there are any."""
    count = int((~torch.isfinite(values)).sum())
    if count:
        raise ValueError(f"{name} must be finite, got {count} NaN or Inf of {values.numel()}")


def _check_orbit(state: Tensor) -> None:
    if not bool(torch.isfinite(state).all()):
        raise LyapunovError("the orbit left the finite numbers: choose another state, or a smaller step in time")


def check_schedule(num_steps: int, num_exponents: int, qr_interval: int, transient: int, size: int) -> set[int]:
    """Check the four numbers; return after which steps, counted from 1, a QR decomposition is due."""
    check_int("num_steps", num_steps, low=1)
    check_int("num_exponents", num_exponents, low=1, high=size)
    check_int("qr_interval", qr_interval, low=1)
    check_int("transient", transient, low=0, high=num_steps - 1)
    # One falls on the end of the transient, so that what is counted begins exactly there.
    before = range(qr_interval, transient, qr_interval)
    return {*before, *range(transient, num_steps, qr_interval), num_steps} - {0}


def first_tangents(size: int, num_exponents: int, rng: np.random.Generator | None = None) -> Tensor:
    """Orthonormal rows, (num_exponents, size), float64: the first rows of one draw for all of `size`."""
    draw = torch.from_numpy(check_rng("rng", rng).standard_normal((size, size)))[:num_exponents].clone()
    orthonormalise(draw)
    return draw


def orthonormalise(tangents: Tensor) -> Tensor:
    """Make the rows of `tangents`, (..., m, n), orthonormal in place; return R, (..., m, m), of their QR."""
    q, r = torch.linalg.qr(tangents.mT)
    tangents.copy_(q.mT)
    return r


def check_growth(growth: Tensor) -> None:
    """Raise LyapunovError where a diagonal entry of R, (..., m, m), is zero, rounding noise or not finite."""
    if not bool(torch.isfinite(growth).all()):
        raise LyapunovError(
            "tangent vectors overflow, or the Jacobian is not finite: choose a smaller qr_interval or another state"
        )
    lost = growth.diagonal(dim1=-2, dim2=-1).abs() <= SMALLEST_SHARE * growth.norm(dim=-2)
    if bool(lost.any()):
        first = int(lost.flatten(0, -2).any(0).nonzero()[0])
        raise LyapunovError(
            f"exponent {first + 1} of {growth.shape[-1]} is lost to rounding: the Jacobian is singular there (reset "
            "to zero, beta = 0, a surrogate that is exactly 0) or qr_interval too large; choose fewer exponents or a "
            "smaller qr_interval"
        )
