"""Policies and value functions with a leading replica axis, and optimizers that keep the replicas apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_choice, check_number
from snnsg_lib.networks import SpikingMLP

from .replicas import Replicas

OWN_ARGUMENTS = ("sizes", "surrogate", "replicas", "seed")  # of SpikingMLP: the learner gives them


class ReplicaMLP(nn.Module):
    """ReLU networks with a leading replica axis: the critics, and the reference without spikes.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden layers, outputs.
    seeds : sequence
        One entropy for numpy.random.default_rng per replica; weights are uniform within 1/sqrt(in), as torch.nn.Linear.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[Any]):
        super().__init__()
        rngs = [np.random.default_rng(seed) for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for fan_in, fan_out in pairwise(sizes):
            bound = 1 / math.sqrt(fan_in)
            for parameters, shape in ((self.weights, (fan_in, fan_out)), (self.biases, (1, fan_out))):
                draws = np.stack([rng.uniform(-bound, bound, shape) for rng in rngs])
                parameters.append(nn.Parameter(torch.from_numpy(draws.astype(np.float32))))

    def forward(self, x: Tensor, first: int | None = None) -> Tensor:
        """(replicas, batch, in) -> (replicas, batch, out); only the first `first` replicas if given."""
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias[:first], x, weight[:first])
            if layer < len(self.weights) - 1:
                x = torch.relu_(x)  # baddbmm does not need its output again
        return x


class Policy(nn.Module):
    """Observations (replicas, batch, in) to actions in [-1, 1]: tanh(readout_gain * net(observation))."""

    def __init__(self, net: nn.Module, readout_gain: float):
        super().__init__()
        self.net = net
        self.readout_gain = readout_gain

    def forward(self, observation: Tensor) -> Tensor:
        """Actions (replicas, batch, out)."""
        return self.act_with(self.net, observation)

    def act_with(self, net: nn.Module, observation: Tensor) -> Tensor:
        """Actions of this policy with another network in place of its own."""
        return self.squash(net(observation))

    def squash(self, outputs: Tensor) -> Tensor:
        """Actions for outputs of a network."""
        return torch.tanh(self.readout_gain * outputs)


def make_policy(
    kind: str,
    sizes: Sequence[int],
    replicas: Replicas,
    *,
    readout_gain: float = 2.0,
    output_gain: float = 1.0,
    network: dict[str, Any] | None = None,
) -> Policy:
    """Return a spiking policy (``"snn"``) or its ReLU reference (``"mlp"``), one replica per run.

    Parameters
    ----------
    kind : {"snn", "mlp"}
        Spiking network, whose surrogate is that of `replicas`, or ReLU network.
    sizes : sequence of int
        Observation, hidden layers, action.
    replicas : Replicas
        Their seeds draw the weights.
    readout_gain : float
        Factor > 0 in front of the readout of a spiking network; firing rates are small, so 1 makes for timid actions.
    output_gain : float
        Factor > 0 on the initial weights of the last layer.
    network : dict, optional
        Further arguments of `SpikingMLP`: num_steps, beta, threshold, gain, learn_beta, ...; not those that follow from
        the rest, `OWN_ARGUMENTS`.
    """
    check_choice("actor", kind, ("snn", "mlp"))
    readout_gain = check_number("readout_gain", readout_gain, above=0.0)
    output_gain = check_number("output_gain", output_gain, above=0.0)
    if own := [name for name in OWN_ARGUMENTS if name in (network or {})]:
        remedy = "give the learner its argument surrogate=" if own == ["surrogate"] else "they follow from the learner"
        raise ValueError(f"network must not hold {', '.join(own)}: {remedy}, got {network}")
    net: nn.Module
    if kind == "snn":
        arguments: dict[str, Any] = {"surrogate": replicas.surrogate, "replicas": len(replicas), "seed": replicas.seeds}
        net = SpikingMLP(list(sizes), **arguments, **(network or {}))
    elif network:
        raise ValueError(f"network must be empty for actor='mlp', got {network}")
    else:
        net, readout_gain = ReplicaMLP(sizes, replicas.seeds), 1.0
    with torch.no_grad():
        net.weights[-1].mul_(output_gain)  # type: ignore[union-attr, operator]
    return Policy(net, readout_gain)


def make_optimizer(
    kind: str, parameters: Iterable[nn.Parameter], lr: float, *, eps: float = 1e-8, beta2: float = 0.999
) -> torch.optim.Optimizer:
    """Adam, or SGD with momentum 0.9; both work weight by weight, so stacked replicas stay independent."""
    check_choice("optimizer", kind, ("adam", "sgd"))
    lr = check_number("lr", lr, above=0.0)
    if kind == "sgd":
        return torch.optim.SGD(list(parameters), lr=lr, momentum=0.9)
    eps, beta2 = check_number("eps", eps, above=0.0), check_number("beta2", beta2, low=0.0, high=1.0)
    return torch.optim.Adam(list(parameters), lr=lr, eps=eps, betas=(0.9, beta2), fused=True)


@torch.no_grad()
def clip_per_replica(parameters: Iterable[nn.Parameter], max_norm: float) -> None:
    """Scale the gradient of each replica down to `max_norm` where it is longer; NaN stays with its replica."""
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.sqrt(sum((grad.flatten(1) ** 2).sum(1) for grad in grads))  # type: ignore[arg-type]
    factor = (max_norm / length.clamp(min=1e-12)).clamp(max=1.0)
    for grad in grads:
        grad.mul_(factor.reshape(-1, *[1] * (grad.ndim - 1)))


@torch.no_grad()
def gradient_sums(parameters: Iterable[nn.Parameter]) -> Tensor:
    """Sum of all gradients of each replica, (replicas,): a cheap look for NaN.

    The loss alone does not tell: a spiking neuron with a NaN potential never spikes, and only its gradient is NaN.
    """
    return torch.stack([p.grad.flatten(1).sum(1) for p in parameters if p.grad is not None]).sum(0)


@torch.no_grad()
def zero_rows(module: nn.Module, optimizer: torch.optim.Optimizer | None, rows: Sequence[int]) -> None:
    """Set the parameters of some replicas, and what the optimizer remembers of them, to zero."""
    rows = list(rows)
    for parameter in module.parameters():
        parameter[rows] = 0.0
        for value in optimizer.state.get(parameter, {}).values() if optimizer is not None else ():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                value[rows] = 0.0
