"""Is our TD3 the same algorithm as that of stable-baselines3? Both learn Pendulum-v1 with equal hyper-parameters.

ReLU networks, no spikes. One row per run: `episode_return`, the mean return of ten flights without noise at the end of
training, from the same starts for both learners.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from snnsg_book.rounding import rounded
from snnsg_lib.envs import evaluate
from snnsg_lib.extras import extra
from snnsg_lib.learning import TD3

CHUNK_SIZE = 10
ENV = "Pendulum-v1"
EPISODES = 10
STEPS = 20_000
HIDDEN = (64, 64)
LEARNERS = ("snnsg_lib", "stable_baselines3")
START_STEPS = 500
SHARED = {"batch_size": 128, "gamma": 0.98, "tau": 0.005, "policy_delay": 2}
LEARNING_RATE = 1e-3
NOISE = 0.1


@dataclass(frozen=True)
class Config:
    """One run of one learner for `steps` environment steps."""

    learner: str = "snnsg_lib"
    seed: int = 0
    steps: int = STEPS


def configs(quick: bool = False) -> list[Config]:
    """Both learners in ten seeds; if quick, in one seed for a few hundred steps."""
    seeds, steps = ((0,), 700) if quick else (range(10), STEPS)
    return [Config(learner, seed, steps) for learner in LEARNERS for seed in seeds]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Return one row for each config; our runs of equal length train as replicas of one network."""
    returns: dict[Config, np.ndarray] = {}
    for steps in {config.steps for config in configs}:
        ours = [config for config in configs if config.steps == steps and config.learner == LEARNERS[0]]
        returns |= dict(zip(ours, _train_ours([config.seed for config in ours], steps), strict=True))
    returns |= {config: _train_theirs(config) for config in configs if config.learner == LEARNERS[1]}
    return [[{"episode_return": rounded(returns[config].mean(), 6)}] for config in configs]


def _train_ours(seeds: list[int], steps: int) -> list[np.ndarray]:
    """Returns (episodes,) of each seed."""
    if not seeds:
        return []
    learner = TD3(
        ENV,
        slopes=[1.0],  # a ReLU network has none
        seeds=seeds,
        actor="mlp",
        hidden=HIDDEN,
        critic_hidden=HIDDEN,
        num_envs=1,
        updates_per_iteration=1,
        target_delay=int(SHARED["policy_delay"]),
        reward_scale=1.0,
        actor_lr=LEARNING_RATE,
        critic_lr=LEARNING_RATE,
        exploration_noise=NOISE,
        start_steps=START_STEPS,
        start_scale=1.0,
        buffer_size=steps,
        **SHARED,  # type: ignore[arg-type]
    )
    learner.learn(steps, evaluate_every=steps, episodes=1)
    return [_fly(lambda o, r=replica: _act(learner, o, r), seed) for replica, seed in enumerate(seeds)]


def _act(learner: TD3, observation: np.ndarray, replica: int) -> np.ndarray:
    """Actions of one replica, (episodes, action_size)."""
    shown = np.tile(observation, (len(learner.replicas), 1))
    actions = learner.act(shown, len(observation)).reshape(len(learner.replicas), len(observation), -1)
    return learner.to_env(actions[replica])


def _train_theirs(config: Config) -> np.ndarray:
    with extra("bench"):
        import stable_baselines3
        from stable_baselines3.common.noise import NormalActionNoise

    learner = stable_baselines3.TD3(
        "MlpPolicy",
        ENV,
        learning_rate=LEARNING_RATE,
        learning_starts=START_STEPS,
        buffer_size=config.steps,
        action_noise=NormalActionNoise(np.zeros(1), np.full(1, NOISE)),
        policy_kwargs={"net_arch": list(HIDDEN)},
        seed=config.seed,
        device="cpu",
        **SHARED,  # type: ignore[arg-type]
    )
    learner.learn(config.steps)
    return _fly(lambda observation: learner.predict(observation, deterministic=True)[0], config.seed)


def _fly(policy: Callable, seed: int) -> np.ndarray:
    return evaluate(policy, ENV, episodes=EPISODES, seed=seed)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the learners end alike: within 30 after the whole training, within half the range after less."""
    alike = 30 if table.steps.min() >= STEPS else 900
    return {"the learners end alike": abs(difference(table)) < alike}


def difference(table: pd.DataFrame) -> float:
    """Mean return of our TD3 minus that of stable-baselines3."""
    means = table.groupby("learner")["episode_return"].mean()
    return float(means[LEARNERS[0]] - means[LEARNERS[1]])
