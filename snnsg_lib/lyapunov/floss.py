"""Flossing: gradient descent on the Lyapunov exponents themselves, before training, during it, or both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from snnsg_lib.checks import check_int, check_number
from snnsg_lib.networks import RecurrentLIF, parts

from .spectrum import LyapunovError
from .surrogate import state_size, surrogate_lyapunov_spectrum

LossFn = Callable[[RecurrentLIF, Any], Tensor]


def flossing_loss(exponents: Tensor, target: float = 0.0) -> Tensor:
    """Mean of (exponent - target)^2.

    Parameters
    ----------
    exponents : Tensor, (num_exponents,) or ([replicas,] batch, num_exponents)
        From `surrogate_lyapunov_spectrum`: the leading ones.
    target : float
        Where to push them; 0: tangent vectors, and with them gradients, neither grow nor die.

    Returns
    -------
    Tensor
        A scalar, or (replicas,) for exponents with a replica axis; a replica's loss is its own mean.
    """
    if not isinstance(exponents, Tensor) or not exponents.is_floating_point():
        raise TypeError(f"exponents must be a floating-point tensor, got {getattr(exponents, 'dtype', exponents)!r}")
    if exponents.dim() not in (1, 2, 3) or exponents.numel() == 0:
        raise ValueError(
            "exponents must have shape (num_exponents,) or ([replicas,] batch, num_exponents), none of them empty, "
            f"got {tuple(exponents.shape)}"
        )
    squares = (exponents - check_number("target", target)).square()
    return squares.mean(dim=(-2, -1)) if squares.dim() == 3 else squares.mean()


@dataclass(frozen=True)
class FlossEpoch:
    """One gradient step of `floss`.

    Attributes
    ----------
    kind : str
        ``"floss"`` or ``"train"``.
    exponents : Tensor, ([replicas,] num_exponents), or None
        Before the step, mean over trials; None for an epoch of training alone.
    flossing_loss, loss : Tensor, () or (replicas,), or None
        Of this epoch, before its step, as far as they took part.
    """

    kind: str
    exponents: Tensor | None = None
    flossing_loss: Tensor | None = None
    loss: Tensor | None = None


@torch.enable_grad()
def floss(
    network: RecurrentLIF,
    batches: Tensor | Callable[[int], Any],
    num_epochs: int = 150,
    *,
    loss_fn: LossFn | None = None,
    schedule: Mapping[int, int] | None = None,
    weight: float = 0.0,
    num_exponents: int = 1,
    num_trials: int | None = None,
    target: float = 0.0,
    lr: float = 5e-4,
    floss_lr: float = 3e-3,
    qr_interval: int = 2,
    transient: int = 0,
    rng: np.random.Generator | None = None,
) -> list[FlossEpoch]:
    """Floss a network, or train it with flossing before, during, or both; one gradient step of Adam an epoch.

    Every step counts in `num_epochs`, be it flossing or training: a network that is flossed first trains for less long.

    Parameters
    ----------
    network : RecurrentLIF
        Changed in place. What requires no gradient stays as it is; to floss, more than the readout must require one.
    batches : Tensor or callable
        The inputs of every epoch, or ``batches(epoch)``: the inputs, or a tuple that begins with them.
    num_epochs : int
        Gradient steps in all, >= 0.
    loss_fn : callable, optional
        ``loss_fn(network, batch)``, a scalar or (replicas,), with a graph. None: flossing only.
    schedule : mapping of int to int, optional
        {number of training steps done: flossing steps that follow}. ``{0: 150}`` flosses before training,
        ``{100: 50, 200: 50}`` during, ``{0: 150, 100: 50}`` both. None: all of `num_epochs` without `loss_fn`, no such
        steps with it.
    weight : float
        Of the flossing loss added to the loss of every training step, >= 0; 0 without `loss_fn`.
    num_exponents, qr_interval, transient, rng
        As in `surrogate_lyapunov_spectrum`.
    num_trials : int, optional
        How many trials of a batch, its first ones, are flossed, >= 1; None: all. Few are enough where trials are much
        alike, and cost less.
    target : float
        As in `flossing_loss`.
    lr, floss_lr : float
        Learning rates of the training and of the flossing steps, > 0. Each kind has an Adam of its own.

    Returns
    -------
    list of FlossEpoch
        One entry per gradient step.

    Raises
    ------
    LyapunovError
        If a gradient is not finite, before it does harm, or the Jacobian is singular.
    TypeError, ValueError
        If an argument, or what `batches` or `loss_fn` returns, has the wrong type or shape or lies outside its range.

    Examples
    --------
    >>> net = RecurrentLIF(2, 64, 2, alpha=0.4, beta=0.6)
    >>> history = floss(net, lambda epoch: delayed_copy(32, 45, rng=epoch), 150)

    References
    ----------
    Engelken (2023), Gradient Flossing: improving gradient descent through dynamic control of Jacobians.
    """
    if not isinstance(network, RecurrentLIF):
        raise TypeError(f"network must be a RecurrentLIF, got {type(network).__name__}")
    if not (isinstance(batches, Tensor) or callable(batches)):
        raise TypeError(
            f"batches must be a tensor of inputs or a callable epoch -> batch, got {type(batches).__name__}"
        )
    if loss_fn is not None and not callable(loss_fn):
        raise TypeError(f"loss_fn must be a callable (network, batch) -> loss or None, got {loss_fn!r}")
    weight, target = check_number("weight", weight, low=0.0), check_number("target", target)
    if weight > 0 and loss_fn is None:
        raise ValueError(f"weight must be 0 without loss_fn: there is no loss to add to, got {weight}")
    if num_trials is not None:
        check_int("num_trials", num_trials, low=1)
    check_int("num_exponents", num_exponents, low=1, high=state_size(network))
    check_int("qr_interval", qr_interval, low=1)
    check_int("transient", transient)
    settings = (num_exponents, qr_interval, transient, None if rng is None else parts.check_rng("rng", rng))
    rates = {"train": check_number("lr", lr, above=0.0), "floss": check_number("floss_lr", floss_lr, above=0.0)}
    kinds = _kinds(check_int("num_epochs", num_epochs), schedule, trains=loss_fn is not None)
    flosses = loss_fn is None or weight > 0 or "floss" in kinds
    parameters = _trainable(network, flosses)
    optimizers = {kind: torch.optim.Adam(parameters, lr=rate) for kind, rate in rates.items()}
    if flosses and isinstance(batches, Tensor):
        _inputs_of(batches, network, transient)
    history = []
    for epoch, kind in enumerate(kinds):
        batch = batches if isinstance(batches, Tensor) else batches(epoch)
        inputs = _inputs_of(batch, network, transient) if flosses else None
        exponents = None
        if inputs is not None and (kind == "floss" or weight > 0):
            exponents = surrogate_lyapunov_spectrum(network, inputs[..., :num_trials, :], *settings)
        penalty = None if exponents is None else flossing_loss(exponents, target)
        loss = _checked_loss(loss_fn(network, batch), network) if loss_fn is not None and kind == "train" else None
        _step(optimizers[kind], loss, penalty, weight if kind == "train" else 1.0, f"{kind} epoch {epoch}")
        means = None if exponents is None else exponents.detach().mean(-2)
        history.append(FlossEpoch(kind, means, *(None if x is None else x.detach() for x in (penalty, loss))))
    return history


def _kinds(num_epochs: int, schedule: Mapping[int, int] | None, trains: bool) -> list[str]:
    """What each epoch does: "floss" or "train"."""
    if not trains and schedule is not None:
        raise ValueError(f"schedule must be None without loss_fn: every epoch flosses, got {schedule!r}")
    if not trains:
        return ["floss"] * num_epochs
    if schedule is not None and not isinstance(schedule, Mapping):
        raise TypeError(f"schedule must be a mapping {{training steps done: flossing steps}} or None, got {schedule!r}")
    blocks = {check_int("schedule key", at): check_int("schedule", steps) for at, steps in (schedule or {}).items()}
    kinds: list[str] = []
    trained = 0
    while len(kinds) < num_epochs:
        kinds += [*["floss"] * blocks.get(trained, 0), "train"]
        trained += 1
    return kinds[:num_epochs]


def _trainable(network: RecurrentLIF, flosses: bool) -> list[Parameter]:
    """The parameters that require a gradient; `flosses` asks for one that the exponents depend on."""
    trainable = {name: x for name, x in network.named_parameters() if x.requires_grad}
    without_use = {"output_weight", "output_bias"} if flosses else set()
    if trainable.keys() <= without_use:
        besides = ", besides its readout, on which exponents do not depend" if flosses else ""
        raise ValueError(f"network must have a parameter that requires a gradient{besides}, got {sorted(trainable)}")
    return list(trainable.values())


def _inputs_of(batch: Any, network: RecurrentLIF, transient: int) -> Tensor:
    """The inputs of a batch, checked before trials are taken from them."""
    inputs = batch[0] if isinstance(batch, tuple) and batch else batch
    if not isinstance(inputs, Tensor):
        found = f"a tuple that begins with {type(inputs).__name__}" if inputs is not batch else type(batch).__name__
        raise TypeError(f"batches must return a tensor of inputs, or a tuple that begins with one, got {found}")
    parts.check_input("inputs of batches", inputs, network.input_weight, time=True)
    check_int("transient", transient, high=len(inputs) - 1)
    return inputs


def _checked_loss(loss: Any, network: RecurrentLIF) -> Tensor:
    """Return what `loss_fn` gave if there is a gradient in it, one for each replica or for all."""
    allowed = "a scalar" if network.replicas is None else f"a scalar or ({network.replicas},)"
    if not isinstance(loss, Tensor):
        raise TypeError(f"loss_fn must return a tensor, {allowed}, got {type(loss).__name__}")
    if loss.dim() and tuple(loss.shape) != (network.replicas,):
        raise ValueError(f"loss_fn must return a tensor, {allowed}, got shape {tuple(loss.shape)}")
    if not loss.requires_grad:
        raise ValueError(f"loss_fn must return a loss that depends on the parameters of network, got a constant {loss}")
    return loss


def _step(
    optimizer: torch.optim.Optimizer, loss: Tensor | None, penalty: Tensor | None, weight: float, at: str
) -> None:
    """One gradient step on loss + weight * penalty, as far as there are any; replicas add up, and so stay apart."""
    total = torch.zeros(()) if loss is None else loss.sum()
    if penalty is not None:
        total = total + weight * penalty.sum()
    optimizer.zero_grad()
    total.backward()
    for parameter in optimizer.param_groups[0]["params"]:
        if parameter.grad is not None and not bool(torch.isfinite(parameter.grad).all()):
            raise LyapunovError(
                f"the gradient of {at} is not finite: the network amplifies perturbations beyond what a number can "
                "hold; choose shorter trials, a smaller gain or fewer exponents"
            )
    optimizer.step()
