"""Surrogate Lyapunov exponents of a recurrent spiking network, with a gradient derived by hand.

The state of a `RecurrentLIF` is (syn, mem). With V the recurrent weight (row i holds the targets of neuron i), c its
scale and d the surrogate derivative at the last mem, a tangent vector (p, q) of it is pushed by

    p' = alpha p + (d q) c V        q' = keep q + passed p'

keep and passed are beta and 1 with the subtracted reset (keep = beta - threshold d if it is attached); with reset to
zero, passed = 1 - reset and keep = passed beta (minus total d if attached, total being mem before the reset). Without
synaptic current there is no p and p' = (d q) c V. Products with V are all that is needed: the 2N x 2N Jacobian is never
formed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnsg_lib.lyapunov.spectrum import check_growth, check_schedule, first_tangents, orthonormalise
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.networks import _parts as parts
from snnsg_lib.surrogates import Surrogate, spikes_of

BLOCK = 16  # steps whose gradients of the factors are collected at once


def surrogate_lyapunov_spectrum(
    net: RecurrentLIF,
    inputs: Tensor,
    num_exponents: int = 10,
    qr_interval: int = 5,
    transient: int = 50,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Leading Lyapunov exponents, per step, of a network driven by `inputs`, the spike's derivative replaced.

    Differentiable, through the tangent vectors and through the network's own activity. Tangent vectors are float64
    for a network of any dtype.

    Parameters
    ----------
    net : RecurrentLIF
        With a surrogate of this library.
    inputs : Tensor, (num_steps, batch, in) or (num_steps, replicas, batch, in)
        As for ``net(inputs)``; the state begins from zeros.
    num_exponents : int
        How many (m), in [1, neurons], or [1, 2 neurons] with synaptic current.
    qr_interval, transient, rng
        As in `lyapunov_spectrum`; `transient` must be below num_steps.

    Returns
    -------
    Tensor, ([replicas,] batch, num_exponents), float64
        Of each trial, largest first up to the error of a finite time.

    Raises
    ------
    LyapunovError
        If the Jacobian is singular along a requested direction, e.g. for trailing exponents with reset to zero.
    TypeError, ValueError
        If an argument has the wrong type, shape or range.

    Notes
    -----
    With the subtracted reset (detached) or none, all 2N exponents of a network with synaptic current sum to
    N ln(alpha beta), whatever its weights and inputs: pushing some up pushes the others down. Without synaptic current,
    and with other resets, the sum is the mean of ln |det Jacobian|, which the weights do change.

    References
    ----------
    Engelken (2023), Gradient Flossing: improving gradient descent through dynamic control of Jacobians.
    """
    if not isinstance(net, RecurrentLIF):
        raise TypeError(f"net must be a RecurrentLIF, got {type(net).__name__}")
    inputs = parts.check_input("inputs", inputs, net.input_weight, time=True)
    size = net.num_neurons * (1 if net.alpha is None else 2)
    ends = check_schedule(len(inputs), num_exponents, qr_interval, transient, size)
    factors = tangent_factors(net, inputs)
    start = first_tangents(size, num_exponents, rng).to(inputs.device)
    sums = _LogGrowth.apply(*factors, start, sorted(ends), transient)
    exponents = sums / (len(inputs) - transient)
    return exponents if net.replicas is not None else exponents.squeeze(0)


class Factors(NamedTuple):
    """What pushes a tangent vector, in float64; a single network has one replica.

    Attributes
    ----------
    weight : Tensor, (replicas, neurons, neurons)
        c V.
    derivative, keep : Tensor, (num_steps, replicas, batch, neurons)
        d and keep of each step.
    passed : Tensor, (num_steps, replicas, batch, neurons), or None
        None stands for 1.
    alpha : Tensor, broadcasts against (replicas, batch, exponents, neurons), or None
        None: no synaptic current.
    """

    weight: Tensor
    derivative: Tensor
    keep: Tensor
    passed: Tensor | None
    alpha: Tensor | None


def tangent_factors(net: RecurrentLIF, inputs: Tensor) -> Factors:
    """Run `net` and return the factors of its tangent map along the way; they keep their graph."""
    surrogate = net.surrogate
    if not isinstance(surrogate, Surrogate):
        raise TypeError(f"net.surrogate must be a snnsg_lib surrogate: its derivative is needed, got {surrogate!r}")
    _, recording = net(inputs, record=True)
    mem, spk = recording.mem[0], recording.spk[0]
    before = torch.cat([torch.zeros_like(mem[:1]), mem[:-1]]).double()
    beta, threshold = (x.double() if isinstance(x, Tensor) else x for x in (net.beta, net.threshold))
    slope_dims = 0 if net.replicas is None else 2
    centred = before - threshold
    derivative = surrogate.derivative(centred, surrogate.slope_along(slope_dims))
    keep, passed = torch.as_tensor(beta, dtype=torch.float64, device=mem.device), None
    if net.reset_mechanism == "zero":
        reset = spikes_of(surrogate, centred, slope_dims)
        passed = 1 - (reset.detach() if net.detach_reset else reset)
        keep = passed * keep
    if not net.detach_reset and net.reset_mechanism == "subtract":
        keep = keep - threshold * derivative
    elif not net.detach_reset and net.reset_mechanism == "zero":
        keep = keep - _before_reset(net, inputs, before, spk, recording.syn) * derivative
    keep = keep.expand_as(before)
    weight = (net.recurrent_weight * net.current_scale).double()
    if net.replicas is None:
        weight, derivative, keep = weight.unsqueeze(0), derivative.unsqueeze(1), keep.unsqueeze(1)
        passed = None if passed is None else passed.unsqueeze(1)
    return Factors(weight, derivative, keep, passed, _alpha_of(net))


