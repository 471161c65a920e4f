"""Stack and reset against a carried state: what the paper does to need no warm-up, beside what it avoids.

The same spiking network with four passes per observation, on PlanarHover with slope 10:

- ``stack and reset``: the last four observations at once, membrane potentials back to zero before each action;
- ``reset``: the newest observation alone;
- ``carried state``: the newest observation alone, potentials carried on until the episode ends. It learns from windows
  of steps that begin with zero potentials, of which the first are a warm-up without a loss.

Every update of every arm learns from as many transitions and moves the targets as often. Each arm has the learning rate
of the actor, and the carried state also the window, that served it best on seeds of its own in `control_reset_search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from snnsg_book.replicas import in_groups
from snnsg_lib.learning import TD3, BehavioralCloning

from . import training
from .carried import CarriedCloning, CarriedTD3, Window

SETTING, SLOPE = "slow_actor", 10.0
POLICIES = ("stack and reset", "reset", "carried state")
SEEDS = 15
CHUNK_SIZE = SEEDS
LENGTHS = {"bc": 3000, "td3": training.SETTINGS[SETTING].steps}
SINGLE = Window(0, 1)  # the arms without a memory learn from single transitions
# What `control_reset_search` found: learning rate and window of each arm.
CHOSEN: dict[tuple[str, str], tuple[float, Window]] = {
    ("bc", "stack and reset"): (1e-3, SINGLE),
    ("bc", "reset"): (1e-3, SINGLE),
    ("bc", "carried state"): (1e-3, Window(6, 1)),
    ("td3", "stack and reset"): (1e-3, SINGLE),
    ("td3", "reset"): (3e-4, SINGLE),
    ("td3", "carried state"): (1e-4, Window(6, 4)),
}


@dataclass(frozen=True)
class Config:
    """One run: `length` environment steps of TD3 or updates of cloning."""

    algorithm: str = "bc"
    policy: str = "stack and reset"
    learning_rate: float = 1e-4
    warm_up: int = 0
    learnt: int = 1
    seed: int = 0
    length: int = 3000


def configs(quick: bool = False) -> list[Config]:
    """Learners x policies x 15 seeds; if quick, a few updates of cloning in one seed."""
    algorithms, seeds = (("bc",), range(1)) if quick else (tuple(LENGTHS), range(SEEDS))
    return [
        Config(algorithm, policy, rate, *window, seed, 150 if quick else LENGTHS[algorithm])
        for algorithm in algorithms
        for policy in POLICIES
        for rate, window in [CHOSEN[algorithm, policy]]
        for seed in seeds
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of one kind as replicas of one network."""

    def kind(config: Config) -> tuple:
        return config.algorithm, config.policy, config.learning_rate, config.warm_up, config.learnt, config.length

    return in_groups(configs, key=kind, train=lambda _, group: _train(group))


def _train(group: list[Config]) -> list:
    first, setting = group[0], training.SETTINGS[SETTING]
    seeds, slopes = [config.seed for config in group], [SLOPE] * len(group)
    carried = first.policy == "carried state"
    changes: dict[str, Any] = {"window": Window(first.warm_up, first.learnt)} if carried else {}
    if first.policy == "stack and reset":
        changes["env_kwargs"] = {"history": 4}
    if first.algorithm == "td3":
        changes |= {"measured": False, "learner": CarriedTD3 if carried else TD3, "actor_lr": first.learning_rate}
        return training.train_td3(SETTING, slopes, seeds, first.length, **changes)
    cloning = CarriedCloning if carried else BehavioralCloning
    bc = cloning(setting.env, slopes, seeds, paired=True, **{**setting.bc, "lr": first.learning_rate}, **changes)
    log = training.RunLog(len(group), 0, first.length)
    bc.learn(first.length, setting.evaluate_at, training.EPISODES, callback=log)
    return log.outcomes(bc)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether all three policies have finite returns; which is best is not decided in a few updates."""
    return {
        "all three policies have flown": set(table.policy) == set(POLICIES),
        "all returns are finite": bool(table.episode_return.notna().all()),
    }
