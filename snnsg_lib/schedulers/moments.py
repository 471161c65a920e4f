"""What an optimizer remembers when the slope jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from snnsg_lib.measuring import RandomStates, as_found, generators_in, reachable_from

ADAM = {"step": 0, "exp_avg": 1, "exp_avg_sq": 2, "max_exp_avg_sq": 2}
# What each optimizer of torch keeps for a weight, and with which power of the gradient it grows. What RMSprop and
# Adadelta gather of their own updates has been divided by the size of the gradient already.
POWERS: dict[str, Mapping[str, int]] = {
    "SGD": {"momentum_buffer": 1},
    "ASGD": {"step": 0, "eta": 0, "mu": 0, "ax": 0},
    "Muon": {"momentum_buffer": 1},
    "Adam": ADAM,
    "AdamW": ADAM,
    "SparseAdam": ADAM,
    "RAdam": ADAM,
    "NAdam": ADAM | {"mu_product": 0},
    "Adamax": {"step": 0, "exp_avg": 1, "exp_inf": 1},
    "Adagrad": {"step": 0, "sum": 2},
    "Adadelta": {"step": 0, "square_avg": 2, "acc_delta": 0},
    "RMSprop": {"step": 0, "square_avg": 2, "grad_avg": 1, "momentum_buffer": 0},
    "Rprop": {"step": 0, "prev": 1, "step_size": 0},
}
# Two measurements of the same loss may differ by rounding (a GPU adds in any order), not by noise.
SAME = 1e-3


@contextmanager
def moments_follow(
    optimizer: torch.optim.Optimizer, loss: Callable[[], Tensor], chosen: Tensor | None = None
) -> Iterator[None]:
    """Let the moments of Adam (or the momentum of SGD) follow the scale of the gradient when the slope changes.

    A steeper surrogate sends smaller gradients to the early layers. Adam divides by the root of a mean square with a
    memory of 1 / (1 - beta2) updates: after a jump, the large gradients of the old slope are still in it, and learning
    stands still. So the gradient of `loss` is measured before and after the block, and the first moment of each
    parameter is multiplied by the ratio of their lengths, the second by its square: as if all gradients so far had
    come from the new slope. Both measurements meet the same noise (dropout, escape noise), and draws go on after the
    block as if there had been none; where no slope moves, no moment does.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Adam and its kin, SGD, or another of `torch.optim` that keeps powers of the gradient.
    loss : callable
        ``loss()`` returns the loss on one and the same batch: a scalar, or (R,) where each parameter has a leading
        axis of R replicas, which are then rescaled one by one. Modules and random generators in its closure, and the
        global random states, are put back after each measurement.
    chosen : Tensor (R,) of bool, optional
        Only these replicas.

    Raises
    ------
    TypeError
        If it is not known what the optimizer keeps (LBFGS, Adafactor, those of other packages).
    ValueError
        If the optimizer keeps more than its kind does, no parameter learns, the loss depends on none of them, or
        differs when it is called again.

    Examples
    --------
    >>> with moments_follow(optimizer, lambda: loss_fn(net, batch)):
    ...     scheduler.step(reward)
    """
    powers = _powers_of(optimizer)
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    if not parameters:
        raise ValueError("optimizer must hold a parameter that learns, got none with requires_grad")
    modules, generators = reachable_from(loss)
    generators += generators_in(modules)
    start = RandomStates(generators)

    def measured() -> list[Tensor]:
        with as_found(*modules, generators=generators):
            start.put_back()
            return _lengths(loss(), parameters)

    before = measured()
    _check_same(before, measured())
    yield
    for parameter, old, new in zip(parameters, before, measured(), strict=True):
        ratio = new / old
        # Where a layer gets no gradient at all, there is no scale to follow.
        usable = torch.isfinite(ratio) & (ratio > 0)
        ratio = torch.where(usable if chosen is None else usable & chosen, ratio, torch.ones_like(ratio))
        ratio = ratio.reshape(*ratio.shape, *[1] * (parameter.dim() - ratio.dim())).to(parameter.dtype)
        kept = optimizer.state.get(parameter, {})
        for name, power in powers.items():
            if power and kept.get(name) is not None:
                kept[name].mul_(ratio**power)


def _powers_of(optimizer: torch.optim.Optimizer) -> Mapping[str, int]:
    """With which power of the gradient each entry of the state grows; refuse what is not known."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}")
    kinds = [kind.__name__ for kind in type(optimizer).__mro__ if kind.__module__.startswith("torch.optim.")]
    kind = next((name for name in kinds if name in POWERS), None)
    if kind is None:
        raise TypeError(
            f"optimizer must be one of torch.optim's {', '.join(POWERS)}, or derive from one, got "
            f"{type(optimizer).__name__}: how what it keeps grows with the gradient is not known"
        )
    strange = {name for kept in optimizer.state.values() for name in kept} - POWERS[kind].keys()
    if strange:
        raise ValueError(
            f"optimizer must keep what {kind} keeps, {', '.join(POWERS[kind])}, got {type(optimizer).__name__} with "
            f"{', '.join(sorted(map(str, strange)))} too: how that grows with the gradient is not known"
        )
    return POWERS[kind]


def _check_same(lengths: Sequence[Tensor], again: Sequence[Tensor]) -> None:
    for first, second in zip(lengths, again, strict=True):
        if not torch.allclose(first, second, rtol=SAME, atol=0.0, equal_nan=True):
            raise ValueError(
                f"loss must return the same when called again, got gradients of length {first.tolist()} and "
                f"{second.tolist()}: draw the batch before, and keep generators where the callable holds them"
            )


def _lengths(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Length of the gradient of each parameter, () or (R,), in float64: squares of tiny gradients underflow."""
    if not isinstance(loss, Tensor) or loss.dim() > 1 or not loss.requires_grad:
        got = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(
            f"loss must return a scalar or (R,) that depends on the parameters of the optimizer, got {got}"
        )
    grads = torch.autograd.grad(loss.sum(), parameters, allow_unused=True)
    first = loss.dim()  # 1 where replicas are kept apart
    present = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, grads, strict=True)]
    present = [grad.to_dense() if grad.is_sparse else grad for grad in present]
    return [
        grad.double().flatten(first).norm(dim=-1) if grad.dim() > first else grad.double().abs() for grad in present
    ]