def _alpha_of(net: RecurrentLIF) -> Tensor | None:
    """Alpha in float64, () or (neurons,), or with replicas (replicas, 1, 1, neurons)."""
    if net.alpha is None:
        return None
    alpha = torch.as_tensor(net.alpha, dtype=torch.float64, device=net.recurrent_weight.device)
    return alpha.unsqueeze(1) if alpha.dim() == 3 else alpha


def _before_reset(net: RecurrentLIF, inputs: Tensor, before: Tensor, spk: Tensor, syn: list[Tensor]) -> Tensor:
    """The potential of each step before a reset to zero takes it away."""
    if syn:
        return net.beta * before + syn[0].double()
    spk_before = torch.cat([torch.zeros_like(spk[:1]), spk[:-1]])
    recurrent = spk_before @ (net.recurrent_weight * net.current_scale)
    return net.beta * before + (net.input_current(inputs) + recurrent).double()


class _LogGrowth(torch.autograd.Function):
    """Sum of ln |R_ii| over the QR decompositions after the transient, (replicas, batch, m).

    Tangent vectors are rows, (replicas, batch, m, [syn |] mem), so that one product with V serves them all.
    """

    @staticmethod
    def forward(ctx, weight, derivative, keep, passed, alpha, start, ends, transient):
        num_steps, replicas, batch, _ = derivative.shape
        tape_length = num_steps + 1 if any(ctx.needs_input_grad) else 2
        tape = derivative.new_empty(tape_length, replicas, batch, *start.shape)  # before each step, and after the last
        tape[0] = start
        push = _Push(Factors(weight, derivative, keep, passed, alpha), tape)
        growths = []
        for first, end in zip([0, *ends], ends, strict=False):
            for t in range(first, end):
                push(t)
            growths.append(orthonormalise(tape[end % tape_length]))
        stacked = torch.stack(growths)
        check_growth(stacked)
        ctx.save_for_backward(weight, derivative, keep, passed, alpha, tape, stacked)
        ctx.ends, ctx.transient = ends, transient
        counted = [number for number, end in enumerate(ends) if end > transient]
        return stacked[counted].diagonal(dim1=-2, dim2=-1).abs().log().sum(0)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_sums):
        *factors, tape, growths = ctx.saved_tensors
        adjoint = _Adjoint(Factors(*factors), tape, ctx.needs_input_grad)
        num_steps, grad = len(tape) - 1, torch.zeros_like(tape[-1])
        counts = {end: grad_sums if end > ctx.transient else torch.zeros_like(grad_sums) for end in ctx.ends}
        decompositions = {end: (growth, counts[end]) for end, growth in zip(ctx.ends, growths, strict=True)}
        for first in reversed(range(0, num_steps, BLOCK)):
            grad = adjoint.pull(grad, first, min(first + BLOCK, num_steps), decompositions)
        return (*adjoint.gradients, None, None, None)


def _steps(block: Tensor | None, count: int) -> list:
    """A view of each step with an axis for the exponents, made at once: one by one they cost as much as the sums."""
    return [None] * count if block is None else list(block.unsqueeze(-2).unbind(0))


class _Push:
    """Writes the tangents after step t into the tape, given those before it."""

    def __init__(self, factors: Factors, tape: Tensor):
        self.weight, self.alpha = factors.weight, factors.alpha
        count, neurons = len(factors.derivative), factors.weight.shape[-1]
        blocks = (factors.derivative, factors.keep, factors.passed)
        self.factors = list(zip(*(_steps(block, count) for block in blocks), strict=True))
        self.syn, self.mem = list(tape[..., :neurons].unbind(0)), list(tape[..., -neurons:].unbind(0))
        self.scratch = [torch.empty_like(self.mem[0], memory_format=torch.contiguous_format) for _ in range(2)]
        self.rows = [x.flatten(1, 2) for x in self.scratch]

    def __call__(self, t: int) -> None:
        before, after = t % len(self.mem), (t + 1) % len(self.mem)
        derivative, keep, passed = self.factors[t]
        through_spikes, drive = self.scratch
        torch.mul(self.mem[before], derivative, out=through_spikes)
        torch.bmm(self.rows[0], self.weight, out=self.rows[1])
        if self.alpha is not None:
            drive = torch.addcmul(drive, self.syn[before], self.alpha, out=self.syn[after])
        if passed is not None:
            drive = torch.mul(drive, passed, out=through_spikes)
        torch.addcmul(drive, self.mem[before], keep, out=self.mem[after])


