"""Firing rates of any spiking model: measured, warned of where a layer is silent, and aimed at before training."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from snnsg_lib.by_layer import ByLayer
from snnsg_lib.checks import check_number
from snnsg_lib.lif.layout import as_steps
from snnsg_lib.measuring import as_found

from .neurons import SCALABLE, Forward, drives_of, find_neurons, spike_rates

if TYPE_CHECKING:
    from .mlp import SpikingMLP

DEAD_RATE = 1e-3


class DeadLayerWarning(UserWarning):
    """A layer hardly spikes, so the layers above it see nothing and learn nothing."""


def firing_rates(
    model: nn.Module, batch: Any, forward: Forward | None = None, *, sequence: bool = False
) -> dict[int, float | Tensor]:
    """Mean spikes per neuron and step of each spiking layer of a model, which is left as it was.

    Parameters
    ----------
    model : nn.Module
        A network of this library, or any module with snnTorch neurons, called as you like: step by step, with
        ``init_hidden=True``, with ``output=True``. All of them begin from zero state.
    batch : object
        The model runs as ``model(batch)``; of a tuple (inputs, targets), as ``model(batch[0])``.
    forward : callable, optional
        ``forward(model, batch)`` runs a model that is called otherwise, e.g. in a loop over time steps; what it returns
        is not looked at.
    sequence : bool
        For a `SpikingMLP`: whether the batch holds one input a step.

    Returns
    -------
    dict of int to float or Tensor
        Layer 0 is the first that spikes, in order of execution; `names` of the dictionary says what the model calls
        each. For a network with replicas a rate is a tensor (replicas,).

    Raises
    ------
    ValueError
        If the model holds no spiking neurons, or none of them ran.

    Warns
    -----
    DeadLayerWarning
        Names layer and rate where fewer than one neuron in a thousand spikes a step: no gradient passes there.
    UserWarning
        Names neurons that did not run.
    """
    if _is_library_network(model):
        inputs = _inputs_of(model, batch, forward)
        with as_found(model):
            measure: Any = model.firing_rates
            return measure(inputs, sequence=True) if sequence else measure(inputs)
    found = spike_rates(model, batch, forward)
    unused = [name for name in find_neurons(model) if name not in found]
    if unused:
        warnings.warn(f"neurons did not run and have no rate: {', '.join(unused)}", stacklevel=2)
    for layer, (name, rate) in enumerate(found.items()):
        _warn_if_dead(layer, torch.tensor(rate), f" ({name})", level=3)
    return ByLayer(enumerate(found.values()), dict(enumerate(found)))


def _is_library_network(model: nn.Module) -> bool:
    """Whether `model` is a network of this library; one inside another model is refused."""
    from .mlp import SpikingMLP
    from .recurrent import RecurrentLIF

    if isinstance(model, SpikingMLP | RecurrentLIF):
        return True
    for name, module in model.named_modules():
        if isinstance(module, SpikingMLP | RecurrentLIF):
            raise ValueError(
                f"model must hold snnTorch neurons, got {type(model).__name__} with a {type(module).__name__} inside: "
                f"ask model.{name} alone"
            )
    return False


def _inputs_of(model: nn.Module, batch: Any, forward: Forward | None) -> Tensor:
    if forward is not None:
        raise ValueError(f"forward must be None for a {type(model).__name__}: it runs on the batch, see `sequence`")
    return batch[0] if isinstance(batch, tuple | list) else batch


def rates_of(spikes: list[Tensor], has_replicas: bool) -> dict[int, float | Tensor]:
    """Mean of each block (num_steps, [replicas,] batch, neurons), a float or (replicas,); warn where one is dead."""
    rates: dict[int, float | Tensor] = {}
    for layer, block in enumerate(spikes):
        rate = block.detach().mean(dim=(0, 2, 3)) if has_replicas else block.detach().mean()
        _warn_if_dead(layer, rate)
        rates[layer] = rate if has_replicas else rate.item()
    return rates


def _warn_if_dead(layer: int, rate: Tensor, name: str = "", level: int = 5) -> None:
    if bool((rate < DEAD_RATE).any()):
        which = "" if rate.dim() == 0 else f" in replicas {torch.nonzero(rate < DEAD_RATE).flatten().tolist()}"
        warnings.warn(
            f"layer {layer}{name} is dead{which}: firing rate {rate.min():.5f} per neuron and step, below {DEAD_RATE}; "
            "scale its weights up, e.g. with scale_to_rate",
            DeadLayerWarning,
            stacklevel=level,
        )


@torch.no_grad()
def scale_to_rate(
    net: nn.Module, inputs: Any, rate: float = 0.15, sequence: bool = False, forward: Forward | None = None
) -> dict[int, float | Tensor]:
    """Scale weights and biases that drive the spiking layers, first to last, so that each fires at `rate` on `inputs`.

    Without it deep layers are often silent: with the default initial weights a layer hears too little from the one
    below.

    Parameters
    ----------
    net : nn.Module
        Changed in place, but for states and random states. A `SpikingMLP`, of which each replica gets its own gains, or
        any module with snnTorch neurons: there the last module with weights (linear, convolution, normalisation) that
        runs before a neuron is scaled.
    inputs : Tensor or tuple
        As for `net(inputs)`, or for `net.sequence(inputs)` if `sequence` is True; else as the batch of `firing_rates`.
    rate : float
        Spikes per neuron and step, > 0 and <= 0.9.
    sequence : bool
        For a `SpikingMLP`: whether `inputs` holds one input a step.
    forward : callable, optional
        As in `firing_rates`.

    Returns
    -------
    dict
        {layer: gain, a float or (replicas,)}.

    Raises
    ------
    TypeError, ValueError
        If `rate` is out of range, or the weights of a neuron cannot be told.

    Warns
    -----
    DeadLayerWarning
        If no gain between 1/1000 and 1000 makes a layer spike, e.g. because all its currents are negative.
    """
    rate = check_number("rate", rate, above=0.0, high=0.9)
    if not _is_library_network(net):
        return _scale_any(net, inputs, rate, forward)
    if type(net).__name__ == "RecurrentLIF":
        raise TypeError("net must be a SpikingMLP or hold snnTorch neurons, got a RecurrentLIF: set its input_gain")
    return _scale_mlp(cast("SpikingMLP", net), _inputs_of(net, inputs, forward), rate, sequence)


def _scale_mlp(net: SpikingMLP, inputs: Tensor, rate: float, sequence: bool) -> dict[int, float | Tensor]:
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


def _scale_any(model: nn.Module, batch: Any, rate: float, forward: Forward | None) -> dict[int, float | Tensor]:
    drives = drives_of(model, batch, forward)
    gains: ByLayer[float | Tensor] = ByLayer(names=dict(enumerate(drives)))
    for layer, (name, drive) in enumerate(drives.items()):
        if drive is None or list(drives.values()).count(drive) > 1:
            kinds = ", ".join(sorted(kind.__name__.strip("_") for kind in SCALABLE))
            raise ValueError(
                f"each neuron must have a module of its own right before it ({kinds}), got {name} "
                f"{'without one' if drive is None else 'with one that drives several'}"
            )
        gains[layer] = _bisect_drive(drive, partial(_rate_of, name, model, batch, forward), rate)
    firing_rates(model, batch, forward)
    return gains


def _rate_of(name: str, model: nn.Module, batch: Any, forward: Forward | None) -> float:
    return spike_rates(model, batch, forward)[name]


def _bisect_drive(drive: nn.Module, measured: Callable[[], float], rate: float) -> float:
    """Gain of the weight and bias of one module, by bisection of its logarithm between 1/1000 and 1000; applied."""
    scaled = [drive._parameters.get("weight"), drive._parameters.get("bias")]
    if scaled[0] is None:
        raise ValueError(f"weight must be a plain parameter to be scaled, got a parametrised or pruned one in {drive}")
    before = [(x, x.clone()) for x in scaled if x is not None]
    low, high = -math.log(1000.0), math.log(1000.0)
    for _ in range(20):
        middle = (low + high) / 2
        for parameter, value in before:
            parameter.copy_(value * math.exp(middle))
        low, high = (middle, high) if measured() < rate else (low, middle)
    return math.exp(middle)
