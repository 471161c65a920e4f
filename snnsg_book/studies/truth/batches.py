"""The cosine with the truth measured batch by batch, for batches of 1 to 20,000 examples.

A check of what the experiment `truth` extrapolates from mean and spread. `cosine`: mean over the batches of a size,
noise of the truth taken off. `flips`: share of weights with the wrong sign in one batch, as in `truth`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from snnsg_book.replicas import by_network
from snnsg_book.rounding import rounded
from snnsg_lib.gradients import Gradients, layer_gradients
from snnsg_lib.networks import SpikingMLP

from . import networks

SLOPES = (1.0, 5.0, 25.0, 100.0)
CHUNK_SIZE = len(SLOPES)
BATCHES = {1: 100, 10: 50, 100: 20, 1_000: 10, 10_000: 2, 20_000: 1}  # size: how many


@dataclass(frozen=True)
class Config:
    """One slope in one network; batches of up to `largest` examples."""

    stage: str = "untrained"
    seed: int = 0
    largest: int = 20_000
    population: int = networks.POPULATION
    slope: float = 25.0


def configs(quick: bool = False) -> list[Config]:
    """Four slopes x 10 seeds, untrained; two slopes and small batches in one network if quick."""
    if quick:
        return [Config(largest=1_000, population=5_000, slope=slope) for slope in (5.0, 100.0)]
    return [Config(seed=seed, slope=slope) for seed in range(10) for slope in SLOPES]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per hidden layer and batch size."""
    return by_network(configs, _run)


def _run(config: Config, slopes: list[float]) -> list[list[dict]]:
    net, truth = networks.network_and_truth(networks.Network(stage=config.stage), config.seed, config.population)
    stacked = networks.with_slopes(net, slopes)
    lengths = truth.squared_norm()
    rows: list[list[dict]] = [[] for _ in slopes]
    for size, count in BATCHES.items():
        if size > config.largest:
            continue
        grads = [_gradient(stacked, config.seed, size, index) for index in range(count)]
        for layer in range(len(net.sizes) - 2):
            grad, error = truth.gradient[layer].double(), truth.standard_error[layer].double()
            found = torch.stack([g[layer].double() for g in grads])
            cosines = (found * grad).sum((2, 3)) / found.square().sum((2, 3)).clamp(min=1e-40).sqrt()
            cosines = cosines.mean(0) / max(float(lengths[layer]), 1e-20) ** 0.5
            known = grad.abs() > 3 * error
            flips = ((found * grad < 0) & known).sum((2, 3)).double().mean(0) / max(1, int(known.sum()))
            for index, rows_of_slope in enumerate(rows):
                values = {"cosine": rounded(cosines[index]), "flips": rounded(flips[index])}
                rows_of_slope.append({"layer": layer, "batch": size, **values})
    return rows


def _gradient(net: SpikingMLP, seed: int, size: int, index: int) -> Gradients:
    """Gradient of one batch, in parts that fit the cache."""
    parts = max(1, size // 500)
    first = 1_000_000 * size + index * parts
    found = [
        layer_gradients(net, networks.mean_loss, networks.draw(seed, 6, first + part, size // parts))
        for part in range(parts)
    ]
    return {layer: torch.stack([grads[layer] for grads in found]).mean(0) for layer in found[0]}


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether slope 5 points closer to the truth than slope 100 in the first layer, in batches of 100."""
    return all(_shallow_leads(table) for table in (quick, stored))


def _shallow_leads(table: pd.DataFrame) -> bool:
    found = table[(table.layer == 0) & (table.batch == 100)].groupby("slope").cosine.mean()
    return bool(found[5.0] > found[100.0])
