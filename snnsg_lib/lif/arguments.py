"""Arguments that both scans share: what is allowed, and which backend serves it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from snnsg_lib.checks import check_choice, check_number
from snnsg_lib.surrogates import Surrogate, no_spikes

Number = float | Tensor
SpikeFunction = Callable[[Tensor], Tensor]

RESETS = ("subtract", "zero", "none")
SMALLEST_THRESHOLD = 1e-6
# Subclasses of tensors (fake ones, say) may have no memory to view.
PLAIN = (Tensor, torch.nn.Parameter)


def check_current(current: object, dims: int = 2) -> Tensor:
    """Return `current` if it is a non-empty floating-point tensor of at least `dims` dimensions."""
    if not isinstance(current, Tensor):
        raise TypeError(f"current must be a tensor of shape (num_steps, ..., neurons), got {type(current).__name__}")
    if not current.is_floating_point():
        raise TypeError(f"current must have a floating-point dtype, got {current.dtype}")
    if current.dim() < dims or current.numel() == 0:
        raise ValueError(
            f"current must have shape (num_steps, ..., neurons), at least {dims} dimensions and none of them empty, "
            f"got {tuple(current.shape)}"
        )
    return current


def check_like(name: str, value: object, current: Tensor, shape: tuple[int, ...], optional: bool = True) -> None:
    """Raise unless `value` is a tensor of exactly `shape`, in the dtype and on the device of `current`, or None."""
    if value is None and optional:
        return
    if not isinstance(value, Tensor):
        allowed = f"a tensor of shape {tuple(shape)}" + (" or None" if optional else "")
        raise TypeError(f"{name} must be {allowed}, got {type(value).__name__}")
    if tuple(value.shape) != tuple(shape):
        raise ValueError(f"{name} must have shape {tuple(shape)}, got {tuple(value.shape)}")
    _check_kind(name, value, current)


def check_decay(name: str, value: object, current: Tensor) -> Number:
    """Return a decay in [0, 1]: a float, or a tensor that broadcasts against a step; one that learns is clamped."""
    if not isinstance(value, Tensor):
        return check_number(name, value, low=0.0, high=1.0)
    _check_broadcasts(name, value, current)
    if not value.requires_grad and not transforming() and not bool(((value >= 0) & (value <= 1)).all()):
        raise ValueError(f"{name} must be in [0, 1] in every entry, got {value}")
    return value.clamp(0, 1)


def check_threshold(value: object, current: Tensor) -> Number:
    """Return a threshold > 0: a float, or a tensor that broadcasts against a step; one that learns is clamped."""
    if not isinstance(value, Tensor):
        return check_number("threshold", value, above=0.0)
    _check_broadcasts("threshold", value, current)
    if not value.requires_grad and not transforming() and not bool((torch.isfinite(value) & (value > 0)).all()):
        raise ValueError(f"threshold must be finite and > 0 in every entry, got {value}")
    return value.clamp(min=SMALLEST_THRESHOLD) if value.requires_grad else value


def check_surrogate(surrogate: object) -> SpikeFunction:
    """Return `surrogate` if it takes u and gives spikes; a class or a factory must be called by its user first."""
    if isinstance(surrogate, Surrogate):
        return surrogate
    wanted = "surrogate must be a snnsg_lib surrogate or a callable u -> spikes"
    maker = surrogate.func if isinstance(surrogate, partial) else surrogate
    if isinstance(maker, type):
        raise TypeError(f"{wanted}, got the class {maker.__name__}: make one of it, as in {maker.__name__}(25)")
    if not callable(surrogate):
        raise TypeError(f"{wanted}, got {surrogate!r}")
    if not _takes_one(surrogate):
        raise TypeError(f"{wanted}, got {surrogate!r}, which cannot be called with one argument")
    if not transforming() and not torch.compiler.is_compiling():
        _try_on_one_potential(surrogate)
    return surrogate


def _takes_one(function: Callable) -> bool:
    if isinstance(function, nn.Module):
        return True
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # builtins need not tell
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True


def _try_on_one_potential(surrogate: Callable) -> None:
    """Call a foreign surrogate once, so that one which gives no spikes is refused before anything is computed."""
    random_state, potential = torch.get_rng_state(), torch.zeros(1, 1)
    try:
        with torch.no_grad():
            returned = surrogate(potential)
    except Exception:  # it may be made for one shape, dtype or device: the network will tell
        return
    finally:
        torch.set_rng_state(random_state)
    if not isinstance(returned, Tensor):
        raise no_spikes(surrogate, potential, returned)


def check_flag(name: str, value: object) -> bool:
    """Return `value` if it is a bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return value


