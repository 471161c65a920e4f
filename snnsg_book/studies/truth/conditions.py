"""As the experiment `truth`, with one thing changed at a time: does the picture hold elsewhere?

Surrogate family, gradient through the reset, depth, time steps, firing rate, escape noise; the columns are those of
`truth`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from . import networks, stages
from .stages import CHUNK_SIZE, Config, all_slopes, cosine

__all__ = ["CHUNK_SIZE", "Config", "changed", "configs", "holds", "run"]


def configs(quick: bool = False) -> list[Config]:
    """Slopes x 10 seeds x conditions, untrained and, for family, reset and depth, trained; two slopes if quick."""
    if quick:
        return [Config("depth", depth=2, num_batches=20, slope=slope) for slope in (5.0, 100.0)]
    chosen = []
    for stage in ("untrained", "trained"):
        for seed in range(10):
            families = networks.STUDIED_FAMILIES[1:]
            chosen += [all_slopes("family", seed, stage=stage, family=family) for family in families]
            chosen += [all_slopes("reset", seed, stage=stage, reset="attached")]
        chosen += [all_slopes("depth", seed, stage=stage, depth=depth) for depth in (2, 8) for seed in range(10)]
    chosen += [all_slopes("steps", seed, num_steps=num_steps) for num_steps in (4, 16) for seed in range(10)]
    chosen += [all_slopes("rate", seed, rate=rate) for rate in (0.05, 0.4) for seed in range(10)]
    for seed in range(10):
        chosen += [all_slopes("noise", seed, escape_noise=5.0, family=name) for name in ("FastSigmoid", "Sigmoid")]
    return [config for group in chosen for config in group]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, as those of `truth`."""
    return stages.run(configs)


def changed(table: pd.DataFrame) -> pd.Series:
    """What is changed, in words, for each row."""
    names = {
        "family": table["family"],
        "reset": "reset " + table["reset"],
        "depth": "depth " + table["depth"].astype(str),
        "steps": table["num_steps"].astype(str) + " steps",
        "rate": "rate " + table["rate"].astype(str),
        "noise": "noise" + table["family"].map({"FastSigmoid": "", "Sigmoid": ", Sigmoid"}),
    }
    return pd.DataFrame(names).stack().loc[list(zip(table.index, table["condition"], strict=True))].droplevel(1)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether slope 5 points closer to the truth than slope 100 in the first of two layers, in batches of 64."""
    first = table[(table.layer == 0) & (table.depth == 2) & (table.stage == "untrained")]
    found = cosine(first, 64).groupby(first.slope).mean()
    return {"slope 5 points closer to the truth than slope 100": bool(found[5.0] > found[100.0])}
