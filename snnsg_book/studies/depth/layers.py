"""Figure 2: how much gradient reaches each layer, for slopes 1..100.

The authors' set-up, and one in which every layer fires at 0.15; in each the peak or the area of the surrogate is kept
at 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from snnsg_book.replicas import by_network
from snnsg_lib.gradients import active_share, gradient_norms

from . import networks

CHUNK_SIZE = len(networks.SLOPES)
NUM_BATCHES = 4


@dataclass(frozen=True)
class Config:
    """One slope in one network."""

    setup: str = "controlled"
    normalization: str = "peak"
    seed: int = 0
    slope: float = 25.0


def configs(quick: bool = False) -> list[Config]:
    """Slopes x 20 seeds x set-ups x normalisations; three slopes and two seeds if quick."""
    slopes, seeds = ((1.0, 10.0, 100.0), range(2)) if quick else (networks.SLOPES, range(20))
    return [
        Config(setup, normalization, seed, slope)
        for setup in networks.SETUPS
        for normalization in ("peak", "area")
        for seed in seeds
        for slope in slopes
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per layer: norm, shares of weights and neurons above 1 % of the layer's largest."""
    return by_network(configs, _run)


def _run(config: Config, slopes: list[float]) -> list[list[dict]]:
    network = replace(networks.NETWORKS[config.setup], normalization=config.normalization)
    grads = networks.sample_gradients(network, config.seed, slopes, NUM_BATCHES)
    columns = {
        "norm": [gradient_norms(g) for g in grads],
        "share_weights": [active_share(g) for g in grads],
        "share_neurons": [active_share(g, of="neurons") for g in grads],
    }
    return networks.rows_by_slope({name: networks.mean_over_batches(values) for name, values in columns.items()})


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the first layer's gradient grows or falls from k = 1 to 100 in the same direction, in each condition."""
    return bool((_shallow_wins(quick) == _shallow_wins(stored)).all())


def _shallow_wins(table: pd.DataFrame) -> pd.Series:
    first = table[table.layer == 0].groupby(["setup", "normalization", "slope"])["norm"].mean().unstack()
    return first[1.0] > first[100.0]
