"""The largest exponent against the slope of the surrogate, and the slope at which it is 0.

The spikes of a network do not depend on the slope, its tangents do: a steeper surrogate is smaller everywhere.
Untrained networks as in `flossing_tasks`, trials of the delayed copy with delay 45. Rows: `exponent` (mean over 8
trials) at each `slope`; the last row (`found`) holds the slope that bisection found, between 0.05 and 500, and the
exponent there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from snnsg_book.rounding import rounded

from . import networks

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 20
DELAY = 45
SLOPES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)


@dataclass(frozen=True)
class Config:
    """One network; its recurrent weights are drawn from N(0, gain^2 / neurons)."""

    gain: float = 1.0
    seed: int = 0


def configs(quick: bool = False) -> list[Config]:
    """Gains x 20 seeds; one gain and 6 seeds if quick."""
    gains = (1.0,) if quick else (1.0, 0.5, 2.0, 4.0)
    return [Config(gain, seed) for gain in gains for seed in range(6 if quick else 20)]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Measure neighbouring configs with the same gain as replicas of one network."""
    rows = []
    for cell, group in groupby(configs, key=lambda config: replace(config, seed=0)):
        rows += _run(cell.gain, [config.seed for config in group])
    return rows


def _run(gain: float, seeds: list[int]) -> list[list[dict]]:
    net = networks.build(seeds, gain=gain)
    inputs = networks.draw("copy", DELAY, 8, networks.streams(seeds, 8)).inputs
    found = networks.slope_without_growth(net, inputs)
    rows: list[list[dict]] = [[] for _ in seeds]
    for slopes in (*(torch.full_like(found, slope) for slope in SLOPES), found):
        networks.surrogate_of(net).slope = slopes
        for own, slope, exponent in zip(rows, slopes, networks.exponents(net, inputs)[:, 0], strict=True):
            own.append({"slope": rounded(slope), "exponent": rounded(exponent), "found": slopes is found})
    return rows


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether a steeper surrogate has the smaller exponent, on average over the networks."""
    tables = (table[~table.found.astype(bool) & (table.gain == 1)] for table in (quick, stored))
    return all(table.groupby("slope").exponent.mean().is_monotonic_decreasing for table in tables)
