"""Bias without any noise: networks with so few stochastic spikes that truth and mean surrogate gradient are exact.

Three hidden layers with escape noise; both gradients are sums over all spike patterns, on 16 inputs. ``"still"``:
3 neurons a layer, one step, 512 patterns. ``"moving"``: 2 neurons a layer, two steps, 4,096 patterns. `cosine` and
`ratio`: of the mean surrogate gradient to the truth (area 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from snnsg_book.replicas import by_network
from snnsg_book.rounding import rounded
from snnsg_lib.gradients import cosine_similarity, expected_gradient, expected_surrogate_gradient, gradient_norms
from snnsg_lib.networks import SpikingMLP

from . import networks

CHUNK_SIZE = len(networks.SLOPES)
SHAPES = {"still": ([3, 3, 3, 3, 2], 1), "moving": ([3, 2, 2, 2, 2], 2)}
EXAMPLES = 16


@dataclass(frozen=True)
class Config:
    """One slope in one network; `kappa` is the steepness of the escape noise."""

    shape: str = "still"
    kappa: float = 5.0
    seed: int = 0
    family: str = "Sigmoid"
    slope: float = 5.0


def configs(quick: bool = False) -> list[Config]:
    """Two shapes x three noises x 10 seeds x two families x slopes; three slopes in one shape and noise if quick."""
    if quick:
        return [Config(seed=seed, slope=slope) for seed in range(4) for slope in (1.0, 5.0, 100.0)]
    return [
        Config(shape, kappa, seed, family, slope)
        for shape in SHAPES
        for kappa in (2.0, 5.0, 25.0)
        for seed in range(10)
        for family in ("Sigmoid", "FastSigmoid")
        for slope in networks.SLOPES
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per hidden layer."""
    return by_network(configs, _run)


def _run(config: Config, slopes: list[float]) -> list[list[dict]]:
    sizes, num_steps = SHAPES[config.shape]
    rng = np.random.default_rng([config.seed, 10])
    inputs = torch.from_numpy(rng.standard_normal((EXAMPLES, sizes[0])).astype(np.float32))
    targets = (inputs @ torch.from_numpy(rng.standard_normal((sizes[0], sizes[-1])).astype(np.float32))).argmax(1)
    noise = np.random.default_rng([config.seed, 9])
    net = SpikingMLP(sizes, num_steps, escape_noise=config.kappa, noise_rng=noise, gain=2.0, seed=config.seed)
    with torch.no_grad():  # few neurons need some excitation, or a whole layer stays below threshold
        for weight, bias in list(zip(net.weights, net.biases, strict=True))[:-1]:
            weight += 0.3
            bias.fill_(0.6)
    truth = expected_gradient(net, networks.losses, inputs, targets, method="enumeration").gradient
    found = expected_surrogate_gradient(
        networks.with_slopes(net, slopes, config.family), networks.losses, inputs, targets
    )
    cosines, norms, lengths = (
        {layer: torch.as_tensor(value) for layer, value in measure.items()}
        for measure in (cosine_similarity(found, truth), gradient_norms(found), gradient_norms(truth))
    )
    return [
        [
            {
                "layer": layer,
                "cosine": rounded(cosines[layer][index]),
                "ratio": rounded(norms[layer][index] / lengths[layer]),
            }
            for layer in range(len(sizes) - 2)
        ]
        for index in range(len(slopes))
    ]


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the slope that matches the noise points better than slope 100, in the last hidden layer."""
    return all(_matched_leads(table) for table in (quick, stored))


def _matched_leads(table: pd.DataFrame) -> bool:
    chosen = table[(table["shape"] == "still") & (table.kappa == 5) & (table.family == "Sigmoid") & (table.layer == 2)]
    found = chosen.groupby("slope").cosine.mean()
    return bool(found[5.0] > found[100.0])
