"""A layer of leaky integrate-and-fire neurons over a whole sequence.

Equations (subtract): mem[t] = beta mem[t-1] + current[t] - reset[t] threshold, reset[t] = spk[t-1],
spk[t] = 1 where mem[t] > threshold. Backward, with h the surrogate derivative at mem - threshold:
g[t] = grad_mem[t] + h[t] grad_spk[t] + carry[t] g[t+1], carry[t] = d mem[t+1] / d mem[t], and
d loss / d current[t] = g[t].
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnsg_lib.checks import check_choice
from snnsg_lib.surrogates import FastSigmoid

from . import arguments
from ._torch import torch_scan
from .arguments import Number, SpikeFunction, as_array
from .layout import as_rows, as_steps, step_arrays

# The backward pass takes as many steps at once as fit the cache: elements of one block.
CHUNK_ELEMENTS = 1 << 15


def lif_scan(
    current: Tensor,
    beta: Number = 0.9,
    threshold: Number = 1.0,
    surrogate: SpikeFunction | None = None,
    reset_mechanism: str = "subtract",
    mem: Tensor | None = None,
    detach_reset: bool = True,
    backend: str | None = None,
) -> tuple[Tensor, Tensor]:
    """Run leaky integrate-and-fire neurons over a sequence; forward and gradient equal a loop of `snn.Leaky`.

    Parameters
    ----------
    current : Tensor, (num_steps, ..., neurons)
        Input current; never changed.
    beta : float or Tensor
        Decay per step, in [0, 1]. A tensor must broadcast against one step, e.g. (neurons,) or (replicas, 1, 1), and
        may require a gradient: it is then clamped to the range rather than checked.
    threshold : float or Tensor
        > 0, otherwise like `beta`. A neuron spikes where mem > threshold, strictly.
    surrogate : callable, optional
        A surrogate of this library or of snnTorch; by default ``FastSigmoid(25)``. Its slope is read in the backward
        pass.
    reset_mechanism : {"subtract", "zero", "none"}
        What a spike does to mem in the next step: subtract the threshold, set it to zero before the decay, or nothing.
    mem : Tensor, (..., neurons), optional
        Membrane potential before the first step; zeros by default. Above threshold it resets in the first step.
    detach_reset : bool
        Whether the reset is a constant in the backward pass, as in snnTorch.
    backend : {"numpy", "torch"}, optional
        ``"numpy"``: ufuncs on zero-copy views, float32 on the CPU, differentiable once. ``"torch"``: any float dtype
        and device, double backward, torch.func. By default the first where it can serve, else the second.

    Returns
    -------
    spk, mem : Tensor, (num_steps, ..., neurons)
        Spikes, 0 or 1, and the membrane potential after each step, above threshold where the neuron spikes.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape, dtype, device or range.
    """
    surrogate = FastSigmoid(25.0) if surrogate is None else arguments.check_surrogate(surrogate)
    arguments.check_current(current)
    arguments.check_like("mem", mem, current, current.shape[1:])
    beta = arguments.check_decay("beta", beta, current)
    threshold = arguments.check_threshold(threshold, current)
    check_choice("reset_mechanism", reset_mechanism, arguments.RESETS)
    arguments.check_flag("detach_reset", detach_reset)
    backend = arguments.choose_backend(backend, surrogate, current)
    return scan(current, beta, threshold, surrogate, reset_mechanism, mem, detach_reset, backend)


def scan(
    current: Tensor,
    beta: Number,
    threshold: Number,
    surrogate: SpikeFunction,
    reset_mechanism: str,
    mem: Tensor | None = None,
    detach_reset: bool = True,
    backend: str = "numpy",
    num_steps: int | None = None,
    slope_dims: int = 0,
    noise: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """`lif_scan` without checks and, with `num_steps`, on the matrices that a linear layer makes and takes.

    Parameters
    ----------
    current, beta, threshold, surrogate, reset_mechanism, mem, detach_reset, backend
        As in `lif_scan`, valid.
    num_steps : int, optional
        If given, `current`, spk and mem have the shape (num_steps * batch, neurons) or, with replicas,
        (replicas, num_steps * batch, neurons): the layout of products, which saves views and copies between layers. The
        memory of `current` is then reused for mem, so the operation that made it must not need it in its own backward.
    slope_dims : int
        Trailing dimensions of a step behind the axis that a one-dimensional slope runs along: 2 for one slope per
        replica.
    noise : Tensor, optional
        Added to the threshold of each spike, not to its surrogate derivative; laid out as `current`, and without
        replica axis shared by all replicas. Minus infinity forces a spike, infinity forbids it.
    """
    if backend == "torch":
        steps, noise = (None if x is None else as_steps(x, num_steps) for x in (current, noise))
        spk, mem = torch_scan(steps, beta, threshold, surrogate, reset_mechanism, mem, detach_reset, slope_dims, noise)
        return as_rows(spk, num_steps), as_rows(mem, num_steps)
    settings = (surrogate, reset_mechanism, detach_reset, num_steps, slope_dims, noise)
    return _NumpyScan.apply(current, mem, beta, threshold, settings)


class _NumpyScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, mem0, beta, threshold, settings):
        ctx.set_materialize_grads(False)
        ctx.settings = settings
        _, reset_mechanism, _, num_steps, _, noise = settings
        spk = torch.empty_like(current)
        currents, spikes = step_arrays(current, num_steps), step_arrays(spk, num_steps)
        if num_steps is None:
            mem = torch.empty_like(current)
            mems = mem.numpy()
        else:
            mem, mems = current, currents
            ctx.mark_dirty(current)
        start = None if mem0 is None else mem0.detach().numpy()
        noises = step_arrays(noise, num_steps)
        if noises is not None and noises.ndim < currents.ndim:  # one noise for all replicas
            noises = noises[:, None]
        _run_steps(start, as_array(beta), as_array(threshold), reset_mechanism, currents, mems, spikes, noises)
        # Tensors among the parameters go through save_for_backward, which guards them against later changes.
        ctx.beta, ctx.threshold = (None if isinstance(x, Tensor) else x for x in (beta, threshold))
        tensors = (x if isinstance(x, Tensor) else None for x in (beta, threshold))
        ctx.save_for_backward(mem, spk, mem0, *tensors)
        return spk, mem

    @staticmethod
    def backward(ctx, grad_spk, grad_mem):
        arguments.refuse_second_derivative()
        if grad_spk is None and grad_mem is None:
            return None, None, None, None, None
        mem, spk, mem0, beta, threshold = ctx.saved_tensors
        beta = ctx.beta if beta is None else beta
        threshold = ctx.threshold if threshold is None else threshold
        surrogate, reset_mechanism, detach_reset, num_steps, slope_dims, _ = ctx.settings
        grad = torch.empty_like(mem)
        rule = _Backward(beta, threshold, surrogate, reset_mechanism, detach_reset, surrogate.slope_along(slope_dims))
        rule.fill(*(step_arrays(x, num_steps) for x in (grad, mem, spk, grad_spk, grad_mem)))
        _, needs_mem0, needs_beta, needs_threshold, _ = ctx.needs_input_grad
        if not (needs_mem0 or needs_beta or needs_threshold):
            return grad, None, None, None, None
        g, mem, spk = (as_steps(x, num_steps) for x in (grad, mem, spk))
        grad_spk = None if grad_spk is None else as_steps(grad_spk, num_steps)
        return (
            grad,
            rule.grad_mem0(g, mem0) if needs_mem0 else None,
            rule.grad_beta(g, mem, spk, mem0) if needs_beta else None,
            rule.grad_threshold(g, mem, spk, grad_spk, mem0) if needs_threshold else None,
            None,
        )


def _run_steps(mem0, beta, threshold, reset_mechanism, current, mem, spk, noise=None):
    """Fill `mem` and `spk`, both (num_steps, ...), from `current`, which may be `mem` itself."""
    unit_threshold = threshold.ndim == 0 and threshold == 1
    scratch = np.empty_like(mem[0])
    fired = np.empty(mem[0].shape, dtype=bool)
    previous: Any = mem0
    previous_spikes: Any = None if mem0 is None else (mem0 > threshold).astype(mem0.dtype)
    levels = [threshold] * len(mem) if noise is None else noise + threshold
    for step_current, step_mem, step_spk, level in zip(current, mem, spk, levels, strict=True):
        if previous is None:
            if current is not mem:
                np.copyto(step_mem, step_current)
        else:
            np.multiply(previous, beta, scratch)
            if reset_mechanism == "zero":
                np.multiply(scratch, 1 - previous_spikes, scratch)
            np.add(scratch, step_current, step_mem)
            if reset_mechanism == "subtract":
                if unit_threshold:
                    np.subtract(step_mem, previous_spikes, step_mem)
                else:
                    np.multiply(previous_spikes, threshold, scratch)
                    np.subtract(step_mem, scratch, step_mem)
        # Comparing into bool and copying is faster than comparing into float32.
        np.greater(step_mem, level, fired)
        np.copyto(step_spk, fired)
        previous, previous_spikes = step_mem, step_spk


class _Backward:
    """The gradients of one scan; `grad` is the gradient that reaches mem, and so the current, at each step."""

    def __init__(self, beta, threshold, surrogate, reset_mechanism, detach_reset, slope):
        self.beta, self.threshold, self.surrogate, self.slope = beta, threshold, surrogate, slope
        self.reset_mechanism, self.detach_reset = reset_mechanism, detach_reset

    def fill(self, grads, mems, spikes, from_spk, from_mem):
        """Write the gradient of the current into `grads`; all arrays (num_steps, ...)."""
        beta, threshold, slope = as_array(self.beta), as_array(self.threshold), as_array(self.slope)
        per_chunk = max(1, CHUNK_ELEMENTS // mems[0].size)
        h = np.empty_like(mems[:per_chunk]) if self._carry_needs_derivative() else None
        scratch, later = np.empty_like(mems[0]), None
        for stop in range(len(mems), 0, -per_chunk):
            chunk = slice(max(0, stop - per_chunk), stop)
            g, n = grads[chunk], min(per_chunk, stop)
            if h is not None:
                np.subtract(mems[chunk], threshold, h[:n])
                self.surrogate.derivative_into(h[:n], h[:n], slope)
                np.multiply(h[:n], 0 if from_spk is None else from_spk[chunk], g)
            elif from_spk is not None:
                np.subtract(mems[chunk], threshold, g)
                self.surrogate.derivative_into(g, g, slope, factor=from_spk[chunk])
            else:
                g.fill(0)
            if from_mem is not None:
                np.add(g, from_mem[chunk], g)
            carry = self._carry(beta, threshold, mems[chunk], spikes[chunk], None if h is None else h[:n])
            carries = carry if carry.ndim == mems.ndim else [carry] * n
            for step in range(n - 1, -1, -1):
                if later is not None:
                    np.multiply(later, carries[step], scratch)
                    np.add(g[step], scratch, g[step])
                later = g[step]

    def _carry_needs_derivative(self):
        return not self.detach_reset and self.reset_mechanism != "none"

    def _carry(self, beta, threshold, mem, spk, h):
        """D mem[t+1] / d mem[t], as arrays or as tensors."""
        if self.reset_mechanism == "zero":
            return beta * ((1 - spk) if self.detach_reset else (1 - spk - mem * h))
        if self.reset_mechanism == "subtract" and not self.detach_reset:
            return beta - threshold * h
        return beta

    def _derivative(self, mem):
        return self.surrogate.derivative(mem - self.threshold, self.slope)

    def _initial(self, mem0, like):
        mem0 = torch.zeros_like(like[0]) if mem0 is None else mem0
        return mem0, (mem0 > self.threshold).to(mem0.dtype)

    def _shifted(self, block, first):
        """The block one step earlier."""
        return torch.cat([first.unsqueeze(0), block[:-1]])

    def grad_mem0(self, grad, mem0):
        mem0, spk0 = self._initial(mem0, grad)
        return grad[0] * self._carry(self.beta, self.threshold, mem0, spk0, self._derivative(mem0))

    def grad_beta(self, grad, mem, spk, mem0):
        mem0, spk0 = self._initial(mem0, grad)
        before = self._shifted(mem, mem0)
        if self.reset_mechanism == "zero":
            before = before * (1 - self._shifted(spk, spk0))
        return (grad * before).sum(0).sum_to_size(self.beta.shape)

    def grad_threshold(self, grad, mem, spk, grad_spk, mem0):
        """The threshold acts in every spike, and with "subtract" in every reset."""
        mem0, spk0 = self._initial(mem0, grad)
        before, resets = self._shifted(mem, mem0), self._shifted(spk, spk0)
        total = torch.zeros_like(grad[0])
        if grad_spk is not None:
            total -= (grad_spk * self._derivative(mem)).sum(0)
        if self.reset_mechanism == "subtract":
            total -= (grad * resets).sum(0)
        if self._carry_needs_derivative():
            per_spike = self.threshold if self.reset_mechanism == "subtract" else self.beta * before
            total += (grad * per_spike * self._derivative(before)).sum(0)
        return total.sum_to_size(self.threshold.shape)
