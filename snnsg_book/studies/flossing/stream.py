"""What an untrained binary network knows of its stream, before flossing and after it: linear probes of its spikes.

Networks of `flossing_published`, as drawn (``none``) and after 500 flossing steps on 75 exponents (``flossed 75``) or
on one (``flossed 1``). A linear function of the spikes is fitted to the bit of `lag` steps ago, on 64 streams of 100
steps, and tried on 64 others. Rows: `lag`, and the share of bits that it names `right`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from snnsg_book.rounding import rounded
from snnsg_lib.lyapunov import floss
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.tasks import Delayed

from . import networks, published
from .memory import probe

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 10
DELAY, TRIALS, STEPS, SKIPPED = 18, 64, 120, 20
LAGS = range(1, 15)
ARMS = {"none": 0, "flossed 75": 75, "flossed 1": 1}


@dataclass(frozen=True)
class Config:
    """One network, flossed for `steps` steps in the arms that floss."""

    arm: str = "none"
    seed: int = 0
    steps: int = 500


def configs(quick: bool = False) -> list[Config]:
    """Arms x 10 seeds; two arms, few steps and 2 seeds if quick."""
    if quick:
        return [Config(arm, seed, 5) for arm in ("none", "flossed 75") for seed in range(2)]
    return [Config(arm, seed) for arm in ARMS for seed in range(10)]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Probe neighbouring configs that differ in nothing but their seed as replicas of one network."""
    rows = []
    for cell, group in groupby(configs, key=lambda config: replace(config, seed=0)):
        rows += _run(cell, [config.seed for config in group])
    return rows


def _run(config: Config, seeds: list[int]) -> list[list[dict]]:
    net = published.build(seeds)
    if ARMS[config.arm]:
        rngs = networks.streams(seeds, 21)
        floss(
            net,
            lambda _: published.draw(DELAY, 1, published.SHORT, rngs),
            config.steps,
            num_exponents=ARMS[config.arm],
            floss_lr=published.LEARNING_RATE,
            qr_interval=published.QR_INTERVAL,
            transient=published.TRANSIENT,
        )
    fitted, tried = (published.draw(DELAY, TRIALS, STEPS, networks.streams(seeds, number)) for number in (23, 24))
    spikes, new_spikes = _spikes(net, fitted), _spikes(net, tried)
    shares = {lag: probe(spikes, _bits(fitted, lag), new_spikes, _bits(tried, lag)) for lag in LAGS}
    return [
        [{"lag": lag, "right": rounded(share[replica])} for lag, share in shares.items()]
        for replica in range(len(seeds))
    ]


@torch.no_grad()
def _spikes(net: RecurrentLIF, trials: Delayed) -> Tensor:
    """All spikes and a one from step `SKIPPED` on: (replicas, steps x trials, neurons + 1)."""
    spk = net(trials.inputs, record=True)[1].spk[0][SKIPPED:]
    return torch.cat((spk, torch.ones_like(spk[..., :1])), dim=-1).permute(1, 0, 2, 3).flatten(1, 2).double()


def _bits(trials: Delayed, lag: int) -> Tensor:
    """The bits of `lag` steps before those spikes, -1 or 1: (replicas, steps x trials)."""
    bits = trials.inputs[SKIPPED - lag : len(trials.inputs) - lag, ..., 0]
    return (2 * bits - 1).permute(1, 0, 2).flatten(1).double()


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether a bit of one step ago is known better than one of twelve steps ago."""
    return all(_fades(table) for table in (quick, stored))


def _fades(table: pd.DataFrame) -> bool:
    right = table[table.arm == "none"].groupby("lag").right.mean()
    return bool(right[1] > right[12] + 0.2)
