"""Spiking neurons in any module: who spikes, in which order, how often, and which weights drive them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from snnsg_lib.measuring import as_found

Forward = Callable[[nn.Module, Any], Any]

# Modules whose weight and bias set the scale of what they return.
SCALABLE = (
    nn.Linear,
    nn.Embedding,
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
)


def find_neurons(model: nn.Module) -> dict[str, nn.Module]:
    """Return {name: snnTorch neuron} in order of registration; raise ValueError if there is none."""
    import snntorch

    kinds = (snntorch.SpikingNeuron, snntorch.LeakyParallel)
    named = {name or type(module).__name__: module for name, module in model.named_modules()}
    neurons = {name: module for name, module in named.items() if isinstance(module, kinds)}
    if not neurons:
        raise ValueError(
            f"model must hold snnTorch neurons (snn.Leaky, ...) or be a network of this library, got "
            f"{type(model).__name__} with neither"
        )
    return neurons


def run_model(model: nn.Module, batch: Any, forward: Forward | None) -> Any:
    """Run ``forward(model, batch)``, or the model on the batch, or on the inputs of a batch (inputs, targets)."""
    if forward is not None:
        return forward(model, batch)
    return model(batch[0] if isinstance(batch, tuple | list) else batch)


def spike_rates(model: nn.Module, batch: Any, forward: Forward | None) -> dict[str, float]:
    """Spikes per neuron and step of each neuron module that ran, {name: rate} in order of its first call."""
    neurons = find_neurons(model)
    fired: dict[str, Tensor] = {}
    counts: dict[str, int] = {}

    def count(name: str, output: Any) -> None:
        spk = output[0] if isinstance(output, tuple) else output
        _check_spikes(name, neurons[name], spk)
        fired[name] = fired.get(name, 0) + (spk != 0).sum()
        counts[name] = counts.get(name, 0) + spk.numel()

    hooks = [
        neuron.register_forward_hook(lambda _, __, output, name=name: count(name, output))
        for name, neuron in neurons.items()
    ]
    with _removed_after(hooks), _from_rest(model, neurons):
        run_model(model, batch, forward)
    if not fired:
        raise ValueError(f"no neuron of {type(model).__name__} ran: say how the model is called with forward=")
    return {name: (spikes / counts[name]).item() for name, spikes in fired.items()}


def drives_of(model: nn.Module, batch: Any, forward: Forward | None) -> dict[str, nn.Module | None]:
    """Of each neuron module, in order of its first call, the last module with weights that ran before it.

    None where there is no such module between a neuron and the one before it.
    """
    neurons = find_neurons(model)
    inside = {part for neuron in neurons.values() for part in neuron.modules()}
    drives: dict[str, nn.Module | None] = {}
    last: list[nn.Module | None] = [None]

    def meet(name: str) -> None:
        drives.setdefault(name, last[0])
        last[0] = None

    def pass_by(module: nn.Module) -> None:
        last[0] = module

    hooks = [n.register_forward_pre_hook(lambda _, __, name=name: meet(name)) for name, n in neurons.items()]
    for module in model.modules():
        if isinstance(module, SCALABLE) and module not in inside and getattr(module, "weight", None) is not None:
            hooks.append(module.register_forward_pre_hook(lambda module, _: pass_by(module)))
    with _removed_after(hooks), _from_rest(model, neurons):
        run_model(model, batch, forward)
    return drives


@contextmanager
def _from_rest(model: nn.Module, neurons: dict[str, nn.Module]) -> Iterator[None]:
    """Begin from zero states, without gradients, and leave everything as it was."""
    with as_found(model), torch.no_grad():
        for neuron in neurons.values():
            reset = getattr(neuron, "reset_mem", None)
            if callable(reset):
                reset()
        yield


@contextmanager
def _removed_after(hooks: list[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _check_spikes(name: str, neuron: nn.Module, spk: Any) -> None:
    """Raise unless a neuron returned 0 and spikes of one size: some return membrane potentials, or a product."""
    height = getattr(neuron, "graded_spikes_factor", 1.0)
    if not isinstance(spk, Tensor) or not bool(((spk == 0) | ((spk / height).abs() == 1)).all()):
        raise ValueError(
            f"neuron {name} ({type(neuron).__name__}) must return spikes, or a tuple that begins with them, got other "
            "values: ask it for its spikes, e.g. with output=True"
        )
