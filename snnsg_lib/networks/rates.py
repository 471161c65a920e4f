"""Firing rates: measured, warned of where a layer is silent, and aimed at before training."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from snnsg_lib._checks import check_number
from snnsg_lib.lif._layout import as_steps

if TYPE_CHECKING:
    from snnsg_lib.networks.mlp import SpikingMLP

DEAD_RATE = 1e-3


class DeadLayerWarning(UserWarning):
    """A layer hardly spikes, so the layers above it see nothing and learn nothing."""


def rates_of(spikes: list[Tensor], has_replicas: bool) -> dict[int, float | Tensor]:
    """Mean of each block (num_steps, [replicas,] batch, neurons), a float or (replicas,); warn where one is dead."""
    rates: dict[int, float | Tensor] = {}
    for layer, block in enumerate(spikes):
        rate = block.detach().mean(dim=(0, 2, 3)) if has_replicas else block.detach().mean()
        _warn_if_dead(layer, rate)
        rates[layer] = rate if has_replicas else rate.item()
    return rates


def _warn_if_dead(layer: int, rate: Tensor) -> None:
    if bool((rate < DEAD_RATE).any()):
        which = "" if rate.dim() == 0 else f" in replicas {torch.nonzero(rate < DEAD_RATE).flatten().tolist()}"
        warnings.warn(
            f"layer {layer} is dead{which}: firing rate {rate.min():.5f} per neuron and step, below {DEAD_RATE}; "
            "scale its weights up, e.g. with scale_to_rate",
            DeadLayerWarning,
            stacklevel=5,
        )


@torch.no_grad()
def scale_to_rate(
    net: SpikingMLP, inputs: Tensor, rate: float = 0.15, sequence: bool = False
) -> dict[int, float | Tensor]:
    """Scale weights and biases of the hidden layers, first to last, so that each fires at `rate` on `inputs`.

    Without it deep layers are often silent: with the default initial weights a layer hears too little from the one
    below.

    Parameters
    ----------
    net : SpikingMLP
        Changed in place; each replica gets its own gains.
    inputs : Tensor
        As for `net(inputs)`, or for `net.sequence(inputs)` if `sequence` is True.
    rate : float
        Spikes per neuron and step, > 0 and <= 0.9.
    sequence : bool
        Whether `inputs` holds one input a step.

    Returns
    -------
    dict
        {layer: gain, a float or (replicas,)}.

    Warns
    -----
    DeadLayerWarning
        If no gain between 1/1000 and 1000 makes a layer spike, e.g. because all its currents are negative.
    """
    rate = check_number("rate", rate, above=0.0, high=0.9)
    gains: dict[int, float | Tensor] = {}
    for layer in range(len(net.sizes) - 2):
        current, num_steps = net.hidden_current(layer, inputs, sequence)
        gain = _bisect_gain(net, layer, current, num_steps, rate)
        net.weights[layer].mul_(gain)
        bias = net.biases[layer]
        if bias is not None:
            bias.mul_(gain.reshape((*bias.shape[:-1], 1)))
        gains[layer] = gain.flatten() if net.replicas is not None else gain.item()
    net.firing_rates(inputs, sequence)
    return gains


def _bisect_gain(net: SpikingMLP, layer: int, current: Tensor, num_steps: int, rate: float) -> Tensor:
    """Gain of one layer, (1, 1) or (replicas, 1, 1), by bisection of its logarithm between 1/1000 and 1000."""
    low = current.new_full((*current.shape[:-2], 1, 1), -math.log(1000.0))
    high = -low
    for _ in range(30):
        middle = (low + high) / 2
        spk, _ = net.spiking_layer(layer, current * middle.exp(), num_steps)
        steps = as_steps(spk, num_steps)
        fired = steps.mean(dim=(0, -2, -1)).reshape(low.shape)
        low, high = torch.where(fired < rate, middle, low), torch.where(fired < rate, high, middle)
    return ((low + high) / 2).exp()
