"""Does a step along the gradient lower the loss? A test of direction that needs no reference gradient.

One layer of the controlled network at a time takes a step against its gradient of one batch, of the same length for
every slope: 5 % of the norm of the layer's weights. `decrease` is how much the loss on 1,024 fresh inputs falls, in
nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from snnsg_book.replicas import by_network
from snnsg_lib.gradients import layer_gradients
from snnsg_lib.networks import SpikingMLP

from . import networks

SLOPES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
CHUNK_SIZE = len(SLOPES)
STEP = 0.05
NUM_BATCHES = 2
FRESH = range(1000, 1008)  # numbers of the batches that the loss is measured on


@dataclass(frozen=True)
class Config:
    """One slope in one network."""

    seed: int = 0
    slope: float = 25.0


def configs(quick: bool = False) -> list[Config]:
    """Seven slopes x 20 seeds; two slopes and one seed if quick."""
    slopes, seeds = ((1.0, 100.0), range(1)) if quick else (SLOPES, range(20))
    return [Config(seed, slope) for seed in seeds for slope in slopes]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per hidden layer."""
    return by_network(configs, _run)


def _run(config: Config, slopes: list[float]) -> list[list[dict]]:
    network = networks.NETWORKS["controlled"]
    net = networks.build(network, config.seed, slopes)
    fresh = [networks.draw_batch(network, config.seed, index) for index in FRESH]
    inputs, targets = (torch.cat(parts) for parts in zip(*fresh, strict=True))
    before = _loss(net, inputs, targets)
    decreases: dict[int, list[Tensor]] = {layer: [] for layer in range(network.depth)}
    for index in range(NUM_BATCHES):
        grads = layer_gradients(net, networks.loss_of, networks.draw_batch(network, config.seed, index))
        for layer, found in decreases.items():
            found.append(before - _loss_after_step(net, layer, grads[layer], inputs, targets))
    means = {layer: torch.stack(found).mean(0) for layer, found in decreases.items()}
    return networks.rows_by_slope({"decrease": means})


@torch.no_grad()
def _loss(net: SpikingMLP, inputs: Tensor, targets: Tensor) -> Tensor:
    return networks.loss_of(net, (inputs, targets))


@torch.no_grad()
def _loss_after_step(net: SpikingMLP, layer: int, grad: Tensor, inputs: Tensor, targets: Tensor) -> Tensor:
    weight = net.weights[layer]
    kept = weight.clone()
    length = STEP * kept.flatten(1).norm(dim=1) / grad.double().flatten(1).norm(dim=1)
    weight -= (length[:, None, None] * grad).to(weight.dtype)
    after = _loss(net, inputs, targets)
    weight.copy_(kept)
    return after


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether k = 1 lowers the loss more than k = 100 in the first hidden layer."""
    return all(_shallow_leads(table) for table in (quick, stored))


def _shallow_leads(table: pd.DataFrame) -> bool:
    first = table[table.layer == 0].groupby("slope")["decrease"].mean()
    return bool(first[1.0] > first[100.0])
