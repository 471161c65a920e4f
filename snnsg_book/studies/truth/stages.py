"""Surrogate gradients against the true gradient: bias, variance and length, layer by layer, for slopes 1..100.

The truth is `gradients.expected_gradient`, by central differences on 15,000 inputs; the surrogate's mean and spread
come from other inputs. `product`: inner product of the surrogate's mean with the truth as a unit vector. `signal`:
squared length of the surrogate's mean, free of noise. `noise`: expected squared distance of one example's gradient from
the mean. `truth`: length of the true gradient, free of noise. `certain`: share of its squared length that is no noise.
`flips`: share of the weights, among those whose true gradient is three errors from zero, whose mean surrogate gradient
has the wrong sign. The cosine with the truth in a batch of B examples follows: product / sqrt(signal + noise / B).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from snnsg_book.rounding import rounded
from snnsg_lib.statistics import bootstrap_interval, iqm

from . import networks

CHUNK_SIZE = len(networks.SLOPES)
STEEP = 35.0  # from here on the mean needs five times the examples
CERTAIN = 1e-3  # below it, the truth itself is lost in its noise


@dataclass(frozen=True)
class Config:
    """One slope in one network; `num_batches` of 500 examples measure mean and spread.

    `condition` names what is changed: ``"main"`` is nothing. An `escape_noise` of 0 means deterministic spikes.
    """

    condition: str = "main"
    depth: int = 4
    num_steps: int = 8
    rate: float = 0.15
    escape_noise: float = 0.0
    stage: str = "untrained"
    seed: int = 0
    family: str = "FastSigmoid"
    reset: str = "detached"
    num_batches: int = 60
    slope: float = 25.0

    @property
    def network(self) -> networks.Network:
        """The network whose gradient is measured."""
        return networks.Network(self.depth, self.num_steps, self.rate, self.stage, self.escape_noise or None)


def configs(quick: bool = False) -> list[Config]:
    """Slopes x 20 seeds x three stages, in the main condition; two slopes in one network if quick.

    The experiment `truth_conditions` changes one thing at a time.
    """
    if quick:
        return [Config(num_batches=20, slope=slope) for slope in (5.0, 100.0)]
    return [
        config for stage in networks.STAGES for seed in range(20) for config in all_slopes("main", seed, stage=stage)
    ]


def all_slopes(condition: str, seed: int, **settings: Any) -> list[Config]:
    """One config a slope, with more batches where the gradient is noisier; fewer outside the main condition."""
    many, few = (200, 40) if condition == "main" else (30, 30)
    return [
        Config(condition, seed=seed, slope=slope, num_batches=many if slope >= STEEP else few, **settings)
        for slope in networks.SLOPES
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per hidden layer, with the columns that the module describes."""
    rows: list[list[dict]] = []
    for _, members in groupby(configs, key=lambda config: {**vars(config), "slope": None}):
        rows += _run(list(members))
    return rows


def _run(configs: list[Config]) -> list[list[dict]]:
    first = configs[0]
    net, truth = networks.network_and_truth(first.network, first.seed)
    detached = first.reset == "detached"
    # Through the reset a surrogate of area 1 explodes: its peak of k / 2 exceeds 1.
    normalization = "area" if detached else "peak"
    stacked = networks.with_slopes(net, [config.slope for config in configs], first.family, normalization, detached)
    moments = networks.Moments(stacked, first.seed, range(first.num_batches))
    lengths = truth.squared_norm()
    rows: list[list[dict]] = [[] for _ in configs]
    for layer, mean in moments.mean.items():
        grad, error = truth.gradient[layer].double(), truth.standard_error[layer].double()
        length = max(float(lengths[layer]), 1e-20) ** 0.5
        known = grad.abs() > 3 * error
        wrong = ((mean * grad < 0) & known).sum((1, 2)) / max(1, int(known.sum()))
        columns = {
            "product": (mean * grad).sum((1, 2)) / length,
            "signal": moments.signal(layer),
            "noise": moments.noise(layer),
            "flips": wrong,
        }
        shared = {"truth": rounded(length), "certain": rounded(length**2 / grad.square().sum())}
        for index, found in enumerate(rows):
            values = {name: rounded(column[index]) for name, column in columns.items()}
            found.append({"layer": layer, **values, **shared})
    return rows


