"""From snnTorch: a chain of nn.Linear and snn.Leaky becomes a `SpikingMLP`, equal to it and faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_choice, check_int

from .mlp import SpikingMLP
from .reference import SnntorchMLP
from .tracing import Trace, trace_chain

RESETS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}
# What only changes the shape of an input that is (batch, in) already.
PASSED_OVER = (nn.Identity, nn.Flatten)


def from_snntorch(
    module: nn.Module | Sequence[nn.Module],
    num_steps: int | None = None,
    readout: str = "rate",
    example: Tensor | None = None,
) -> SpikingMLP:
    """Return the `SpikingMLP` that equals a chain of nn.Linear and snn.Leaky, with a copy of its weights.

    The inverse of `SpikingMLP.to_snntorch`. Surrogates are the very objects that the neurons hold.

    Parameters
    ----------
    module : nn.Module or sequence of nn.Module
        A list or nn.Sequential of Linear, Leaky, Linear, ..., what `to_snntorch` returns, or any module that calls such
        modules one after the other in each step; it runs once on `example` to find out, and is left as it was.
    num_steps : int, optional
        Of the network, >= 1; by default as many as the module runs by itself, 4 for a list or nn.Sequential.
    readout : {"rate", "membrane"}
        ``"rate"``: the network returns the mean over steps of what the chain returns in each: of the last Linear, or of
        the spikes of a last Leaky (through a frozen identity as output layer). ``"membrane"``: the last membrane
        potential of a last Leaky with ``reset_mechanism="none"``.
    example : Tensor, optional
        Input of the module, to run it on; by default eight rows of normal numbers, (8, in).

    Returns
    -------
    SpikingMLP
        What learns in the chain learns in it, and what is frozen is frozen.

    Raises
    ------
    TypeError, ValueError
        If the module is anything but such a chain, with the reason.
    """
    check_choice("readout", readout, ("rate", "membrane"))
    num_steps = None if num_steps is None else check_int("num_steps", num_steps, low=1)
    if isinstance(module, SnntorchMLP):
        chain = [part for pair in zip(module.linears, [*module.neurons, None], strict=True) for part in pair][:-1]
        return _build(chain, num_steps or module.num_steps, module.readout, module.readout_beta)
    if not isinstance(module, nn.Module) or isinstance(module, nn.Sequential):
        return _build(_flat(module), num_steps or 4, readout)
    trace = trace_chain(module, example)
    _linears_and_neurons(trace.chain)
    trace.check()
    net = _build(trace.chain, num_steps or trace.num_steps, readout)
    _check_equal(net, trace)
    return net


def _flat(modules: Any) -> list[nn.Module]:
    """Members of a list or nn.Sequential, those of nested ones in their place."""
    flat: list[nn.Module] = []
    for module in modules:
        if isinstance(module, nn.Sequential):
            flat += _flat(module)
        elif not isinstance(module, PASSED_OVER):
            flat.append(module)
    return flat


def _build(chain: list[nn.Module], num_steps: int, readout: str, readout_beta: float | None = None) -> SpikingMLP:
    linears, neurons = _linears_and_neurons(chain)
    if readout == "membrane" and readout_beta is None:
        readout_beta = _membrane_beta(neurons.pop() if len(neurons) == len(linears) else None)
    if not neurons:
        raise ValueError("module must hold at least one spiking layer below its readout, got none")
    resets = list(dict.fromkeys(_reset_of(neuron) for neuron in neurons))
    if len(resets) > 1:
        raise ValueError(f"reset_mechanism must be the same in every layer of a SpikingMLP, got {resets}")
    sizes = [linears[0].in_features, *(linear.out_features for linear in linears)]
    spiking_output = len(neurons) == len(linears)
    net = SpikingMLP(
        [*sizes, sizes[-1]] if spiking_output else sizes,
        num_steps,
        beta=[_value("beta", neuron, low=0.0, high=1.0) for neuron in neurons],
        threshold=[_value("threshold", neuron) for neuron in neurons],
        surrogate=[neuron.spike_grad for neuron in neurons],
        reset_mechanism=resets[0],
        readout=readout,
        readout_beta=0.9 if readout_beta is None else readout_beta,
        learn_beta=any(_learns(neuron.beta) for neuron in neurons),
        learn_threshold=any(_learns(neuron.threshold) for neuron in neurons),
        bias=any(linear.bias is not None for linear in linears),
    )
    _copy(net, linears, neurons)
    return net.to(linears[0].weight)


def _linears_and_neurons(chain: list[nn.Module]) -> tuple[list[Any], list[Any]]:
    """Split Linear, Leaky, Linear, ... in two; refuse what is not exactly that."""
    import snntorch

    for place, module in enumerate(chain):
        expected = (nn.Linear, snntorch.Leaky)[place % 2]
        if type(module) is not expected:
            raise ValueError(
                f"module must be a chain of nn.Linear and snn.Leaky in turn, got {type(module).__name__} where "
                f"{expected.__name__} number {place // 2} would stand"
            )
    if len({id(module) for module in chain}) < len(chain):
        raise ValueError("module must be a chain of different modules, got one that stands in it twice")
    linears, neurons = chain[::2], chain[1::2]
    for number, linear in enumerate(linears):
        if "weight" not in linear._parameters:
            raise ValueError(f"weight must be a plain parameter, got a parametrised or pruned one in Linear {number}")
    for number, neuron in enumerate(neurons):
        _check_neuron(number, neuron)
    return linears, neurons


def _check_neuron(number: int, neuron: Any) -> None:
    """Refuse what a `SpikingMLP` has no counterpart for."""
    factor = neuron.graded_spikes_factor
    strange = {
        "inhibition": bool(neuron.inhibition),
        "state_quant": bool(neuron.state_quant),
        "graded_spikes_factor": _learns(factor) or not bool((factor == 1).all()),
        "reset_delay=False": not neuron.reset_delay,
    }
    for name, is_strange in strange.items():
        if is_strange:
            raise ValueError(f"snn.Leaky {number} must be without {name}: a SpikingMLP has no counterpart for it")


def _reset_of(neuron: Any) -> str:
    """Reset in force: the one a neuron was made with, whatever was written over the name of it since."""
    return RESETS[neuron.state_function.__name__]


def _membrane_beta(neuron: Any) -> float:
    if neuron is None:
        raise ValueError("readout must be 'rate' for a chain that ends in nn.Linear, got 'membrane'")
    if _reset_of(neuron) != "none":
        raise ValueError(f"reset_mechanism of the last Leaky must be 'none' to be read out, got {_reset_of(neuron)!r}")
    beta = _value("beta", neuron, low=0.0, high=1.0)
    if _learns(neuron.beta) or not isinstance(beta, float):
        raise ValueError("beta of a membrane readout must be one number that does not learn, got another one")
    return beta


def _value(name: str, neuron: Any, low: float | None = None, high: float | None = None) -> float | Tensor:
    """Beta or threshold as a number or (neurons,), clamped as snnTorch clamps it."""
    value = getattr(neuron, name).detach().float()
    value = value if low is None else value.clamp(low, high)
    return value.item() if value.numel() == 1 else value


def _learns(value: Any) -> bool:
    return isinstance(value, nn.Parameter) and value.requires_grad


@torch.no_grad()
def _copy(net: SpikingMLP, linears: list[Any], neurons: list[Any]) -> None:
    """Copy the weights, and what learns; a spiking output passes through a frozen identity."""
    for layer in range(len(net.weights)):
        weight, bias = net.weights[layer], net.biases[layer]
        linear = linears[layer] if layer < len(linears) else None
        weight.copy_(torch.eye(len(weight)) if linear is None else linear.weight.mT)
        weight.requires_grad_(linear is not None and linear.weight.requires_grad)
        if bias is not None:
            given = None if linear is None else linear.bias
            bias.zero_() if given is None else bias.copy_(given)
            bias.requires_grad_(given is not None and given.requires_grad)
    for values, name in ((net.betas, "beta"), (net.thresholds, "threshold")):
        for layer, neuron in enumerate(neurons):
            value = values[layer]
            if isinstance(value, nn.Parameter):
                value.requires_grad_(_learns(getattr(neuron, name)))


@torch.no_grad()
def _check_equal(net: SpikingMLP, trace: Trace) -> None:
    """Run the network on what the module was seen to get; membrane potentials must be those it was seen to make."""
    _, recording = net.sequence(trace.inputs, record=True)
    for number, found in enumerate(recording.mem):
        seen = trace.mems[number].reshape(found.shape)
        if not torch.allclose(found, seen, rtol=1e-3, atol=1e-3):
            raise ValueError(
                f"module must do nothing but call its chain, but the membrane potential of snn.Leaky {number} differs "
                f"from that of a SpikingMLP by up to {(found - seen).abs().max():.3g}"
            )