def choose_backend(backend: str | None, surrogate: SpikeFunction, *tensors: object) -> str:
    """Return ``"numpy"`` for float32 on the CPU with a surrogate of this library, else ``"torch"``.

    So ``"torch"`` serves a slope that is learnt, and all that runs while torch transforms or records it
    (`transforming`). An explicit ``"numpy"`` that cannot be served raises ValueError.
    """
    fits = isinstance(surrogate, Surrogate) and not surrogate.learns and not transforming()
    for tensor in tensors:
        fits = fits and (
            not isinstance(tensor, Tensor)
            or (tensor.dtype == torch.float32 and tensor.device.type == "cpu" and type(tensor) in PLAIN)
        )
    if backend is None:
        return "numpy" if fits else "torch"
    if check_choice("backend", backend, ("numpy", "torch")) == "numpy" and not fits:
        raise ValueError(
            "backend must be 'torch' or None here: 'numpy' serves float32 tensors on the CPU with a snnsg_lib "
            "surrogate whose slope is not learnt, outside torch.func transforms, forward-mode differentiation, "
            "torch.export and torch.jit.trace"
        )
    return backend


def choose_recurrent_backend(
    backend: str | None, surrogate: SpikeFunction, current: Tensor, reset_mechanism: str, detach_reset: bool
) -> str:
    """As `choose_backend`, but torch for an attached reset to zero: it needs the potential before the reset."""
    chosen = choose_backend(backend, surrogate, current)
    if detach_reset or reset_mechanism != "zero":
        return chosen
    if backend == "numpy":
        raise ValueError("backend must be 'torch' or None with an attached reset to zero, got 'numpy'")
    return "torch"


def transforming() -> bool:
    """Whether torch looks at each operation: then tensors have no NumPy view, or what is done to it goes unseen.

    So it is inside a torch.func transform (vmap, jvp, jacrev), in forward-mode differentiation, while torch.jit.trace
    records, and under a dispatch mode (torch.export, make_fx, fake tensors).
    """
    return (
        torch._C._functorch.peek_interpreter_stack() is not None
        or forward_ad._current_level >= 0
        or torch.jit.is_tracing()
        or torch._C._len_torch_dispatch_stack() > 0
    )


def refuse_second_derivative() -> None:
    """Raise in a backward pass with create_graph=True: NumPy leaves no graph, the gradient would look constant."""
    if torch.is_grad_enabled():
        raise RuntimeError(
            "the numpy backend is differentiable once: with create_graph=True choose backend='torch' "
            "(or net.backend = 'torch')"
        )


def as_array(value: Number) -> np.ndarray:
    """View a CPU tensor as an array, or make a float a 0-d float32 array, which ufuncs take fastest."""
    return value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value, dtype=np.float32)


def arrays_of(values: Iterable[Number | None]) -> list[Any]:
    """`as_array` of each value, None where there is none."""
    return [None if value is None else as_array(value) for value in values]


def _check_broadcasts(name: str, value: Tensor, current: Tensor) -> None:
    step = current.shape[1:]
    try:
        fits = torch.broadcast_shapes(value.shape, step) == step
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must broadcast against one step of shape {tuple(step)}, got {tuple(value.shape)}")
    _check_kind(name, value, current)


def _check_kind(name: str, value: Tensor, current: Tensor) -> None:
    if value.dtype != current.dtype:
        raise TypeError(f"{name} must have the dtype of current, {current.dtype}, got {value.dtype}")
    if value.device != current.device:
        raise ValueError(f"{name} must be on the device of current, {current.device}, got {value.device}")
