"""A recurrent layer of leaky integrate-and-fire neurons over a whole sequence.

Equations (subtract), with V the recurrent weight and alpha = 0 where there is no synaptic current:
syn[t] = alpha syn[t-1] + current[t] + spk[t-1] V, mem[t] = beta mem[t-1] + syn[t] - reset[t] threshold.
"zero" sets mem to zero after the input is added, as snn.RLeaky and snn.RSynaptic do; snn.Leaky does so before the
decay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from snnsg_lib.checks import check_choice
from snnsg_lib.surrogates import FastSigmoid

from . import arguments
from ._torch import torch_recurrent_scan
from .arguments import Number, SpikeFunction, arrays_of


def rlif_scan(
    current: Tensor,
    recurrent_weight: Tensor,
    beta: Number = 0.9,
    threshold: Number = 1.0,
    surrogate: SpikeFunction | None = None,
    reset_mechanism: str = "subtract",
    alpha: Number | None = None,
    syn: Tensor | None = None,
    mem: Tensor | None = None,
    spk: Tensor | None = None,
    detach_reset: bool = True,
    backend: str | None = None,
) -> tuple[Tensor, ...]:
    """Run recurrent leaky integrate-and-fire neurons over a sequence, as a loop of `snn.RLeaky` or `snn.RSynaptic`.

    Parameters
    ----------
    current : Tensor, (num_steps, batch, neurons) or (num_steps, replicas, batch, neurons)
        Input current; never changed.
    recurrent_weight : Tensor, (neurons, neurons) or (replicas, neurons, neurons)
        Row i holds what a spike of neuron i adds to the current of each neuron in the next step: the transpose of
        `recurrent.weight` in snnTorch.
    beta, threshold, surrogate, reset_mechanism, detach_reset, backend
        As in `lif_scan`. An attached reset to zero is served by the ``"torch"`` backend.
    alpha : float or Tensor, optional
        Decay of the synaptic current, in [0, 1], otherwise like `beta`; None: no synaptic current.
    syn, mem, spk : Tensor, (..., neurons), optional
        State before the first step; zeros by default. The first reset follows from `mem`, the first recurrent input
        from `spk`, as in snnTorch.

    Returns
    -------
    spk, mem or spk, syn, mem : Tensor, (num_steps, ..., neurons)
        In snnTorch's order: with `alpha` also the synaptic current.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type, shape, dtype, device or range.
    """
    surrogate = FastSigmoid(25.0) if surrogate is None else arguments.check_surrogate(surrogate)
    arguments.check_current(current, dims=3)
    step = current.shape[1:]
    weight_shape = (*step[:-2], step[-1], step[-1])
    arguments.check_like("recurrent_weight", recurrent_weight, current, weight_shape, optional=False)
    if alpha is None and syn is not None:
        raise ValueError("syn must be None without alpha: there is no synaptic current to start from")
    for name, state in (("syn", syn), ("mem", mem), ("spk", spk)):
        arguments.check_like(name, state, current, step)
    beta = arguments.check_decay("beta", beta, current)
    alpha = None if alpha is None else arguments.check_decay("alpha", alpha, current)
    threshold = arguments.check_threshold(threshold, current)
    check_choice("reset_mechanism", reset_mechanism, arguments.RESETS)
    arguments.check_flag("detach_reset", detach_reset)
    backend = arguments.choose_recurrent_backend(backend, surrogate, current, reset_mechanism, detach_reset)
    return recurrent_scan(
        current,
        recurrent_weight,
        beta,
        threshold,
        surrogate,
        reset_mechanism,
        alpha,
        (syn, mem, spk),
        detach_reset,
        backend,
    )


def recurrent_scan(
    current: Tensor,
    weight: Tensor,
    beta: Number,
    threshold: Number,
    surrogate: SpikeFunction,
    reset_mechanism: str,
    alpha: Number | None = None,
    state: tuple[Tensor | None, Tensor | None, Tensor | None] = (None, None, None),
    detach_reset: bool = True,
    backend: str = "numpy",
    slope_dims: int = 0,
) -> tuple[Tensor, ...]:
    """`rlif_scan` without checks; `state` is (syn, mem, spk) and `slope_dims` as in `feedforward.scan`."""
    if backend == "torch":
        settings = (surrogate, reset_mechanism, detach_reset, slope_dims)
        return torch_recurrent_scan(current, weight, beta, threshold, alpha, state, settings)
    zeros = torch.zeros_like(current[0])
    syn, mem, spk = (zeros if x is None else x for x in state)
    settings = (surrogate, reset_mechanism, detach_reset, slope_dims)
    spk, syn, mem = _NumpyScan.apply(current, weight, beta, threshold, alpha, syn, mem, spk, settings)
    return (spk, mem) if alpha is None else (spk, syn, mem)


class _NumpyScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, current, weight, beta, threshold, alpha, syn0, mem0, spk0, settings):
        ctx.set_materialize_grads(False)
        mem, spk = torch.empty_like(current), torch.empty_like(current)
        syn = None if alpha is None else torch.empty_like(current)
        parameters = (beta, threshold, alpha)
        _run_steps(current, weight, parameters, settings[1], (syn0, mem0, spk0), (syn, mem, spk))
        ctx.settings = settings
        ctx.numbers = [None if isinstance(x, Tensor) else x for x in parameters]
        tensors = [x if isinstance(x, Tensor) else None for x in parameters]
        ctx.save_for_backward(weight, syn, mem, spk, syn0, mem0, spk0, *tensors)
        return spk, syn, mem

    @staticmethod
    def backward(ctx, grad_spk, grad_syn, grad_mem):
        arguments.refuse_second_derivative()
        if grad_spk is None and grad_syn is None and grad_mem is None:
            return (None,) * 9
        weight, syn, mem, spk, syn0, mem0, spk0, *tensors = ctx.saved_tensors
        parameters = [n if t is None else t for n, t in zip(ctx.numbers, tensors, strict=True)]
        rule = _Backward(weight, parameters, ctx.settings, (syn, mem, spk), (syn0, mem0, spk0))
        rule.run(grad_spk, grad_syn, grad_mem)
        needs = ctx.needs_input_grad
        rules = (
            lambda: rule.from_syn, rule.grad_weight, rule.grad_beta, lambda: rule.grad_threshold(grad_spk),
            rule.grad_alpha, rule.grad_syn0, rule.grad_mem0, rule.grad_spk0,
        )  # fmt: skip
        return (*(make() if needed else None for make, needed in zip(rules, needs, strict=False)), None)


def _product_buffers(weight: Tensor, like: Tensor) -> tuple[np.ndarray, np.ndarray, Callable[[], Tensor]]:
    """Fixed steps `left` and `total`, as arrays, and a call that does total += left @ weight.

    The product goes through torch, as NumPy's own BLAS does not obey torch.set_num_threads; fixed tensors save a view
    a step.
    """
    left, total = torch.empty_like(like), torch.empty_like(like)
    add_product = partial(torch.addmm if weight.dim() == 2 else torch.baddbmm, total, left, weight, out=total)
    return left.numpy(), total.numpy(), add_product


def _run_steps(current, weight, parameters, reset_mechanism, state, outputs):
    """Fill the blocks syn (or None), mem and spk of `outputs` from the state before the first step."""
    beta, threshold, alpha = arrays_of(parameters)
    unit_threshold = threshold.ndim == 0 and threshold == 1
    last_syn, last_mem, spk0 = (x.detach().numpy() for x in state)
    last_spk, total, add_product = _product_buffers(weight.detach(), state[1].detach())
    reset = (last_mem > threshold).astype(np.float32)
    np.copyto(last_spk, spk0)
    syn, mem, spk = arrays_of(outputs)
    scratch, fired = np.empty_like(last_mem), np.empty(mem.shape, dtype=bool)
    for t, (step_current, step_mem, step_fired) in enumerate(zip(current.detach().numpy(), mem, fired, strict=True)):
        last, decay = (last_mem, beta) if alpha is None else (last_syn, alpha)
        np.multiply(last, decay, total)
        np.add(total, step_current, total)
        add_product()
        if alpha is not None:
            last_syn = syn[t]
            np.copyto(last_syn, total)
            np.multiply(last_mem, beta, scratch)
            np.add(scratch, last_syn, total)
        if reset_mechanism == "none":
            np.copyto(step_mem, total)
        elif reset_mechanism == "zero":
            np.multiply(total, 1 - reset, step_mem)
        elif unit_threshold:
            np.subtract(total, reset, step_mem)
        else:
            np.multiply(reset, threshold, scratch)
            np.subtract(total, scratch, step_mem)
        np.greater(step_mem, threshold, step_fired)
        np.copyto(last_spk, step_fired)
        last_mem, reset = step_mem, last_spk
    np.copyto(spk, fired)


class _Backward:
    """Gradients of one scan, backwards in time.

    With d the surrogate derivative: to_spk[t] = grad_spk[t] + from_syn[t+1] V^T;
    to_mem[t] = grad_mem[t] + d[t] to_spk[t] + beta from_mem[t+1]; from_mem = to_mem, or (1 - reset) to_mem for "zero";
    from_syn[t] = grad_syn[t] + from_mem[t] + alpha from_syn[t+1] is the gradient of the current.
    """

    def __init__(self, weight, parameters, settings, blocks, state):
        self.weight, (self.beta, self.threshold, self.alpha) = weight, parameters
        self.surrogate, self.reset_mechanism, self.detach_reset, slope_dims = settings
        self.slope = self.surrogate.slope_along(slope_dims)
        (self.syn, self.mem, self.spk), (self.syn0, self.mem0, self.spk0) = blocks, state
        self.reset0 = (self.mem0 > self.threshold).to(self.mem.dtype)
        self.attached = not self.detach_reset and self.reset_mechanism == "subtract"

    def run(self, grad_spk, grad_syn, grad_mem):
        mem = self.mem
        self.to_mem = torch.empty_like(mem)
        self.from_mem = self.to_mem if self.reset_mechanism != "zero" else torch.empty_like(mem)
        self.from_syn = self.from_mem if self.alpha is None else torch.empty_like(mem)
        beta, threshold, alpha, slope = arrays_of((self.beta, self.threshold, self.alpha, self.slope))
        derivative = np.subtract(mem.numpy(), threshold)
        self.surrogate.derivative_into(derivative, derivative, slope)
        later_syn, total, add_product = _product_buffers(self.weight.detach().mT, mem[0])
        later_syn.fill(0)
        later_from_mem = later_to_mem = np.zeros_like(later_syn)
        grad_spk, grad_syn, grad_mem = arrays_of((grad_spk, grad_syn, grad_mem))
        reset0, spk = self.reset0.numpy(), self.spk.numpy()
        to_mem, from_mem, from_syn = self.to_mem.numpy(), self.from_mem.numpy(), self.from_syn.numpy()
        scratch = np.empty_like(later_syn)
        backwards = (block[::-1] for block in (to_mem, from_mem, from_syn, derivative))
        for t, (g, g_mem, g_syn, d) in zip(range(len(to_mem) - 1, -1, -1), zip(*backwards, strict=True), strict=True):
            np.copyto(total, 0 if grad_spk is None else grad_spk[t])
            add_product()
            if self.attached:
                np.multiply(later_to_mem, threshold, scratch)
                np.subtract(total, scratch, total)
            np.multiply(total, d, total)
            np.multiply(later_from_mem, beta, scratch)
            np.add(total, scratch, g)
            if grad_mem is not None:
                np.add(g, grad_mem[t], g)
            if self.reset_mechanism == "zero":
                np.multiply(g, 1 - (spk[t - 1] if t else reset0), g_mem)
            if alpha is not None:
                np.multiply(later_syn, alpha, scratch)
                np.add(scratch, g_mem, g_syn)
                if grad_syn is not None:
                    np.add(g_syn, grad_syn[t], g_syn)
            later_to_mem, later_from_mem = g, g_mem
            np.copyto(later_syn, g_syn)

    def _before(self, block, first):
        """The block one step earlier."""
        return torch.cat([first.unsqueeze(0), block[:-1]])

    def grad_weight(self):
        first = self.spk0.mT @ self.from_syn[0]
        before, after = self.spk[:-1], self.from_syn[1:]
        if self.weight.dim() == 2:
            return first + before.flatten(0, 1).mT @ after.flatten(0, 1)
        # (num_steps, replicas, batch, neurons) -> (replicas, num_steps * batch, neurons)
        before, after = (x.movedim(1, 0).flatten(1, 2) for x in (before, after))
        return first + before.mT @ after

    def grad_beta(self):
        return (self.from_mem * self._before(self.mem, self.mem0)).sum(0).sum_to_size(self.beta.shape)

    def grad_alpha(self):
        return (self.from_syn * self._before(self.syn, self.syn0)).sum(0).sum_to_size(self.alpha.shape)

    def grad_threshold(self, grad_spk):
        """The threshold acts in every spike, and with "subtract" in every reset."""
        to_spk = torch.zeros_like(self.mem) if grad_spk is None else grad_spk.clone()
        to_spk[:-1] += self.from_syn[1:] @ self.weight.mT
        if self.attached:
            to_spk[:-1] -= self.threshold * self.to_mem[1:]
        total = -(to_spk * self._derivative(self.mem)).sum(0)
        if self.reset_mechanism == "subtract":
            total -= (self.to_mem * self._before(self.spk, self.reset0)).sum(0)
        if self.attached:
            total += self.to_mem[0] * self.threshold * self._derivative(self.mem0)
        return total.sum_to_size(self.threshold.shape)

    def grad_syn0(self):
        return self.alpha * self.from_syn[0]

    def grad_mem0(self):
        grad = self.beta * self.from_mem[0]
        return grad - self.threshold * self._derivative(self.mem0) * self.to_mem[0] if self.attached else grad

    def grad_spk0(self):
        return self.from_syn[0] @ self.weight.mT

    def _derivative(self, mem):
        return self.surrogate.derivative(mem - self.threshold, self.slope)
