"""What an optimizer remembers when the slope jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

# What optimizers keep for each weight, and with which power of the gradient it grows.
POWERS = {"exp_avg": 1, "momentum_buffer": 1, "exp_avg_sq": 2, "max_exp_avg_sq": 2}


@contextmanager
def moments_follow(
    optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor], chosen: Tensor | None = None
) -> Iterator[None]:
    """Let the moments of Adam (or the momentum of SGD) follow the scale of the gradient when the slope changes.

    A steeper surrogate sends smaller gradients to the early layers. Adam divides by the root of a mean square with a
    memory of 1 / (1 - beta2) updates: after a jump, the large gradients of the old slope are still in it, and learning
    stands still. So the gradient of `loss` is measured before and after the block, and the first moment of each
    parameter is multiplied by the ratio of their lengths, the second by its square: as if all gradients so far had
    come from the new slope.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Adam and its kin, or SGD.
    loss : callable
        ``loss()`` returns the loss on one and the same batch: a scalar, or (R,) where each parameter has a leading
        axis of R replicas, which are then rescaled one by one.
    chosen : Tensor (R,) of bool, optional
        Only these replicas.

    Examples
    --------
    >>> with moments_follow(optimizer, lambda: loss_fn(net, batch)):
    ...     scheduler.step(reward)
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    before = _lengths(loss(), parameters)
    yield
    after = _lengths(loss(), parameters)
    for parameter, old, new in zip(parameters, before, after, strict=True):
        ratio = new / old
        # Where a layer gets no gradient at all, there is no scale to follow.
        usable = torch.isfinite(ratio) & (ratio > 0)
        ratio = torch.where(usable if chosen is None else usable & chosen, ratio, torch.ones_like(ratio))
        ratio = ratio.reshape(*ratio.shape, *[1] * (parameter.dim() - ratio.dim())).to(parameter.dtype)
        kept = optimizer.state.get(parameter, {})
        for name in POWERS.keys() & kept.keys():
            if kept[name] is not None:
                kept[name].mul_(ratio ** POWERS[name])


def _lengths(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Length of the gradient of each parameter, () or (R,), in float64: squares of tiny gradients underflow."""
    grads = torch.autograd.grad(loss.sum(), parameters, allow_unused=True)
    first = loss.dim()  # 1 where replicas are kept apart
    present = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, grads, strict=True)]
    return [
        grad.double().flatten(first).norm(dim=-1) if grad.dim() > first else grad.double().abs() for grad in present
    ]