def known(table: pd.DataFrame) -> pd.DataFrame:
    """Rows whose true gradient is longer than its noise; of the others no angle can be told."""
    return table[table["certain"] > CERTAIN]


def cosine(table: pd.DataFrame, batch: float = np.inf) -> pd.Series:
    """Cosine of each row's surrogate gradient with the truth in batches of so many examples, noise of the truth aside.

    With an infinite batch noise may lift it above 1. Where it leaves nothing of the mean, or of the truth, it is NaN.
    """
    squared = table["signal"] + table["noise"] / batch
    return table["product"] / np.sqrt(squared.where((squared > 0) & (table["certain"] > CERTAIN)))


def reliability(table: pd.DataFrame, batch: float) -> pd.Series:
    """Expected cosine between the gradients of two batches of so many examples each, for each row: split-half.

    `cosine(table, batch)` is that of the infinite batch times the square root of this.
    """
    signal = table["signal"].clip(lower=0)
    return signal / (signal + table["noise"] / batch)


def typical_length(table: pd.DataFrame, by: Iterable[str] = ("stage", "layer", "slope")) -> pd.DataFrame:
    """Length of the mean surrogate gradient over that of the truth, over the seeds of each group, with a 95 % interval.

    From the interquartile mean of its square, in which the noise of `signal` averages out; surrogates of area 1, or of
    peak 1 with an attached reset.

    Returns
    -------
    DataFrame
        The columns of `by`, mean, low, high; 0 where even all seeds cannot tell the mean from noise.
    """
    table = known(table)
    squares = table["signal"] / table["truth"] ** 2
    rows = []
    for key, values in squares.groupby([table[name] for name in by]):
        ends = (iqm(values), *bootstrap_interval(values.to_numpy()))
        rows.append((*key, *(max(end, 0.0) ** 0.5 for end in ends)))
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high"])


def typical_cosine(
    table: pd.DataFrame, batch: float = np.inf, by: Iterable[str] = ("stage", "layer", "slope")
) -> pd.DataFrame:
    """Cosine with the truth in batches of so many examples, over the seeds of each group, with a 95 % interval.

    From the interquartile mean of 1 / cosine^2 = (signal + noise / batch) / product^2, in which the noise of `signal`
    averages out: of an infinite batch, single seeds cannot always tell a steep gradient's mean from zero, twenty can.

    Returns
    -------
    DataFrame
        The columns of `by`, mean, low, high; in [0, 1], and NaN where even all seeds cannot tell.
    """
    table = known(table)
    inverse = (table["signal"] + table["noise"] / batch) / table["product"] ** 2
    rows = []
    for key, values in inverse.groupby([table[name] for name in by]):
        low, high = bootstrap_interval(values.to_numpy())
        ends = [end**-0.5 if end > 0 else np.nan for end in (iqm(values), high, low)]
        told = np.isfinite(ends[0])
        rows.append((*key, *np.minimum(ends, 1.0)[:2], min(ends[2], 1.0) if low > 0 else (1.0 if told else np.nan)))
    return pd.DataFrame(rows, columns=[*by, "mean", "low", "high"])


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether slope 5 points closer to the truth than slope 100 in the first hidden layer, in batches of 64."""
    return all(_shallow_leads(table) for table in (quick, stored))


def _shallow_leads(table: pd.DataFrame) -> bool:
    first = table[(table.layer == 0) & (table.stage == "untrained")]
    found = cosine(first, 64).groupby(first.slope).mean()
    return bool(found[5.0] > found[100.0])
