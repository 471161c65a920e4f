"""Whole episodes: how well does a policy fly?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from snnsg_lib.checks import check_int

Policy = Callable[[Any], ArrayLike | torch.Tensor] | nn.Module


def make_vector(env: str, num_envs: int, **kwargs: Any) -> gym.vector.VectorEnv:
    """Return `num_envs` copies of the registered environment `env` that restart within the step that ends an episode.

    The library's own environments come in one set of arrays; others as Gymnasium's SyncVectorEnv.
    """
    if gym.spec(env).vector_entry_point is not None:
        return gym.make_vec(env, num_envs=num_envs, vectorization_mode="vector_entry_point", **kwargs)
    return gym.vector.SyncVectorEnv(
        [lambda: gym.make(env, **kwargs)] * num_envs, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP
    )


def episode_seeds(seed: int, episodes: int) -> list[int]:
    """Seeds of the `episodes` start states that belong to `seed`; a longer list begins with the shorter one."""
    return [int(s) for s in np.random.SeedSequence(check_int("seed", seed)).generate_state(episodes)]


def episode_returns(policy: Policy, env: gym.vector.VectorEnv, seeds: Sequence[int]) -> np.ndarray:
    """Return of one episode per copy of `env`, (num_envs,), copy i started from `seeds[i]`.

    `policy` maps observations (num_envs, observation_size) to actions (num_envs, action_size). Copies that end early go
    on with a new episode that is not counted, so that the batch keeps its shape.
    """
    observations, _ = env.reset(seed=list(seeds))
    returns = np.zeros(env.num_envs)
    running = np.ones(env.num_envs, dtype=bool)
    while running.any():
        actions = np.broadcast_to(_act(policy, observations), env.action_space.shape)
        observations, rewards, terminated, truncated, _ = env.step(actions)
        returns[running] += rewards[running]
        running &= ~(terminated | truncated)
    return returns


def evaluate(
    policy: Policy, env: str | gym.Env | gym.vector.VectorEnv, episodes: int = 10, seed: int = 0
) -> np.ndarray:
    """Fly `episodes` whole episodes and return their returns, (episodes,).

    Parameters
    ----------
    policy : callable or nn.Module
        Observation to action. Called with all episodes at once, (episodes, observation_size) to
        (episodes, action_size), when `env` is an id or a vector environment, and with one observation
        (observation_size,) when `env` is a single environment. A module is given tensors, without gradient.
    env : str, gymnasium.Env or gymnasium.vector.VectorEnv
        Id of a registered environment, an environment, or a vector environment with `episodes` copies.
    episodes : int
        Number of episodes, >= 1.
    seed : int
        Fixes the start states; equal seeds give equal starts, so policies can be compared start by start.
    """
    seeds = episode_seeds(seed, check_int("episodes", episodes, low=1))
    if isinstance(env, gym.Env):
        return np.array([_single_return(policy, env, s) for s in seeds])
    vector = make_vector(env, episodes) if isinstance(env, str) else env
    if vector.num_envs != episodes:
        raise ValueError(f"episodes must equal the {vector.num_envs} copies of env, got {episodes}")
    return episode_returns(policy, vector, seeds)


def _single_return(policy: Policy, env: gym.Env, seed: int) -> float:
    observation, _ = env.reset(seed=seed)
    total, ended = 0.0, False
    while not ended:
        batched = isinstance(policy, nn.Module)
        action = _act(policy, observation[None])[0] if batched else _act(policy, observation)
        observation, reward, terminated, truncated, _ = env.step(action)
        total, ended = total + float(reward), terminated or truncated
    return total


def _act(policy: Policy, observations: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        inputs = torch.as_tensor(observations) if isinstance(policy, nn.Module) else observations
        return np.asarray(policy(inputs))
