"""Replay buffers of all replicas in one array."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Batch(NamedTuple):
    """Transitions sampled for each replica, (replicas, batch, ...); `goes_on` is 0 after a failure, else 1."""

    observation_action: Tensor
    observation: Tensor
    reward: Tensor
    goes_on: Tensor
    next_observation: Tensor


class ReplayBuffer:
    """The last `capacity` transitions of each replica, one row of float32 a transition.

    Parameters
    ----------
    replicas, num_envs : int
        R and n: every call of `store` brings n transitions to each of the R replicas.
    observation_size, action_size : int
        Lengths of what is stored.
    capacity : int
        Transitions kept per replica; memory is taken as it fills.
    """

    def __init__(self, replicas: int, num_envs: int, observation_size: int, action_size: int, capacity: int):
        self.replicas, self.num_envs = replicas, num_envs
        self.observation_size, self.action_size = observation_size, action_size
        width = 2 * observation_size + action_size + 2
        self.rows = np.empty((replicas, max(1, capacity // num_envs), num_envs, width), dtype=np.float32)
        self.stored = 0  # iterations, that is calls of `store`, so far
        self._offsets = (np.arange(replicas) * self.rows.shape[1] * num_envs)[:, None]

    @property
    def filled(self) -> int:
        """Iterations held now."""
        return min(self.stored, self.rows.shape[1])

    def __len__(self) -> int:
        return self.filled * self.num_envs

    def store(
        self,
        observation: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        terminated: np.ndarray,
        next_observation: np.ndarray,
    ) -> None:
        """Append one transition of each environment, arrays (R * n, ...)."""
        row = self.rows[:, self.stored % self.rows.shape[1]]
        goes_on = 1.0 - terminated
        parts = (observation, action, reward[:, None], goes_on[:, None], next_observation)
        row[...] = np.concatenate(parts, axis=1).reshape(row.shape)
        self.stored += 1

    def sample(self, index: np.ndarray, device: torch.device | str = "cpu") -> Batch:
        """Transitions at `index` (R, batch), each in [0, len(self)), on `device`."""
        flat = self.rows.reshape(-1, self.rows.shape[-1])
        batch = torch.from_numpy(flat.take(index + self._offsets, axis=0)).to(device)
        seen, acted = self.observation_size, self.observation_size + self.action_size
        return Batch(
            observation_action=batch[..., :acted],
            observation=batch[..., :seen],
            reward=batch[..., acted],
            goes_on=batch[..., acted + 1],
            next_observation=batch[..., acted + 2 :],
        )
