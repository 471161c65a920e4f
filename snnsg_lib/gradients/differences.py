"""Central differences of a spiking network's mean loss, weight by weight, at the cost of what changes.

A small step of one weight changes the spikes of one neuron, and only for the examples that stand near a spike. So the
layers below keep their spikes, the neuron is run again for all examples, and the layers above only for the examples in
which the neuron's spikes came out differently: the same numbers as two whole forwards a weight, many times faster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from snnsg_lib.lif.arguments import choose_backend
from snnsg_lib.lif.feedforward import scan
from snnsg_lib.networks import SpikingMLP, parts

Loss = Callable[[Tensor, Tensor], Tensor]
CHUNK = 2048  # examples at once: the currents of one neuron and all its weights then fit the cache


class _Base(NamedTuple):
    """A forward pass that the differences start from: blocks (num_steps, examples, neurons) of each hidden layer."""

    below: list[Tensor]  # what each layer hears
    currents: list[Tensor]
    spikes: list[Tensor]
    noise: list[Tensor | None]
    losses: Tensor
    targets: Tensor


def central_differences(
    net: SpikingMLP, loss: Loss, inputs: Tensor, targets: Tensor, sequence: bool, step: float
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    """Gradient and standard error of each entry, {layer: (in, out) or (R, in, out)}; arguments as `expected_gradient`.

    The error is that of a mean over independent examples.
    """
    if net.replicas is None:
        return _of_one(net, loss, inputs, targets, sequence, step)
    found = [_of_one(_single(net, r), loss, inputs, targets, sequence, step) for r in range(net.replicas)]
    grads, errors = ({layer: torch.stack([f[part][layer] for f in found]) for layer in found[0][0]} for part in (0, 1))
    return grads, errors


def _single(net: SpikingMLP, replica: int) -> SpikingMLP:
    """One replica as a network of its own, whose escape noise goes on where that of the others ended."""
    one = net.replica(replica)
    one.noise_rng = net.noise_rng
    return one


@torch.no_grad()
def _of_one(
    net: SpikingMLP, loss: Loss, inputs: Tensor, targets: Tensor, sequence: bool, step: float
) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
    sums = [torch.zeros_like(weight, dtype=torch.float64) for weight in net.weights]
    squares = [torch.zeros_like(total) for total in sums]
    lengths = [step * float(weight.square().mean().sqrt()) for weight in net.weights]
    for start in range(0, len(targets), CHUNK):
        part = inputs[..., start : start + CHUNK, :]
        base, output = _base(net, loss, part, targets[start : start + CHUNK], sequence)
        for layer, (total, square) in enumerate(zip(sums, squares, strict=True)):
            columns = output if layer == len(sums) - 1 else _columns(net, loss, base, layer, lengths[layer])
            for neuron, found in enumerate(columns):
                total[:, neuron] += found.sum(0)
                square[:, neuron] += found.square().sum(0)
    count = len(targets)
    grads = {layer: (total / count).to(net.weights[layer].dtype) for layer, total in enumerate(sums)}
    variances = [
        (square / count - (total / count) ** 2).clamp(min=0) for total, square in zip(sums, squares, strict=True)
    ]
    errors = {layer: (v / max(1, count - 1)).sqrt().to(net.weights[layer].dtype) for layer, v in enumerate(variances)}
    return grads, errors


def _base(net: SpikingMLP, loss: Loss, inputs: Tensor, targets: Tensor, sequence: bool) -> tuple[_Base, list[Tensor]]:
    """The forward pass, and the gradient of the output layer by example: (examples, in) for each output neuron."""
    drawn = net.draw_noise(inputs, sequence)
    noise: list[Tensor | None] = [None] * (len(net.sizes) - 2) if drawn is None else [*drawn]
    layers = net.layers(inputs, noise=noise, sequence=sequence)
    spikes = [spk for spk, _ in layers]
    below = [inputs if sequence else inputs.expand(len(spikes[0]), *inputs.shape), *spikes[:-1]]
    currents = [net.input_current(inputs, sequence)]
    currents += [net.input_current(spk, sequence=True, layer=layer) for layer, spk in enumerate(spikes[:-1], start=1)]
    heard = net.read_out(spikes[-1], weight=torch.eye(net.sizes[-2]).to(inputs))
    with torch.enable_grad():
        outputs = net.read_out(spikes[-1]).detach().requires_grad_()
        losses = loss(outputs, targets)
        (errors,) = torch.autograd.grad(losses.sum(), outputs)
    base = _Base(below, currents, spikes, noise, losses.detach(), targets)
    return base, [heard * error.unsqueeze(1) for error in errors.unbind(1)]


def _columns(net: SpikingMLP, loss: Loss, base: _Base, layer: int, step: float) -> Iterator[Tensor]:
    """Difference quotients of each example's loss, (examples, in), for the weights into each neuron of a layer."""
    shifts = step * base.below[layer]
    for neuron in range(base.currents[layer].shape[-1]):
        current = base.currents[layer][..., neuron, None]
        spk = _fire(net, layer, torch.cat([current + shifts, current - shifts], -1), base.noise[layer], neuron)
        changed = (spk != base.spikes[layer][..., neuron, None]).any(0)
        example, moved = changed.nonzero(as_tuple=True)
        quotients = torch.zeros(changed.shape, dtype=torch.float64, device=spk.device)
        if len(example):
            spikes = base.spikes[layer][:, example]
            spikes[..., neuron] = spk[:, example, moved]
            quotients[example, moved] = (_losses_above(net, loss, base, layer, spikes, example) / (2 * step)).double()
        up, down = quotients.chunk(2, dim=1)
        yield up - down


def _losses_above(net: SpikingMLP, loss: Loss, base: _Base, layer: int, spikes: Tensor, example: Tensor) -> Tensor:
    """How much the loss of the chosen examples changes when a layer has these spikes, (num_steps, chosen, neurons)."""
    noise = [None if block is None else block[:, example] for block in base.noise[layer + 1 :]]
    for spk, _ in net.layers(spikes, noise=noise, sequence=True, first=layer + 1):
        spikes = spk
    outputs = net.read_out(spikes)
    return loss(outputs, base.targets[example]) - base.losses[example]


def _fire(net: SpikingMLP, layer: int, current: Tensor, noise: Tensor | None, neuron: int) -> Tensor:
    """Spikes of copies of one neuron of a layer, along the last axis of `current`."""

    def of_neuron(value: Any) -> Any:
        return value[neuron] if isinstance(value, Tensor) and value.dim() else value

    noise = None if noise is None else noise[..., neuron, None]
    surrogate = net.surrogates[layer]
    beta = parts.clamped_decay(of_neuron(net.betas[layer]))
    threshold = parts.clamped_threshold(of_neuron(net.thresholds[layer]))
    backend = choose_backend(net.backend, surrogate, current)
    return scan(current, beta, threshold, surrogate, net.reset_mechanism, backend=backend, noise=noise)[0]
