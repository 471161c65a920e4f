"""Figure 1 in a network: the share of membrane potentials that a surrogate reaches, against its slope.

Membrane potentials of all hidden layers, time steps and examples of the controlled network at four firing rates.
`active_share`: with more than 1 % of the peak gradient. `mean_derivative`: of the peak-normalised surrogate over all of
them, the factor by which a layer shrinks a gradient on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
import torch
from torch import Tensor

from snnsg_book.rounding import rounded
from snnsg_lib import surrogates

from . import networks

STUDIED_FAMILIES = ("FastSigmoid", "ATan", "Sigmoid", "Triangular")  # a record of what was run: later ones stay out
RATES = (0.02, 0.05, 0.15, 0.4)
FLOOR = 0.01
CHUNK_SIZE = len(STUDIED_FAMILIES)


@dataclass(frozen=True)
class Config:
    """One surrogate family over the potentials of one network."""

    rate: float = 0.15
    seed: int = 0
    family: str = "FastSigmoid"


def configs(quick: bool = False) -> list[Config]:
    """Rates x 20 seeds x families; two seeds at one rate if quick."""
    rates, seeds = ((0.15,), range(2)) if quick else (RATES, range(20))
    return [Config(rate, seed, family) for rate in rates for seed in seeds for family in STUDIED_FAMILIES]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per slope: active share and mean derivative."""
    return [_run(config) for config in configs]


@lru_cache(maxsize=1)
def potentials(rate: float, seed: int) -> Tensor:
    """Membrane potentials minus threshold of all hidden layers, in one long vector."""
    network = networks.Network(rate=rate)
    net = networks.build(network, seed, [1.0])
    with torch.no_grad():
        _, recording = net(networks.draw_batch(network, seed, 1)[0][:32], record=True)
    return torch.cat([mem.flatten() for mem in recording.mem]) - 1.0


def _run(config: Config) -> list[dict]:
    u = potentials(config.rate, config.seed)
    surrogate = surrogates.FAMILIES[config.family](1.0)
    rows = []
    for slope in networks.SLOPES:
        surrogate.slope = slope
        derivative = surrogate.derivative(u)
        share = (derivative > FLOOR).double().mean()
        rows.append(
            {
                "slope": slope,
                "active_share": rounded(share),
                "mean_derivative": rounded(derivative.double().mean()),
            }
        )
    return rows


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the share falls with each step of the slope from 1 over 10 to 100, in each family."""
    share = table[table.rate == 0.15].groupby(["family", "slope"])["active_share"].mean().unstack()
    return {
        "the share falls with the slope in each family": bool(
            (share[1.0] > share[10.0]).all() and (share[10.0] > share[100.0]).all()
        )
    }
