"""Under which conditions Figures 2 and 3 hold: depth, time steps, firing rate, reset and normalisation.

Around the controlled network (4 hidden layers, 20 steps, rate 0.15, detached reset, peak normalisation). Depth, reset
and normalisation are crossed, for the depth explorer; steps and rate change one at a time. With a detached reset the
normalisation is a factor (slope / 2) per surrogate on the way, so that only the attached reset is run with both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd
import torch

from snnsg_book.replicas import by_network
from snnsg_lib.gradients import active_share, cosine_similarity, gradient_norms, layer_gradients

from . import networks

SLOPES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
DEPTHS, NUM_STEPS, RATES = (2, 4, 8, 16), (2, 5, 20, 100), (0.02, 0.05, 0.15, 0.4)
CHUNK_SIZE = len(SLOPES)


@dataclass(frozen=True)
class Config:
    """One slope in one network."""

    depth: int = 4
    num_steps: int = 20
    rate: float = 0.15
    detach_reset: bool = True
    normalization: str = "peak"
    seed: int = 0
    slope: float = 25.0


def configs(quick: bool = False) -> list[Config]:
    """Conditions x 20 seeds x 7 slopes; if quick the small networks, two slopes and two seeds."""
    slopes, seeds = ((1.0, 100.0), range(2)) if quick else (SLOPES, range(20))
    resets = [(True, "peak"), (False, "peak"), (False, "area")]
    conditions: list[dict] = [{"depth": d, "detach_reset": r, "normalization": n} for d in DEPTHS for r, n in resets]
    conditions += [{"num_steps": t} for t in NUM_STEPS if t != 20] + [{"rate": r} for r in RATES if r != 0.15]
    small = [c for c in conditions if c.get("depth", 4) <= 4 and c.get("num_steps", 20) <= 20]
    return [
        Config(**condition, seed=seed, slope=slope)
        for condition in (small if quick else conditions)
        for seed in seeds
        for slope in slopes
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per layer.

    `norm`, `share` (of weights above 1 % of the layer's largest), `cosine` (with the k = 100 gradient), and `floor`
    (cosine between the k = 100 gradients of this batch and of another).
    """
    return by_network(configs, _run)


def _run(config: Config, slopes: list[float]) -> list[list[dict]]:
    shared = {field.name for field in fields(networks.Network)} & set(vars(config))
    network = networks.Network(**{name: getattr(config, name) for name in shared})
    (grads,), (reference,) = networks.with_reference(network, config.seed, slopes, 1)
    other = layer_gradients(
        networks.build(network, config.seed, [networks.REFERENCE]),
        networks.loss_of,
        networks.draw_batch(network, config.seed, 1),
    )
    floor = cosine_similarity(other, reference)
    return networks.rows_by_slope(
        {
            "norm": gradient_norms(grads),
            "share": active_share(grads),
            "cosine": cosine_similarity(grads, reference),
            "floor": {layer: torch.as_tensor(value).expand(len(slopes)) for layer, value in floor.items()},
        }
    )


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether k = 1 or k = 100 gives the first layer the larger gradient, in each condition that both have."""
    wins = pd.concat([_shallow_wins(quick), _shallow_wins(stored)], axis=1, join="inner")
    return len(wins) > 0 and bool((wins.iloc[:, 0] == wins.iloc[:, 1]).all())


def _shallow_wins(table: pd.DataFrame) -> pd.Series:
    conditions = ["depth", "num_steps", "rate", "detach_reset", "normalization"]
    first = table[table.layer == 0].groupby([*conditions, "slope"])["norm"].mean().unstack()
    return first[1.0] > first[100.0]
