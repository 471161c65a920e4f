"""Data to learn from, fixed by a seed: noisy spike patterns, and flights of an expert."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnsg_lib._checks import check_int, check_number


class Demonstrations(NamedTuple):
    """What an expert saw and did.

    Attributes
    ----------
    observations : Tensor, (num_samples, observation_size), float32
    actions : Tensor, (num_samples, action_size), float32, in [-1, 1]
        What the expert wanted, free of the noise that was injected into what it did.
    """

    observations: Tensor
    actions: Tensor


def expert_demonstrations(
    env: str = "snnsg/PlanarHover-v0",
    num_samples: int = 20_000,
    noise: float = 0.3,
    seed: int = 0,
    *,
    num_envs: int = 32,
    history: int = 1,
) -> Demonstrations:
    """Let the LQR expert fly with noise on its actions, and record what it sees and what it wanted to do.

    The noise takes the drone to states that a perfect flight never visits, with the expert's answer to each: a student
    that is a little wrong later finds itself in states it knows (Laskey et al. 2017, DART).

    Parameters
    ----------
    env : {"snnsg/PlanarHover-v0", "snnsg/CrazyflieHover-v0"}
        Where to fly.
    num_samples : int
        Number of observation-action pairs, >= 1.
    noise : float
        Standard deviation of the normal noise added to each executed action, >= 0; actions are in [-1, 1].
    seed : int
        Fixes start states and noise.
    num_envs : int
        Drones that fly side by side, >= 1.
    history : int
        Observations stacked into one, the newest last.
    """
    from snnsg_lib.envs import episode_seeds, make_vector
    from snnsg_lib.envs.experts import hover_expert

    expert = hover_expert(env)
    num_samples = check_int("num_samples", num_samples, low=1)
    noise = check_number("noise", noise, low=0.0)
    vector = make_vector(env, check_int("num_envs", num_envs, low=1), history=history)
    rng = np.random.default_rng([check_int("seed", seed), 1])
    observation, _ = vector.reset(seed=episode_seeds(seed, num_envs))
    seen, wanted = [], []
    for _ in range(-(-num_samples // num_envs)):
        action = expert(observation)
        seen.append(observation)
        wanted.append(action)
        observation, *_ = vector.step(action + noise * rng.standard_normal(action.shape))
    observations, actions = np.concatenate(seen)[:num_samples], np.concatenate(wanted)[:num_samples]
    return Demonstrations(torch.from_numpy(observations), torch.from_numpy(actions.astype(np.float32)))


def spike_classification(
    num_samples: int = 512,
    num_steps: int = 25,
    num_inputs: int = 32,
    num_classes: int = 5,
    *,
    rate: float = 0.1,
    deletion: float = 0.3,
    insertion: float = 0.03,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Noisy copies of a few frozen spike patterns, to be told apart.

    Each class is one random pattern of spikes; a sample is the pattern of its class with spikes deleted and others
    inserted. Patterns depend on `seed`, `num_steps`, `num_inputs`, `num_classes` and `rate` alone, and a larger set
    begins with the smaller one, so a test set is the end of a longer draw.

    Parameters
    ----------
    num_samples, num_steps, num_inputs : int
        Size of the data, each >= 1.
    num_classes : int
        Number of patterns, >= 2.
    rate : float
        Probability of a spike per step and input in a pattern, in [0, 1].
    deletion, insertion : float
        Probability that a spike of the pattern is missing, and that an empty place holds a spike, in [0, 1].
    seed : int
        Fixes patterns, labels and noise.

    Returns
    -------
    spikes : Tensor, (num_steps, num_samples, num_inputs), float32, 0 or 1
    labels : Tensor, (num_samples,), int64, in [0, num_classes)
    """
    num_samples = check_int("num_samples", num_samples, low=1)
    size = check_int("num_steps", num_steps, low=1), check_int("num_inputs", num_inputs, low=1)
    num_classes = check_int("num_classes", num_classes, low=2)
    rate, deletion, insertion = (
        check_number(name, value, low=0.0, high=1.0)
        for name, value in (("rate", rate), ("deletion", deletion), ("insertion", insertion))
    )
    seed = check_int("seed", seed)
    patterns = np.random.default_rng([seed, 0]).random((num_classes, *size)) < rate
    labels = np.random.default_rng([seed, 1]).integers(num_classes, size=num_samples)
    chance = np.where(patterns, 1 - deletion, insertion)[labels]
    spikes = np.random.default_rng([seed, 2]).random((num_samples, *size)) < chance
    return torch.from_numpy(spikes.astype(np.float32)).transpose(0, 1).contiguous(), torch.from_numpy(labels)
