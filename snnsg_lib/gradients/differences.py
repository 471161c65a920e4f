"""Central differences of a spiking network's mean loss, weight by weight, at the cost of what changes.

A small step of one weight changes the spikes of one neuron, and only for the examples that stand near a spike. So the
layers below keep their spikes, the neuron is run again for all examples, and the layers above only for the examples in
which the neuron's spikes came out differently: the same numbers as two whole forwards a weight, many times faster.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snnsg_lib.lif._arguments import choose_backend
from snnsg_lib.lif._layout import as_rows, as_steps
from snnsg_lib.lif.feedforward import scan
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.networks import _parts as parts

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
    """One replica as a network of its own, for forward passes."""
    # Not for the surrogates, which a forward pass does not ask, nor for the noise, whose generator goes on.
    one = copy.deepcopy(net, {id(net.noise_rng): net.noise_rng})
    one.replicas = None
    one.weights = nn.ParameterList([weight[replica] for weight in net.weights])
    if not isinstance(net.biases, list):
        one.biases = nn.ParameterList([bias[replica] for bias in net.biases])
    for name in ("betas", "thresholds"):
        if not isinstance(getattr(net, name), list):
            setattr(one, name, nn.ParameterList([value[replica].flatten() for value in getattr(net, name)]))
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
    first, *others = net._layers()
    rows, num_steps = net._first_current(inputs, sequence, *first)
    base = _Base([inputs if sequence else inputs.expand(num_steps, *inputs.shape)], [], [], [], inputs, targets)
    for layer, following in enumerate(others):
        noise = None
        if net.escape_noise is not None:
            noise = parts.escape_noise_like(rows, net.escape_noise, net.noise_rng)
        base.currents.append(as_steps(rows.clone(), num_steps))  # the scan reuses the memory of rows
        spk, _ = net.spiking_layer(layer, rows, num_steps, noise)
        base.spikes.append(as_steps(spk, num_steps))
        base.noise.append(None if noise is None else as_steps(noise, num_steps))
        if layer < len(others) - 1:
            base.below.append(base.spikes[-1])
            rows = parts.linear(spk, *following)
    heard = net._read_out(spk, num_steps, torch.eye(spk.shape[-1]).to(spk), None)
    with torch.enable_grad():
        outputs = net._read_out(spk, num_steps, *others[-1]).detach().requires_grad_()
        losses = loss(outputs, targets)
        (errors,) = torch.autograd.grad(losses.sum(), outputs)
    return base._replace(losses=losses.detach()), [heard * error.unsqueeze(1) for error in errors.unbind(1)]


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
    layers = net._layers()
    num_steps = len(spikes)
    for above in range(layer + 1, len(layers) - 1):
        rows = parts.linear(as_rows(spikes, num_steps), *layers[above])
        noise = base.noise[above]
        chosen = None if noise is None else noise[:, example]
        spikes = _fire(net, above, as_steps(rows, num_steps), chosen)
    outputs = net._read_out(as_rows(spikes, num_steps), num_steps, *layers[-1])
    return loss(outputs, base.targets[example]) - base.losses[example]


def _fire(net: SpikingMLP, layer: int, current: Tensor, noise: Tensor | None, neuron: int | None = None) -> Tensor:
    """Spikes of a layer, or of copies of one neuron along the last axis of `current`."""

    def of_neuron(value: Any) -> Any:
        return value[neuron] if neuron is not None and isinstance(value, Tensor) and value.dim() else value

    if noise is not None and neuron is not None:
        noise = noise[..., neuron, None]
    surrogate = net.surrogates[layer]
    beta = parts.clamped_decay(of_neuron(net.betas[layer]))
    threshold = parts.clamped_threshold(of_neuron(net.thresholds[layer]))
    backend = choose_backend(net.backend, surrogate, current)
    return scan(current, beta, threshold, surrogate, net.reset_mechanism, backend=backend, noise=noise)[0]
