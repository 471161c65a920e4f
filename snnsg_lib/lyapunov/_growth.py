"""How fast tangent vectors of a recurrent spiking network grow, and the adjoint: see `surrogate` for the equations."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .spectrum import check_growth, orthonormalise

BLOCK = 16  # steps whose gradients of the factors are collected at once


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


class LogGrowth(torch.autograd.Function):
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
