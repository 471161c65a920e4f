"""The plateau: the length and direction of the true gradient against the step of the central differences.

`length`: of the true gradient, free of noise. `certain`: share of its squared length that is no noise. `cosine`: with
the truth of the study (step 0.1, another population), noise taken off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd

from snnsg_book.rounding import rounded
from snnsg_lib.gradients import ExpectedGradient, expected_gradient

from . import networks

CHUNK_SIZE = 5
STEPS = (0.01, 0.03, 0.1, 0.3, 0.8)


@dataclass(frozen=True)
class Config:
    """One step in one network; population of the differences."""

    stage: str = "untrained"
    seed: int = 0
    population: int = 6_000
    step: float = 0.1


def configs(quick: bool = False) -> list[Config]:
    """Five steps x 10 seeds, untrained; two steps in one network if quick."""
    if quick:
        return [Config(population=4_000, step=step) for step in (0.1, 0.3)]
    return [Config(seed=seed, step=step) for seed in range(10) for step in STEPS]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per hidden layer."""
    return [_run(config) for config in configs]


@lru_cache(maxsize=1)
def _reference(stage: str, seed: int, population: int) -> tuple:
    net = networks.build(networks.Network(stage=stage), seed)
    return net, networks.truth_of(net, seed, population)


def _run(config: Config) -> list[dict]:
    net, reference = _reference(config.stage, config.seed, config.population)
    examples = networks.draw(config.seed, 5, 0, config.population)
    found = expected_gradient(net, networks.losses, *examples, step=config.step)
    lengths, references = (_lengths(truth) for truth in (found, reference))
    rows = []
    for layer in range(len(lengths) - 1):
        a, b = (truth.gradient[layer].double() for truth in (found, reference))
        rows.append(
            {
                "layer": layer,
                "length": rounded(lengths[layer]),
                "certain": rounded(lengths[layer] ** 2 / a.square().sum()),
                "cosine": rounded((a * b).sum() / (lengths[layer] * references[layer])),
            }
        )
    return rows


def _lengths(truth: ExpectedGradient) -> list[float]:
    return [max(float(squared), 1e-20) ** 0.5 for squared in truth.squared_norm().values()]


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether a step of 0.3 finds the direction that a step of 0.1 finds, in the first hidden layer."""
    return all(_on_the_plateau(table) for table in (quick, stored))


def _on_the_plateau(table: pd.DataFrame) -> bool:
    first = table[(table.layer == 0) & (table.stage == "untrained") & (table.step == 0.3)]
    return bool(first.cosine.median() > 0.8)
