"""Where does the slope matter? One thing at a time is changed around PlanarHover with a slow actor.

Each regime trains TD3 and behavioural cloning with slopes 2 and 100; cloning has the learning rate, batch and number
of updates that TD3 gives its actor. One row for each run: `auc`, `speed`, `reached`, `final` and `collapsed` as in
`outcomes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from snnsg_book.replicas import in_groups
from snnsg_book.rounding import rounded

from . import training
from .outcomes import outcomes

SETTING = "slow_actor"
SHALLOW, STEEP = 2.0, 100.0
UPDATES = 2100  # of the actor in 18,000 steps
EVALUATE_AT = 100
SEEDS = 15
CHUNK_SIZE = 2 * SEEDS


AUTHORS = (256, 128)  # neurons of the hidden layers
NEURONS = 103  # purpose of the random stream
LOWEST = 0.05


def authors_network(seeds: Sequence[int]) -> dict[str, Any]:
    """Arguments of `SpikingMLP`: decays and thresholds from U(0, 1) for each neuron of each seed, which both learn.

    A threshold of nearly zero is crossed at every step, so those below 0.05 begin there.
    """
    rngs = [np.random.default_rng([seed, NEURONS]) for seed in seeds]
    # (2, replicas, neurons) for each layer.
    drawn = [np.stack([rng.uniform(0, 1, (2, size)) for rng in rngs], axis=1).astype(np.float32) for size in AUTHORS]
    return {
        "beta": [torch.from_numpy(decays) for decays, _ in drawn],
        "threshold": [torch.from_numpy(thresholds).clamp(min=LOWEST) for _, thresholds in drawn],
        "learn_beta": True,
        "learn_threshold": True,
    }


@dataclass(frozen=True)
class Regime:
    """What changes: arguments of both learners, of TD3 alone, and of cloning alone.

    `network` may be a function of the seeds.
    """

    both: tuple[tuple[str, Any], ...] = ()
    td3: tuple[tuple[str, Any], ...] = ()
    bc: tuple[tuple[str, Any], ...] = ()


def _regime(td3: dict[str, Any] | None = None, bc: dict[str, Any] | None = None, **both: Any) -> Regime:
    return Regime(tuple(both.items()), tuple((td3 or {}).items()), tuple((bc or {}).items()))


# In the order in which they run: an interrupted sweep has whole regimes.
REGIMES = {
    "as it is": _regime(),
    "5 layers": _regime(hidden=(64,) * 5),
    "SGD": _regime({"actor_optimizer": "sgd", "actor_lr": 0.3}, {"optimizer": "sgd", "lr": 0.3}, max_grad_norm=1.0),
    "actor rate 1e-3": _regime({"actor_lr": 1e-3}, {"lr": 1e-3}),
    "1 critic update": _regime({"updates_per_iteration": 1, "policy_delay": 2}),
    "batch 16": _regime(batch_size=16),
    "width 32": _regime(hidden=(32,) * 3),
    "reward x 0.01": _regime({"reward_scale": 0.01}),
    "history of 4": _regime(env_kwargs={"history": 4}),
    "the authors' network": _regime(hidden=AUTHORS, network=authors_network),
}


@dataclass(frozen=True)
class Config:
    """One run: `share` of the training that a regime has in full."""

    regime: str = "as it is"
    algorithm: str = "td3"
    slope: float = STEEP
    seed: int = 0
    share: float = 1.0


def configs(quick: bool = False) -> list[Config]:
    """Regimes x learners x 2 slopes x 15 seeds; if quick, a third of cloning in one regime, in two seeds."""
    if quick:
        return [Config("actor rate 1e-3", "bc", slope, seed, 0.2) for slope in (SHALLOW, STEEP) for seed in range(2)]
    return [
        Config(regime, algorithm, slope, seed)
        for regime in REGIMES
        for algorithm in ("td3", "bc")
        for slope in (SHALLOW, STEEP)
        for seed in range(SEEDS)
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of each regime and learner as replicas of one network."""
    return in_groups(configs, key=lambda c: (c.regime, c.algorithm, c.share), train=_train)


def _train(key: tuple[str, str, float], group: list[Config]) -> list:
    name, algorithm, share = key
    regime = REGIMES[name]
    slopes, seeds = [config.slope for config in group], [config.seed for config in group]
    changes = dict(regime.both + (regime.td3 if algorithm == "td3" else regime.bc))
    if callable(changes.get("network")):
        changes["network"] = changes["network"](seeds)
    if algorithm == "td3":
        steps = round(share * training.SETTINGS[SETTING].steps)
        curves = training.train_td3(SETTING, slopes, seeds, steps, measured=False, **changes)
    else:
        updates = round(share * UPDATES)
        curves = training.train_bc(SETTING, slopes, seeds, updates, measured=False, evaluate_at=EVALUATE_AT, **changes)
    return [curve if isinstance(curve, Exception) else summary(curve, SETTING) for curve in curves]


def summary(curve: training.Rows, setting: str) -> training.Rows:
    """Return the one row that a learning curve comes to."""
    run = outcomes(pd.DataFrame(curve).assign(setting=setting, run=0), by=["run"]).iloc[0]
    numbers = {name: rounded(float(run[name]), training.DIGITS) for name in ("auc", "speed", "final")}
    return [numbers | {name: bool(run[name]) for name in ("reached", "collapsed")}]


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether cloning with a learning rate of 1e-3 learns sooner with slope 2 than with slope 100."""
    auc = table[(table.regime == "actor rate 1e-3") & (table.algorithm == "bc")].groupby("slope")["auc"].median()
    return {"the shallow slope learns sooner": bool(auc[SHALLOW] > auc[STEEP])}
