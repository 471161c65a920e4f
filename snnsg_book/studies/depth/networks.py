"""Networks, tasks and backward passes that the experiments on gradients in depth share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnsg_book.rounding import rounded
from snnsg_lib.gradients import Gradients, Measure, layer_gradients
from snnsg_lib.networks import SpikingMLP, scale_to_rate
from snnsg_lib.surrogates import FastSigmoid

SLOPES = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0, 35.0, 50.0, 70.0, 100.0)
REFERENCE = 100.0


@dataclass(frozen=True)
class Network:
    """One network and its task.

    ``"authors"``: 63 inputs, hidden layers of 64, 4 outputs, decay and threshold of each neuron drawn from U(0, 1), the
    default initial weights; standard-normal inputs, random targets, squared error, batches of 256.
    ``"controlled"``: 32 inputs, hidden layers of 128, 5 outputs, decay 0.9, threshold 1, hidden weights scaled so that
    each layer fires at `rate`; standard-normal inputs classified by a random linear teacher, cross-entropy, batches
    of 128.
    """

    setup: str = "controlled"
    depth: int = 4
    num_steps: int = 20
    rate: float = 0.15
    detach_reset: bool = True
    normalization: str = "peak"


NETWORKS = {"authors": Network("authors", num_steps=2), "controlled": Network("controlled")}
SETUPS = tuple(NETWORKS)


def build(network: Network, seed: int, slopes: Sequence[float]) -> SpikingMLP:
    """Return one replica per slope, all with the weights of `seed`."""
    rng = np.random.default_rng([seed, 1])
    authors = network.setup == "authors"
    sizes = [63, *[64] * network.depth, 4] if authors else [32, *[128] * network.depth, 5]
    drawn = [torch.from_numpy(rng.uniform(0, 1, (2, size)).astype(np.float32)) for size in sizes[1:-1]]
    settings: dict[str, Any] = {
        "num_steps": network.num_steps,
        "beta": [values[0] for values in drawn] if authors else 0.9,
        "threshold": [values[1].clamp(min=1e-3) for values in drawn] if authors else 1.0,
        "detach_reset": network.detach_reset,
    }
    net = SpikingMLP(sizes, surrogate=FastSigmoid(normalization=network.normalization), seed=seed, **settings)
    if not authors:
        scale_to_rate(net, draw_batch(network, seed, 0)[0][:32], network.rate)
    return net.with_slopes(slopes)


def draw_batch(network: Network, seed: int, index: int) -> tuple[Tensor, Tensor]:
    """Batch number `index` of a seed's endless supply; its task is the same in all of them."""
    rng = np.random.default_rng([seed, 2, index])
    if network.setup == "authors":
        inputs, targets = rng.standard_normal((256, 63)), rng.standard_normal((256, 4)).astype(np.float32)
    else:
        inputs = rng.standard_normal((128, 32))
        targets = (inputs @ np.random.default_rng([seed, 3]).standard_normal((32, 5))).argmax(1)
    return torch.from_numpy(inputs.astype(np.float32)), torch.from_numpy(targets)


def loss_of(net: SpikingMLP, batch: tuple[Tensor, Tensor]) -> Tensor:
    """Squared error or cross-entropy, as the targets ask for: one mean per replica."""
    inputs, targets = batch
    outputs = net(inputs)
    if targets.is_floating_point():
        return ((outputs - targets) ** 2).mean((1, 2))
    log_probabilities = outputs.log_softmax(-1)
    return -log_probabilities[:, torch.arange(len(targets)), targets].mean(1)


def sample_gradients(network: Network, seed: int, slopes: Sequence[float], num_batches: int) -> list[Gradients]:
    """Gradients of independent batches: one dictionary per batch, one replica per slope."""
    net = build(network, seed, slopes)
    # One block for all batches: small gradients kept between large temporaries would splinter the memory.
    kept = {layer: torch.empty(num_batches, *weight.shape) for layer, weight in enumerate(net.weights)}
    for index in range(num_batches):
        for layer, grad in layer_gradients(net, loss_of, draw_batch(network, seed, index)).items():
            kept[layer][index] = grad
    return [{layer: grads[index] for layer, grads in kept.items()} for index in range(num_batches)]


def with_reference(network: Network, seed: int, slopes: Sequence[float], num_batches: int) -> tuple[list, list]:
    """Gradients of each batch at the slopes, and at the reference slope without replica axis."""
    samples = sample_gradients(network, seed, [*slopes, REFERENCE], num_batches)
    grads = [{layer: grad[:-1] for layer, grad in sample.items()} for sample in samples]
    return grads, [{layer: grad[-1] for layer, grad in sample.items()} for sample in samples]


def mean_over_batches(measures: Sequence[Measure]) -> dict[int, Tensor]:
    """Mean of a measure over batches: {layer: (slopes,)}."""
    return {layer: torch.stack([torch.as_tensor(m[layer]) for m in measures]).mean(0) for layer in measures[0]}


def rows_by_slope(columns: Mapping[str, Mapping[int, Any]]) -> list[list[dict]]:
    """One list of rows per slope, a row per layer, from {column: {layer: (slopes,)}}."""
    first = next(iter(columns.values()))
    return [
        [
            {"layer": layer, **{name: rounded(values[layer][slope]) for name, values in columns.items()}}
            for layer in first
        ]
        for slope in range(len(first[0]))
    ]