def _qr_adjoint(grad: Tensor, q: Tensor, r: Tensor, grad_logs: Tensor) -> Tensor:
    """Gradient of the tangents (rows) that a QR decomposition turned into `q` (rows) and `r`.

    `grad` is that of `q`, `grad_logs` that of ln |R_ii|. With A = QR: gA = [gQ + Q S] R^-T, where S is symmetric with
    the lower triangle of R gR^T - gQ^T Q (Walter & Lehmann 2012), and R gR^T has the diagonal `grad_logs`.
    """
    lower = (grad @ q.mT).tril()
    symmetric = torch.diag_embed(grad_logs) - lower - lower.tril(-1).mT
    return torch.linalg.solve_triangular(r, grad + symmetric @ q, upper=True)


class _Adjoint:
    """Pulls the gradient of the tangents back through the steps, and collects those of the factors."""

    def __init__(self, factors: Factors, tape: Tensor, needs: tuple[bool, ...]):
        self.factors, self.tape = factors, tape
        self.transposed = factors.weight.mT.contiguous()
        self.gradients = [
            torch.zeros_like(x, memory_format=torch.contiguous_format) if needed and x is not None else None
            for x, needed in zip(factors, needs, strict=False)
        ]

    def pull(self, grad: Tensor, first: int, end: int, decompositions: dict[int, tuple[Tensor, Tensor]]) -> Tensor:
        """Return the gradient of the tangents before step `first`, given that after step `end` - 1.

        `decompositions` holds R and the gradient of its ln |R_ii| by the number of steps done before it.
        """
        _, derivative, keep, passed, alpha = self.factors
        count, neurons = end - first, self.transposed.shape[-1]
        grads = grad.new_empty(count + 1, *grad.shape)  # before each step, and after the last
        grads[-1] = grad
        to_syn, to_mem = grads[..., :neurons].unbind(0), grads[..., -neurons:].unbind(0)
        drives, spikes = grad.new_empty(2, count, *grad.shape[:-1], neurons)
        to_drive, to_spikes = drives.unbind(0), spikes.unbind(0)
        drive_rows, spike_rows = drives.flatten(2, 3).unbind(0), spikes.flatten(2, 3).unbind(0)
        blocks = (None if block is None else block[first:end] for block in (derivative, keep, passed))
        step_derivative, step_keep, step_passed = (_steps(block, count) for block in blocks)
        for t in range(count - 1, -1, -1):
            if first + t + 1 in decompositions:
                after_all = grads[t + 1]
                after_all.copy_(_qr_adjoint(after_all, self.tape[first + t + 1], *decompositions[first + t + 1]))
            after = to_mem[t + 1]
            to_passed = after if passed is None else after * step_passed[t]
            if alpha is None:
                to_drive[t].copy_(to_passed)
            else:
                torch.add(to_passed, to_syn[t + 1], out=to_drive[t])
                torch.mul(to_drive[t], alpha, out=to_syn[t])
            torch.bmm(drive_rows[t], self.transposed, out=spike_rows[t])
            torch.mul(after, step_keep[t], out=to_mem[t])
            to_mem[t].addcmul_(to_spikes[t], step_derivative[t])
        self._collect(first, end, grads[1:, ..., -neurons:], drives, spikes)
        return grads[0]

    def _collect(self, first: int, end: int, to_mem: Tensor, to_drive: Tensor, to_spikes: Tensor) -> None:
        """Add the gradients of the factors over a block of steps."""
        weight, derivative, _, _, alpha = self.factors
        neurons, block = weight.shape[-1], self.tape[first:end]
        syn, mem = block[..., :neurons], block[..., -neurons:]
        through_spikes = mem * derivative[first:end].unsqueeze(-2)
        grad_weight, grad_derivative, grad_keep, grad_passed, grad_alpha = self.gradients
        if grad_weight is not None:
            rows = (x.movedim(1, 0).flatten(1, 3) for x in (through_spikes, to_drive))
            grad_weight.baddbmm_(next(rows).mT, next(rows))
        if grad_derivative is not None:
            grad_derivative[first:end] = (to_spikes * mem).sum(-2)
        if grad_keep is not None:
            grad_keep[first:end] = (to_mem * mem).sum(-2)
        if grad_passed is not None:
            drive = (through_spikes.flatten(2, 3) @ weight).view_as(to_mem)
            drive = drive if alpha is None else drive + alpha * syn
            grad_passed[first:end] = (to_mem * drive).sum(-2)
        if grad_alpha is not None:
            grad_alpha += (to_drive * syn).sum(0).sum_to_size(grad_alpha.shape)
