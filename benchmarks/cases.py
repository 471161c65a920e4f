"""The networks that are timed, and one training step of each in the library, in its peers and as bare products.

Every candidate runs forward and backward on the same inputs with the same weights; the library and snnTorch compute
the same numbers. The neurons of spikingjelly reset differently (at once, not in the next step), so only its time
compares. The floor is what no implementation of the layers can leave out: the products (forward, weight gradient, input
gradient) and three copies of (num_steps, batch, neurons) per spiking layer, for currents, potentials and spikes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.networks import RecurrentLIF, SpikingMLP, scale_to_rate
from snnsg_lib.surrogates import FastSigmoid

Step = Callable[[], None]
FIRING_RATE = 0.15


@dataclass(frozen=True)
class Case:
    """One network: `sizes` of a feedforward net or (inputs, neurons, outputs) of a recurrent one."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    num_steps: int
    recurrent: bool = False


@dataclass(frozen=True)
class ReplicaCase(Case):
    """A feedforward net trained as `replicas` at once, Adam included, against one of snnTorch times `replicas`."""

    replicas: int = 16


CASES = (
    Case("A", (784, 256, 256, 256, 256, 10), 128, 25),
    Case("B", (18, 128, 128, 4), 256, 4),
    Case("C N=128", (16, 128, 4), 16, 300, recurrent=True),
    Case("C N=64", (16, 64, 4), 16, 300, recurrent=True),
    Case("D", (64, 64, 64, 64, 64, 64, 10), 32, 100),
)
REPLICA_CASES = tuple(
    ReplicaCase(f"{name} R={replicas}", sizes, batch, num_steps, replicas=replicas)
    for name, sizes, batch, num_steps in (("2-32-32-2", (2, 32, 32, 2), 32, 25), ("18-64-64-4", (18, 64, 64, 4), 64, 4))
    for replicas in (7, 16, 64)
)


def candidates(case: Case) -> dict[str, Step]:
    """Return one training step of each candidate, by name."""
    if isinstance(case, ReplicaCase):
        return {"library": library_step(case), "snntorch": snntorch_step(case)}
    steps = {"library": library_step(case), "snntorch": snntorch_step(case), "floor": floor_step(case)}
    if not case.recurrent and importlib.util.find_spec("spikingjelly") is not None:
        steps["spikingjelly"] = spikingjelly_step(case)
    return steps


def inputs_of(case: Case) -> Tensor:
    """Standard-normal inputs (num_steps, batch, in) from a fixed seed."""
    shape = (case.num_steps, case.batch, case.sizes[0])
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))


def network_of(case: Case, replicas: int | None = None, scaled: bool = True) -> nn.Module:
    """The library's network, with hidden layers that fire at a common rate if `scaled`."""
    if case.recurrent:
        return RecurrentLIF(*case.sizes, surrogate=FastSigmoid(25.0), input_gain=2.0)
    net = SpikingMLP(case.sizes, case.num_steps, surrogate=FastSigmoid(25.0), replicas=replicas)
    if scaled:
        scale_to_rate(net, inputs_of(case), FIRING_RATE, sequence=True)
    return net


def library_step(case: Case, scaled: bool = True) -> Step:
    replicas = case.replicas if isinstance(case, ReplicaCase) else None
    net, x = network_of(case, replicas, scaled), inputs_of(case)
    if replicas is not None:
        net.surrogates[0].slope = torch.linspace(1, 100, replicas)
    return training_step(net, net if case.recurrent else net.sequence, x, with_adam=replicas is not None)


def snntorch_step(case: Case, scaled: bool = True) -> Step:
    net, x = network_of(case, scaled=scaled).to_snntorch(), inputs_of(case)
    return training_step(net, net if case.recurrent else net.sequence, x, with_adam=isinstance(case, ReplicaCase))


def training_step(net: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor, with_adam: bool) -> Step:
    """Forward, backward and, for replicas, one Adam step so small that the firing rates stay."""
    parameters = list(net.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-9)

    def step():
        torch.autograd.grad(forward(x).square().sum(), parameters)

    def step_with_adam():
        optimizer.zero_grad()
        forward(x).square().sum().backward()
        optimizer.step()

    return step_with_adam if with_adam else step


def spikingjelly_step(case: Case) -> Step:
    """LIF nodes of spikingjelly in multi-step mode on the PyTorch backend, soft reset, the same weights."""
    from spikingjelly.activation_based import layer, neuron, surrogate

    net, x = network_of(case), inputs_of(case)
    modules: list[nn.Module] = []
    for weight, bias in zip(net.weights, net.biases, strict=True):
        linear = layer.Linear(*weight.shape, step_mode="m")
        with torch.no_grad():
            linear.weight.copy_(weight.T)
            linear.bias.copy_(bias)
        # tau = 1 / (1 - 0.9): the same decay as beta = 0.9.
        node = neuron.LIFNode(
            tau=10.0,
            decay_input=False,
            v_reset=None,
            step_mode="m",
            surrogate_function=surrogate.ATan(),
            detach_reset=True,
        )
        modules += [linear, node]
    peer = nn.Sequential(*modules[:-1])

    def forward(x):
        for module in peer:
            if isinstance(module, neuron.LIFNode):
                module.reset()
        return peer(x).mean(0)

    return training_step(peer, forward, x, with_adam=False)


def floor_step(case: Case) -> Step:
    """The bare products and copies; the first layer needs no input gradient, the readout acts on counts."""
    return _recurrent_floor(case) if case.recurrent else _feedforward_floor(case)


def _feedforward_floor(case: Case) -> Step:
    rows = case.num_steps * case.batch
    weights = [torch.randn(n, m) for n, m in zip(case.sizes[:-1], case.sizes[1:], strict=True)]
    blocks = [torch.randn(rows, size) for size in case.sizes]
    spare = [torch.empty_like(block) for block in blocks]
    counts, grad_out = blocks[-2][: case.batch], torch.randn(case.batch, case.sizes[-1])

    def step():
        _products(counts, weights[-1], grad_out, input_gradient=True)
        for layer in range(len(weights) - 1):
            _products(blocks[layer], weights[layer], blocks[layer + 1], input_gradient=layer > 0)
            for _ in range(3):
                spare[layer + 1].copy_(blocks[layer + 1])

    return step


def _recurrent_floor(case: Case) -> Step:
    inputs, neurons, outputs = case.sizes
    rows = case.num_steps * case.batch
    w_in, w_rec, w_out = torch.randn(inputs, neurons), torch.randn(neurons, neurons), torch.randn(neurons, outputs)
    x, block, grad_out = torch.randn(rows, inputs), torch.randn(rows, neurons), torch.randn(rows, outputs)
    spare, step_block = torch.empty_like(block), torch.randn(case.batch, neurons)

    def step():
        _products(x, w_in, block, input_gradient=False)
        _products(block, w_out, grad_out, input_gradient=True)
        for _ in range(case.num_steps):
            torch.mm(step_block, w_rec)
            torch.mm(step_block, w_rec.T)
        torch.mm(block.T, block)
        for _ in range(3):
            spare.copy_(block)

    return step


def _products(x: Tensor, weight: Tensor, grad: Tensor, input_gradient: bool) -> None:
    torch.mm(x, weight)
    torch.mm(x.T, grad)
    if input_gradient:
        torch.mm(grad, weight.T)
