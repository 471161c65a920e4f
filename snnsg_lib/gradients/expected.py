"""The true gradient of a spiking network's expected loss: a reference that needs no surrogate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parametrize

from snnsg_lib.checks import check_choice, check_int, check_number
from snnsg_lib.networks import SpikingMLP, parts

from .differences import central_differences
from .measures import Gradients, Measure, _flat, _measure

LossPerExample = Callable[[Tensor, Tensor], Tensor]
METHODS = ("enumeration", "score", "differences")
MOST_SPIKES = 12
MOST_PARAMETERS = 500
GROUPS = 16
ROWS = 1 << 15  # examples times spike patterns in one forward


@dataclass(frozen=True)
class ExpectedGradient:
    """The gradient of an expected loss, and how surely it is known.

    Attributes
    ----------
    gradient : dict of int to Tensor
        By layer, as from `layer_gradients`: (in, out) or (R, in, out).
    standard_error : dict of int to Tensor
        Of each entry of `gradient`; zeros where it is exact.
    method : str
        ``"enumeration"``, ``"score"`` or ``"differences"``.
    """

    gradient: Gradients
    standard_error: Gradients
    method: str

    def squared_norm(self) -> Measure:
        """Unbiased squared length of each layer's gradient: the squared errors are taken off, so noise may leave < 0.

        The cosine of this gradient with an independent one is underestimated by the square root of
        ``squared_norm()[layer] / gradient_norms(gradient)[layer] ** 2``.
        """
        lengths = {}
        for layer, grad in self.gradient.items():
            squares = _flat(grad) ** 2 - _flat(self.standard_error[layer]) ** 2
            lengths[layer] = _measure(squares.sum(-1), grad)
        return lengths


class _Task(NamedTuple):
    """What the loss is measured on: examples along axis -2 of `inputs` and axis 0 of `targets`."""

    loss: LossPerExample
    inputs: Tensor
    targets: Tensor
    sequence: bool

    def repeated(self, times: int, chosen: slice = slice(None)) -> _Task:
        inputs = self.inputs[..., chosen, :]
        inputs = inputs.repeat(*[1] * (inputs.dim() - 2), times, 1)
        targets = self.targets[chosen]
        return self._replace(inputs=inputs, targets=targets.repeat(times, *[1] * (targets.dim() - 1)))


def expected_gradient(
    net: SpikingMLP,
    loss: LossPerExample,
    inputs: Tensor,
    targets: Tensor,
    *,
    method: str | None = None,
    num_samples: int = 1024,
    step: float = 0.1,
    sequence: bool = False,
) -> ExpectedGradient:
    """True gradient of a spiking network's expected loss with respect to the weights of each layer.

    The loss of one example jumps when a weight moves, since spikes come and go; its expectation does not. Over the
    escape noise of a network with `escape_noise` it is differentiable example by example; without noise the expectation
    is that over the population which `inputs` sample.

    Parameters
    ----------
    net : SpikingMLP
        With or without `escape_noise` and replicas; left as it was, but for the state of its `noise_rng`.
    loss : callable
        ``loss(outputs, targets)`` returns the loss of each example: outputs (batch, out) -> (batch,), and with replicas
        (R, batch, out) -> (R, batch).
    inputs : Tensor, (batch, in), or (num_steps, batch, in) with `sequence`
        Shared by all replicas.
    targets : Tensor, (batch, ...)
    method : {"enumeration", "score", "differences"}, optional
        ``"enumeration"``: the sum over all spike patterns, exact; escape noise and at most 12 spikes that can happen
        (neurons times steps). ``"score"``: the score-function estimate (Williams 1992) over `num_samples` draws of the
        escape noise for each input, with the mean loss of the other draws as baseline: unbiased for these inputs.
        ``"differences"``: central differences of the mean loss with common random numbers (the same inputs and the same
        noise on both sides); at most 500 weights. By default differences without escape noise, with it enumeration
        where possible, else score.
    num_samples : int
        Draws of the noise for each input, >= 32 for ``"score"``, any >= 1 for ``"differences"`` with escape noise.
    step : float
        Of the differences, as a fraction of the root mean square of the layer's weights, > 0. A small step is noisy,
        since few spikes change; a large one smooths the loss. In between the result does not depend on it: look for
        that plateau with a few steps.
    sequence : bool
        Whether `inputs` holds one input a step.

    Returns
    -------
    ExpectedGradient
        Its `standard_error` is over inputs (and noise) for ``"differences"``, over noise for ``"score"``, zero for
        ``"enumeration"``. The output layer's gradient needs no differences: it passes no spike.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or value, the method does not fit the network, there are more than 12 spikes
        to enumerate or more than 500 weights to move, or `loss` does not return one number per example.

    References
    ----------
    Gygax & Zenke (2025), Elucidating the theoretical underpinnings of surrogate gradient learning in SNNs.
    Williams (1992), Simple statistical gradient-following algorithms for connectionist reinforcement learning.
    """
    if not isinstance(net, SpikingMLP):
        raise TypeError(f"net must be a SpikingMLP, got {type(net).__name__}")
    method = _method_for(net, method, inputs, sequence)
    num_samples = check_int("num_samples", num_samples, low=2 * GROUPS if method == "score" else 1)
    step = check_number("step", step, above=0.0)
    task = _Task(_checked(loss), inputs, targets, sequence)
    with _detached_reset(net), parametrize.cached():
        if method == "enumeration":
            exact = _enumerate(net, task)
            return ExpectedGradient(exact, {layer: torch.zeros_like(grad) for layer, grad in exact.items()}, method)
        if method == "score":
            return ExpectedGradient(*_score(net, task, num_samples), method)
        task = task if net.escape_noise is None else task.repeated(num_samples)
        return ExpectedGradient(*central_differences(net, *task, step), method)


def _method_for(net: SpikingMLP, method: str | None, inputs: Tensor, sequence: bool) -> str:
    num_steps = inputs.shape[0] if sequence else net.num_steps
    spikes = num_steps * sum(net.sizes[1:-1])
    if method is None:
        noisy = "enumeration" if spikes <= MOST_SPIKES else "score"
        method = "differences" if net.escape_noise is None else noisy
    check_choice("method", method, METHODS)
    if method != "differences" and net.escape_noise is None:
        raise ValueError(f"method must be 'differences' for a network without escape_noise, got {method!r}")
    if method == "enumeration" and spikes > MOST_SPIKES:
        raise ValueError(f"net must have at most {MOST_SPIKES} spikes to enumerate (neurons x steps), got {spikes}")
    parameters = sum(weight.shape[-1] * weight.shape[-2] for weight in net.weights)
    if method == "differences" and parameters > MOST_PARAMETERS:
        raise ValueError(f"net must have at most {MOST_PARAMETERS} weights for differences, got {parameters}")
    return method


def _checked(loss: LossPerExample) -> LossPerExample:
    def checked(outputs: Tensor, targets: Tensor) -> Tensor:
        losses = loss(outputs, targets)
        if losses.shape != outputs.shape[:-1]:
            raise ValueError(
                f"loss must return one number per example, shape {tuple(outputs.shape[:-1])}, got {tuple(losses.shape)}"
            )
        return losses

    return checked


@contextmanager
def _detached_reset(net: SpikingMLP) -> Iterator[None]:
    """Where spikes are given, so are resets: no surrogate may carry a gradient through them."""
    before, net.detach_reset = net.detach_reset, True
    try:
        yield
    finally:
        net.detach_reset = before


def expected_surrogate_gradient(
    net: SpikingMLP, loss: LossPerExample, inputs: Tensor, targets: Tensor, *, sequence: bool = False
) -> Gradients:
    """Mean of the surrogate gradient over the escape noise, exact: what infinitely many backward passes average to.

    Its angle to `expected_gradient` is the bias of the surrogate, without any noise.

    Parameters
    ----------
    net, loss, inputs, targets, sequence
        As for `expected_gradient` with ``method="enumeration"``; one slope per replica compares slopes in one call.

    Returns
    -------
    dict of int to Tensor
        By layer, as from `layer_gradients`.

    Raises
    ------
    TypeError, ValueError
        As `expected_gradient`.
    """
    if not isinstance(net, SpikingMLP):
        raise TypeError(f"net must be a SpikingMLP, got {type(net).__name__}")
    _method_for(net, "enumeration", inputs, sequence)
    with parametrize.cached():
        return _enumerate(net, _Task(_checked(loss), inputs, targets, sequence), surrogate=True)


def _enumerate(net: SpikingMLP, task: _Task, surrogate: bool = False) -> Gradients:
    num_steps = task.inputs.shape[0] if task.sequence else net.num_steps
    hidden = net.sizes[1:-1]
    count = num_steps * sum(hidden)
    patterns = (torch.arange(2**count).unsqueeze(1) >> torch.arange(count)) & 1
    at_once = max(1, ROWS // (len(patterns) * (net.replicas or 1)))
    examples = task.inputs.shape[-2]
    totals = [torch.zeros_like(weight) for weight in net.weights]
    for start in range(0, examples, at_once):
        part = task.repeated(len(patterns), slice(start, start + at_once))
        copies = part.inputs.shape[-2] // len(patterns)
        noise = list(_forced(patterns, hidden, num_steps, copies, totals[0]))
        outputs, log_chance = _run_given(net, part, noise, surrogate)
        expected = (log_chance.exp() * part.loss(outputs, part.targets)).sum() / examples
        for total, grad in zip(totals, torch.autograd.grad(expected, list(net.weights)), strict=True):
            total += grad
    return dict(enumerate(totals))


def _forced(patterns: Tensor, hidden: list[int], num_steps: int, copies: int, like: Tensor) -> Iterator[Tensor]:
    """Noise of each layer that makes it spike in each pattern: (num_steps, patterns * copies, neurons)."""
    start = 0
    for neurons in hidden:
        spikes = patterns[:, start : start + num_steps * neurons].reshape(-1, num_steps, neurons)
        start += num_steps * neurons
        steps = spikes.movedim(1, 0).repeat_interleave(copies, dim=1)
        yield torch.where(steps > 0, -torch.inf, torch.inf).to(like)


def _run_given(
    net: SpikingMLP, task: _Task, noise: list[Tensor] | None, surrogate: bool = False
) -> tuple[Tensor, Tensor]:
    """Outputs, and the logarithm of the probability of the spikes behind them, for each example.

    Both are differentiable with the spikes given: an output through the readout alone, the probability through the
    membrane potentials. With `surrogate` the outputs are differentiable as in any backward pass, the probability not.
    """
    assert net.escape_noise is not None
    log_chance = torch.zeros(1).to(task.inputs)
    layers = net.layers(task.inputs, noise=noise, sequence=task.sequence, given=not surrogate)
    for (spk, mem), threshold in zip(layers, net.thresholds, strict=True):
        u = mem - parts.clamped_threshold(threshold)
        log_chances = torch.nn.functional.logsigmoid(net.escape_noise * u * (2 * spk.detach() - 1))
        log_chance = log_chance + log_chances.sum((0, -1))
    outputs = net.read_out(spk if surrogate else spk.detach())
    return outputs, log_chance.detach() if surrogate else log_chance


def _score(net: SpikingMLP, task: _Task, num_samples: int) -> tuple[Gradients, Gradients]:
    """Groups of draws, each with its own baseline, are independent: their spread gives the error of their mean."""
    draws = num_samples // GROUPS
    repeated = task.repeated(draws)
    groups = []
    for _ in range(GROUPS):
        outputs, log_chance = _run_given(net, repeated, None)
        losses = task.loss(outputs, repeated.targets)
        drawn = losses.detach().unflatten(-1, (draws, -1))
        # The loss minus the mean of the other draws of the same input.
        advantage = ((drawn - drawn.mean(-2, keepdim=True)) * (draws / (draws - 1))).flatten(-2)
        surrogate_loss = (advantage * log_chance + losses).mean(-1).sum()
        groups.append(torch.autograd.grad(surrogate_loss, list(net.weights)))
    stacked = {layer: torch.stack(grads) for layer, grads in enumerate(zip(*groups, strict=True))}
    errors = {layer: grads.std(0) / np.sqrt(GROUPS) for layer, grads in stacked.items()}
    return {layer: grads.mean(0) for layer, grads in stacked.items()}, errors
