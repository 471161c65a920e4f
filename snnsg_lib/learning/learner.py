"""The base of both learners: replicas of a policy that are evaluated, stopped when they break, saved and resumed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.extras import extra

with extra("experiments"):
    import pandas as pd
    from gymnasium import spaces

from snnsg_lib.checks import check_int
from snnsg_lib.envs import episode_returns, make_vector
from snnsg_lib.schedulers import moments_follow

from . import checkpoint
from .policies import Policy, make_policy, zero_rows
from .replicas import (
    EVALUATION,
    Replicas,
    SeedStreams,
    SlopeOrFactory,
    SurrogateFamily,
    start_seeds,
)

Callback = Callable[["ReplicaLearner"], Any]


class ReplicaLearner(ABC):
    """Policies of all replicas and what BC and TD3 do with them alike.

    Attributes
    ----------
    device : torch.device
        Of networks and batches.
    replicas : Replicas
        Label, seed and slope of each.
    policy : Policy
        Observations (R, batch, in) to actions (R, batch, out) in [-1, 1].
    history : DataFrame
        One row per evaluation and replica.
    failures : dict of int to str
        Index of each stopped replica, and why it was stopped.
    """

    counter: str  # column that counts training: "step" or "update"

    def __init__(
        self,
        env: str,
        slopes: Sequence[SlopeOrFactory],
        seeds: Sequence[int],
        paired: bool,
        actor: str,
        hidden: Sequence[int],
        readout_gain: float,
        output_gain: float,
        network: dict[str, Any] | None,
        env_kwargs: dict[str, Any] | None,
        surrogate: SurrogateFamily,
        device: str | torch.device,
        rescale_moments: bool | Sequence[bool],
    ):
        self.env_id, self.env_kwargs = env, dict(env_kwargs or {})
        self.device = check_device(device)
        self.replicas = Replicas(slopes, seeds, paired, rescale_moments, surrogate)
        probe = make_vector(env, 1, **self.env_kwargs)
        self.observation_size = int(np.prod(probe.single_observation_space.shape or (0,)))
        action_space = probe.single_action_space
        if not isinstance(action_space, spaces.Box) or not np.isfinite(action_space.high).all():
            raise ValueError(f"env must have bounded continuous actions, got {action_space} in {env}")
        self.action_size = int(np.prod(action_space.shape))
        self._action_middle = (action_space.high + action_space.low) / 2
        self._action_range = (action_space.high - action_space.low) / 2
        sizes = [self.observation_size, *(check_int("hidden", size, low=1) for size in hidden), self.action_size]
        self.policy = make_policy(
            actor, sizes, self.replicas, readout_gain=readout_gain, output_gain=output_gain, network=network
        ).to(self.device)
        self.count = 0
        self.failures: dict[int, str] = {}
        self._rows: list[dict[str, Any]] = []
        self._evaluation_env = probe

    @property
    def history(self) -> pd.DataFrame:
        """One row per evaluation and replica: slope, seed, step or update, episode_return, current_slope, ..."""
        return pd.DataFrame(self._rows)

    @abstractmethod
    def actor_loss(self, net: nn.Module, batch: Any) -> Tensor:
        """Loss of each replica, (R,), with `net` in place of the policy's network."""

    @abstractmethod
    def probe_batch(self) -> Any:
        """A batch for `actor_loss`, the same for all replicas of a seed; drawing it leaves training as it was."""

    @torch.no_grad()
    def act(self, observation: np.ndarray, copies: int, policy: Policy | None = None) -> np.ndarray:
        """Actions in [-1, 1], (R * copies, action_size), for observations of `copies` environments per replica.

        They are those of `policy`, by default the learner's own; stopped replicas do nothing.
        """
        inputs = torch.from_numpy(observation.astype(np.float32, copy=False)).to(self.device)
        inputs = inputs.reshape(len(self.replicas), copies, -1)
        actions = self._respond(self.policy if policy is None else policy, inputs)
        self.stop_broken(actions, "action")
        if self.failures:
            actions[list(self.failures)] = 0.0
        return actions.reshape(-1, self.action_size).cpu().numpy()

    def _respond(self, policy: Policy, observation: Tensor) -> Tensor:
        """Actions of `policy` at observations (R, copies, in); override it for policies that remember."""
        return policy(observation)

    def to_env(self, action: np.ndarray) -> np.ndarray:
        """Actions in [-1, 1] scaled to the range of the environment."""
        return self._action_middle + self._action_range * action

    def evaluate(self, episodes: int) -> np.ndarray:
        """Returns (R, episodes) of the policies without noise; the starts depend on seed and progress alone."""
        R = len(self.replicas)
        if self._evaluation_env.num_envs != R * episodes:
            self._evaluation_env = make_vector(self.env_id, R * episodes, **self.env_kwargs)
        seeds = start_seeds(self.replicas.seeds, (EVALUATION, self.count), episodes)
        returns = episode_returns(lambda o: self.to_env(self.act(o, episodes)), self._evaluation_env, seeds)
        return returns.reshape(R, episodes)

    def record(self, episodes: int, **extra: np.ndarray) -> None:
        """Evaluate, append a row for each replica that is still running, and let the schedules move on."""
        returns = self.evaluate(episodes).mean(axis=1)
        with self._moments_follow():
            self.replicas.step_schedules(self.schedule_input(returns), skip=tuple(self.failures))
        slopes = self.replicas.current_slopes.tolist()
        for replica, (label, seed) in enumerate(zip(self.replicas.labels, self.replicas.seeds, strict=True)):
            if replica not in self.failures:
                row = {"slope": label, "seed": seed, self.counter: self.count}
                row |= {"episode_return": float(returns[replica]), "current_slope": slopes[replica]}
                self._rows.append(row | {name: float(values[replica]) for name, values in extra.items()})

    def schedule_input(self, returns: np.ndarray) -> np.ndarray:
        """What the schedules are stepped with, (R,): the mean returns; override it to feed them something measured."""
        return returns

    def _moments_follow(self) -> AbstractContextManager:
        """The block in which slopes move; the moments of the chosen replicas follow, if any is chosen."""
        optimizer = self._trained()[0][1]
        if optimizer is None or not bool(self.replicas.rescaled.any()):
            return nullcontext()
        batch, rescaled = self.probe_batch(), self.replicas.rescaled.to(self.device)
        return moments_follow(optimizer, lambda: self.actor_loss(self.policy.net, batch), rescaled)

    def stop_broken(self, values: Tensor, what: str) -> None:
        """Stop each replica whose `values` (R, ...) are NaN or infinite; the others go on untouched."""
        if bool(torch.isfinite(values).all()):
            return
        finite = torch.isfinite(values.reshape(len(self.replicas), -1)).all(dim=1)
        for replica in torch.nonzero(~finite).flatten().tolist():
            if replica not in self.failures:
                self.failures[replica] = f"{what} is NaN or infinite at {self.counter} {self.count}"
                self._silence(replica)

    def _silence(self, replica: int) -> None:
        """Zero the weights of a stopped replica: it stays in the batch, so that the others keep their shape."""
        for module, optimizer in self._trained():
            stacked = next(module.parameters()).shape[0] // len(self.replicas)
            zero_rows(module, optimizer, [replica + copy * len(self.replicas) for copy in range(stacked)])

    # Checkpoints

    @abstractmethod
    def _trained(self) -> list[tuple[nn.Module, torch.optim.Optimizer | None]]:
        """Every module with replicas, and its optimizer if it has one."""

    @abstractmethod
    def _streams(self) -> list[SeedStreams]:
        """Every random stream that training draws from."""

    @abstractmethod
    def _more_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Further arrays, and further JSON-able values, that training depends on."""

    @abstractmethod
    def _restore(self, arrays: dict[str, np.ndarray], plain: dict[str, Any]) -> None:
        """Put back what `_more_state` returned."""

    def save(self, path: str | Path) -> None:
        """Write everything that the rest of training depends on to one file."""
        arrays, plain = self._more_state()
        for index, (module, optimizer) in enumerate(self._trained()):
            arrays |= checkpoint.module_arrays(f"module{index}", module)
            arrays |= {} if optimizer is None else checkpoint.optimizer_arrays(f"optimizer{index}", optimizer)
        arrays["slopes"] = self.replicas.current_slopes.cpu().numpy()
        schedules = [None if s is None else s.state_dict() for s in self.replicas.schedules]
        plain |= {"identity": self._identity(), "count": self.count, "rows": self._rows, "schedules": schedules}
        plain |= {"failures": list(self.failures.items()), "streams": [s.state_dict() for s in self._streams()]}
        checkpoint.write_checkpoint(path, arrays, plain)

    def load(self, path: str | Path) -> None:
        """Continue exactly where `save` was called, in a learner made with the same arguments.

        Raises
        ------
        CorruptResultError
            If the file is damaged.
        ValueError
            If it was saved with other slopes, seeds, environment or shapes.
        """
        arrays, plain = checkpoint.read_checkpoint(path)
        if plain["identity"] != self._identity():
            raise ValueError(f"path must hold a checkpoint of {self._identity()}, got {plain['identity']}")
        for index, (module, optimizer) in enumerate(self._trained()):
            checkpoint.load_module(f"module{index}", module, arrays)
            if optimizer is not None:
                checkpoint.load_optimizer(f"optimizer{index}", optimizer, arrays)
        self.replicas.surrogate.slope = torch.from_numpy(arrays["slopes"].copy()).to(self.device)
        for schedule, state in zip(self.replicas.schedules, plain["schedules"], strict=True):
            if schedule is not None:
                schedule.load_state_dict(state)
        for stream, states in zip(self._streams(), plain["streams"], strict=True):
            stream.load_state_dict(states)
        self.count, self._rows = plain["count"], plain["rows"]
        self.failures = {int(replica): reason for replica, reason in plain["failures"]}
        self._restore(arrays, plain)

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must agree in."""
        shapes = [list(p.shape) for module, _ in self._trained() for p in module.parameters()]
        labels = [str(label) for label in self.replicas.labels]
        return {"env": self.env_id, "slopes": labels, "seeds": self.replicas.seeds, "shapes": shapes}


def check_device(device: str | torch.device) -> torch.device:
    """Return `device` as a torch.device on which a tensor can be made, else raise ValueError."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(f"device must name a torch device of this machine, such as 'cpu', got {device!r}") from error
