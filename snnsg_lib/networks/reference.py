"""The same networks as snnTorch modules and a step loop: slow, and the reference that the fast ones are held to."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_int
from snnsg_lib.lif.arguments import Number
from snnsg_lib.surrogates import Surrogate

if TYPE_CHECKING:
    from .mlp import SpikingMLP
    from .recurrent import RecurrentLIF


def check_replica(replica: int | None, replicas: int | None) -> None:
    """Raise unless `replica` is None for a single network, and an index for one with replicas."""
    if replicas is None and replica is not None:
        raise ValueError(f"replica must be None for a network without replicas, got {replica!r}")
    if replicas is not None:
        check_int("replica", replica, low=0, high=replicas - 1)


def single_surrogate(surrogate: Any, replica: int | None, replicas: int | None) -> Any:
    """The surrogate of one replica: the object itself, or a copy with its own slope where replicas differ in theirs."""
    check_replica(replica, replicas)
    if replica is None or not isinstance(surrogate, Surrogate) or not isinstance(surrogate.slope, Tensor):
        return surrogate
    if surrogate.slope.numel() == 1:
        return surrogate
    single, slope = copy.deepcopy(surrogate), surrogate.slope.detach().flatten()[replica]
    single.slope = nn.Parameter(slope.clone()) if surrogate.learns else slope.item()
    return single


def single_value(value: Number, replica: int | None) -> Number:
    """Beta or threshold of one replica, as snnTorch takes it."""
    if not isinstance(value, Tensor):
        return value
    value = value.detach().clone() if replica is None else value[replica].detach().clone().flatten()
    return value.reshape(()) if value.numel() == 1 else value


def linear_module(weight: Tensor, bias: Tensor | None, replica: int | None) -> nn.Linear:
    """nn.Linear with a copy of the weights (in, out) of one replica; parameters that are frozen stay so."""
    frozen = [isinstance(x, nn.Parameter) and not x.requires_grad for x in (weight, bias)]
    weight = weight.detach() if replica is None else weight[replica].detach()
    fan_in, fan_out = weight.shape
    module = nn.Linear(fan_in, fan_out, bias=bias is not None, device=weight.device, dtype=weight.dtype)
    with torch.no_grad():
        module.weight.copy_(weight.T)
        if bias is not None:
            module.bias.copy_(bias if replica is None else bias[replica])
    for parameter, is_frozen in zip((module.weight, module.bias), frozen, strict=True):
        if is_frozen:
            parameter.requires_grad_(False)
    return module


def forget_instance(neuron: nn.Module) -> nn.Module:
    """Take a neuron out of snnTorch's global list, which keeps every neuron of a process alive."""
    import snntorch

    snntorch.SpikingNeuron.instances.remove(neuron)
    return neuron


class SnntorchMLP(nn.Module):
    """`SpikingMLP` as nn.Linear and snn.Leaky modules; same forward, states from zero each time."""

    def __init__(self, net: SpikingMLP, surrogates: list, replica: int | None):
        import snntorch

        super().__init__()
        self.num_steps, self.readout, self.readout_beta = net.num_steps, net.readout, net.readout_beta
        self.sizes = net.sizes[1:]
        self.linears = nn.ModuleList(linear_module(w, b, replica) for w, b in zip(net.weights, net.biases, strict=True))
        self.neurons = nn.ModuleList()
        for beta, threshold, surrogate in zip(net.betas, net.thresholds, surrogates, strict=True):
            neuron = snntorch.Leaky(
                beta=single_value(beta, replica),
                threshold=single_value(threshold, replica),
                spike_grad=surrogate,
                reset_mechanism=net.reset_mechanism,
                learn_beta=isinstance(beta, nn.Parameter) and beta.requires_grad,
                learn_threshold=isinstance(threshold, nn.Parameter) and threshold.requires_grad,
            )
            self.neurons.append(forget_instance(neuron))

    def forward(self, x: Tensor) -> Tensor:
        """Show `x` (batch, in) for `num_steps` steps."""
        return self.sequence(x.expand(self.num_steps, *x.shape))

    def sequence(self, x: Tensor) -> Tensor:
        """Show one row of `x` (num_steps, batch, in) a step."""
        mems = [x.new_zeros(x.shape[1], size) for size in self.sizes]
        total = torch.zeros_like(mems[-1])
        for step in x:
            for layer, neuron in enumerate(self.neurons):
                step, mems[layer] = neuron(self.linears[layer](step), mems[layer])
            decay = 1.0 if self.readout == "rate" else self.readout_beta
            total = decay * total + self.linears[-1](step)
        return total / len(x) if self.readout == "rate" else total


class SnntorchRecurrent(nn.Module):
    """`RecurrentLIF` as nn.Linear and snn.RLeaky or snn.RSynaptic modules; same forward, states from zero each time."""

    def __init__(self, net: RecurrentLIF, surrogate: Any, replica: int | None):
        import snntorch

        super().__init__()
        self.readout, self.readout_beta = net.readout, net.readout_beta
        scale = net.current_scale
        bias = None if net.input_bias is None else scale * net.input_bias
        self.input = linear_module(scale * net.input_weight, bias, replica)
        self.output = linear_module(net.output_weight, net.output_bias, replica)
        settings = {
            "beta": single_value(net.beta, replica),
            "threshold": single_value(net.threshold, replica),
            "linear_features": net.num_neurons,
            "spike_grad": surrogate,
            "reset_mechanism": net.reset_mechanism,
        }
        self.has_synapse = net.alpha is not None
        if net.alpha is not None:
            neuron = snntorch.RSynaptic(alpha=single_value(net.alpha, replica), **settings)
        else:
            neuron = snntorch.RLeaky(**settings)
        self.neuron = forget_instance(neuron)
        # snnTorch's recurrent bias acts as the input bias does: one of them is enough.
        self.neuron.recurrent = linear_module(scale * net.recurrent_weight, None, replica)

    def forward(self, x: Tensor) -> Tensor:
        """Show one row of `x` (num_steps, batch, in) a step; return (num_steps, batch, out)."""
        zeros = x.new_zeros(x.shape[1], self.input.out_features)
        state = [zeros] * (3 if self.has_synapse else 2)
        out, outputs = 0.0, []
        for number, step in enumerate(x, start=1):
            state = self.neuron(self.input(step), *state)
            drive = self.output(state[0])
            out = out + (drive - out) / number if self.readout == "rate" else self.readout_beta * out + drive
            outputs.append(out)
        return torch.stack(outputs)
