"""Networks small enough for their true gradient, their task, and surrogate gradients of the same loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from snnsg_lib import surrogates
from snnsg_lib.gradients import ExpectedGradient, Gradients, expected_gradient, layer_gradients
from snnsg_lib.networks import SpikingMLP, scale_to_rate

SLOPES = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 25.0, 35.0, 50.0, 70.0, 100.0)
STUDIED_FAMILIES = ("FastSigmoid", "ATan", "Sigmoid", "Triangular")  # a record of what was run: later ones stay out
STAGES = {"untrained": 0, "early": 30, "trained": 500}  # updates of Adam with slope 10
INPUTS, CLASSES = 10, 3
POPULATION = 15_000
STEP = 0.1  # of the central differences, on their plateau: experiment `truth_steps`

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Network:
    """One network and its stage.

    10 standard-normal inputs, shown for `num_steps` steps, classified by a random linear teacher with 3 classes;
    hidden layers of 10 neurons (7 in networks deeper than 4, to stay below 500 weights), decay 0.9, threshold 1,
    weights scaled so that each layer fires at `rate` before training; mean spike counts are read out, cross-entropy.
    """

    depth: int = 4
    num_steps: int = 8
    rate: float = 0.15
    stage: str = "untrained"
    escape_noise: float | None = None

    @property
    def sizes(self) -> list[int]:
        """Inputs, hidden layers, classes."""
        return [INPUTS, *[10 if self.depth <= 4 else 7] * self.depth, CLASSES]


def draw(seed: int, stream: int, index: int, count: int) -> Batch:
    """Batch number `index` of a stream of a seed's endless supply; its task is the same in all of them."""
    inputs = np.random.default_rng([seed, stream, index]).standard_normal((count, INPUTS))
    teacher = np.random.default_rng([seed, 0]).standard_normal((INPUTS, CLASSES))
    return torch.from_numpy(inputs.astype(np.float32)), torch.from_numpy((inputs @ teacher).argmax(1))


def losses(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of each example: (..., batch, classes) -> (..., batch)."""
    chosen = targets.expand(outputs.shape[:-1]).unsqueeze(-1)
    return -outputs.log_softmax(-1).gather(-1, chosen).squeeze(-1)


def mean_loss(net: SpikingMLP, batch: Batch) -> Tensor:
    """Mean cross-entropy, one per replica."""
    outputs = net(batch[0])
    assert isinstance(outputs, Tensor)
    return losses(outputs, batch[1]).mean(-1)


def build(network: Network, seed: int) -> SpikingMLP:
    """Return the network of a seed at its stage."""
    net = SpikingMLP(
        network.sizes,
        network.num_steps,
        surrogate=surrogates.FastSigmoid(10.0),
        escape_noise=network.escape_noise,
        noise_rng=np.random.default_rng([seed, 9]),
        seed=seed,
    )
    scale_to_rate(net, draw(seed, 1, 0, 512)[0], network.rate)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for update in range(STAGES[network.stage]):
        loss = mean_loss(net, draw(seed, 2, update, 64))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return net


def truth_of(net: SpikingMLP, seed: int, population: int = POPULATION, step: float = STEP) -> ExpectedGradient:
    """True gradient over a population of its own, by central differences."""
    examples = draw(seed, 3, 0, population)
    return expected_gradient(net, losses, *examples, method="differences", num_samples=1, step=step)


@lru_cache(maxsize=1)
def network_and_truth(network: Network, seed: int, population: int = POPULATION) -> tuple[SpikingMLP, ExpectedGradient]:
    """Network and truth, kept for the next chunk of configs that asks for the same."""
    net = build(network, seed)
    return net, truth_of(net, seed, population)


def with_slopes(
    net: SpikingMLP,
    slopes: Sequence[float],
    family: str = "FastSigmoid",
    normalization: str = "area",
    detach_reset: bool = True,
) -> SpikingMLP:
    """Return one replica of the network per slope; the surrogate has area 1, as a step's derivative has.

    With a detached reset a peak of 1 in place of the area scales each layer's gradient by a number, nothing else.
    """
    stacked = net.with_slopes(slopes, surrogates.FAMILIES[family](normalization=normalization))
    stacked.detach_reset = detach_reset
    return stacked


class Moments:
    """Mean and spread of a surrogate gradient over examples, from batches of `size` examples each."""

    def __init__(self, net: SpikingMLP, seed: int, batches: range, size: int = 500):
        self.count, self.size = len(batches), size
        sums: list[Any] = [0.0] * (len(net.sizes) - 2)
        squares: list[Any] = [0.0] * len(sums)
        for index in batches:
            batch = draw(seed, 4, index, size)
            for layer, grad in layer_gradients(net, mean_loss, batch, fresh_noise=True).items():
                if layer < len(sums):  # the output layer's passes no surrogate
                    sums[layer] += grad.double()
                    squares[layer] += grad.double().square().sum((1, 2))
        self.mean: Gradients = {layer: total / self.count for layer, total in enumerate(sums)}
        self.squares = {layer: total / self.count for layer, total in enumerate(squares)}

    def noise(self, layer: int) -> Tensor:
        """Expected squared distance of the gradient of one example from the mean gradient, (slopes,)."""
        variance = self.squares[layer] - self.mean[layer].square().sum((1, 2))
        return variance * self.size * self.count / (self.count - 1)

    def signal(self, layer: int) -> Tensor:
        """Squared length of the expected gradient, free of the noise (it may leave less than 0), (slopes,)."""
        return self.mean[layer].square().sum((1, 2)) - self.noise(layer) / (self.size * self.count)
