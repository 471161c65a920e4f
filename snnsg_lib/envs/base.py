"""One NumPy implementation under a single and a vectorised Gymnasium environment.

A `HoverTask` says what a task is, as functions of arrays with a leading env axis; `HoverBatch` steps any number of
copies; `HoverEnv` (one copy, no env axis) and `HoverVectorEnv` (many) only speak Gymnasium.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils import batch_space

from snnsg_lib.checks import check_choice, check_int


def squared_length(vectors: np.ndarray) -> np.ndarray:
    """Squared lengths (n,) of vectors (n, size), summed in one fixed order so that no result depends on n."""
    total = vectors[:, 0] ** 2
    for column in range(1, vectors.shape[1]):
        total = total + vectors[:, column] ** 2
    return total


class HoverTask(ABC):
    """Physics, reward and limits of one hover task; every array has a leading env axis n.

    Attributes
    ----------
    name : str
        Used in error messages.
    state_size, action_size, observation_size : int
        Lengths of the last axes.
    seconds_per_step : float
        Time between two actions, s.
    max_steps : int
        Steps after which an episode is truncated.
    """

    name: ClassVar[str]
    state_size: ClassVar[int]
    action_size: ClassVar[int]
    observation_size: ClassVar[int]
    seconds_per_step: float
    max_steps: int

    @abstractmethod
    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Draw one start state, (state_size,)."""

    @abstractmethod
    def advance(self, state: np.ndarray, action: np.ndarray) -> np.ndarray:
        """State (n, state_size) after one control step under actions (n, action_size) in [-1, 1]."""

    @abstractmethod
    def observe(self, state: np.ndarray) -> np.ndarray:
        """Observations (n, observation_size) of the states (n, state_size)."""

    @abstractmethod
    def reward(self, state: np.ndarray, action: np.ndarray) -> np.ndarray:
        """Rewards (n,) for having reached `state` with `action`."""

    @abstractmethod
    def failed(self, state: np.ndarray) -> np.ndarray:
        """Bool (n,): which states end the episode as a failure."""

    @abstractmethod
    def draw(self, state: np.ndarray) -> np.ndarray:
        """Picture of one state (state_size,): RGB, (height, width, 3), uint8."""


class HoverBatch:
    """Copies of a task stepped together: states, step counts, observation histories, one random generator each.

    Parameters
    ----------
    task : HoverTask
        What to simulate.
    num_envs : int
        Number of copies n.
    history : int
        Observations in the stack, the newest last; after a reset the first observation fills the stack.
    """

    def __init__(self, task: HoverTask, num_envs: int, history: int):
        self.task = task
        self.num_envs = check_int("num_envs", num_envs, low=1)
        self.history = check_int("history", history, low=1)
        self.state = np.zeros((num_envs, task.state_size))
        self.steps = np.zeros(num_envs, dtype=np.int64)
        self.stack = np.zeros((num_envs, history, task.observation_size), dtype=np.float32)

    def observations(self) -> np.ndarray:
        """Stacked observations, (n, history * observation_size), float32, as a copy."""
        return self.stack.reshape(self.num_envs, -1).copy()

    def restart(self, index: int, rng: np.random.Generator, state: np.ndarray | None = None) -> None:
        """Begin a new episode in copy `index`, from `state` (checked) or from a drawn start."""
        self.state[index] = self.task.start(rng) if state is None else self._checked_state(state)
        self.steps[index] = 0
        self.stack[index] = self.task.observe(self.state[index : index + 1])

    def step(self, action: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Step every copy; return rewards, terminated and truncated, each (n,)."""
        task = self.task
        action = self._checked_action(action)
        self.state = task.advance(self.state, action)
        self.steps += 1
        if not np.isfinite(self.state).all():
            index = int(np.flatnonzero(~np.isfinite(self.state).all(axis=1))[0])
            raise FloatingPointError(f"state of {task.name} {index} must be finite, got {self.state[index]}")
        self.stack[:, :-1] = self.stack[:, 1:]
        self.stack[:, -1] = task.observe(self.state)
        terminated = task.failed(self.state)
        return task.reward(self.state, action), terminated, (self.steps >= task.max_steps) & ~terminated

    def _checked_action(self, action: object) -> np.ndarray:
        values = np.asarray(action, dtype=np.float64)
        if values.shape != (self.num_envs, self.task.action_size):
            raise ValueError(
                f"action of {self.task.name} must have {self.task.action_size} entries for each of "
                f"{self.num_envs} envs, got shape {values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"action of {self.task.name} must be finite and in [-1, 1], got {values}")
        return np.clip(values, -1.0, 1.0)

    def _checked_state(self, state: object) -> np.ndarray:
        values = np.asarray(state, dtype=np.float64)
        if values.shape != (self.task.state_size,) or not np.isfinite(values).all():
            raise ValueError(f"state of {self.task.name} must be {self.task.state_size} finite numbers, got {state!r}")
        return values


def _observation_space(task: HoverTask, history: int) -> spaces.Box:
    return spaces.Box(-np.inf, np.inf, (history * task.observation_size,), np.float32)


def _action_space(task: HoverTask) -> spaces.Box:
    return spaces.Box(-1.0, 1.0, (task.action_size,), np.float32)


class HoverEnv(gym.Env):
    """One copy of a task as a Gymnasium environment.

    `reset(options={"state": ...})` starts from a given state. `terminated` means failure, `truncated` the time limit,
    and never both. Actions outside [-1, 1] are clipped.

    Raises
    ------
    ValueError
        If an action or a given state is not finite or has the wrong shape.
    FloatingPointError
        If the simulated state stops being finite.
    gymnasium.error.ResetNeeded
        If `step` is called before `reset` or after the end of an episode.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 50}  # noqa: RUF012 - Gymnasium's own form

    def __init__(self, task: HoverTask, *, history: int = 1, render_mode: str | None = None):
        if render_mode is not None:
            check_choice("render_mode", render_mode, ("rgb_array",))
        self.batch = HoverBatch(task, 1, history)
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "render_fps": round(1 / task.seconds_per_step)}
        self.observation_space = _observation_space(task, history)
        self.action_space = _action_space(task)
        self._running = False

    @property
    def task(self) -> HoverTask:
        """The physics, reward and limits behind this environment."""
        return self.batch.task

    @property
    def state(self) -> np.ndarray:
        """Current state, (state_size,), as a copy."""
        return self.batch.state[0].copy()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Begin an episode; return the observation and an empty info."""
        super().reset(seed=seed)
        self.batch.restart(0, self.np_random, (options or {}).get("state"))
        self._running = True
        return self.batch.observations()[0], {}

    def step(self, action):
        """Fly one control step; return observation, reward, terminated, truncated, info."""
        if not self._running:
            raise gym.error.ResetNeeded(f"{self.task.name} needs reset() before step()")
        reward, terminated, truncated = self.batch.step(np.asarray(action)[None])
        self._running = not (terminated[0] or truncated[0])
        return self.batch.observations()[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), {}

    def render(self) -> np.ndarray | None:
        """Picture of the drone, (height, width, 3) uint8, with `render_mode="rgb_array"`; else None."""
        return self.task.draw(self.batch.state[0]) if self.render_mode == "rgb_array" else None


class HoverVectorEnv(gym.vector.VectorEnv):
    """Many copies of a task as a Gymnasium vector environment, with one random generator per copy.

    An ended copy restarts within the same step; its last observation is in `infos["final_obs"]`, where
    `infos["_final_obs"]` is true. An integer seed gives copy i the seed `seed + i`; a sequence gives each its own, so
    that copy i equals a single environment reset with that seed, wherever it stands in the batch.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - Gymnasium's own form
        "render_modes": [],
        "autoreset_mode": gym.vector.AutoresetMode.SAME_STEP,
    }

    def __init__(self, task: HoverTask, num_envs: int = 1, *, history: int = 1):
        self.batch = HoverBatch(task, num_envs, history)
        self.num_envs = self.batch.num_envs
        self.single_observation_space = _observation_space(task, history)
        self.single_action_space = _action_space(task)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._rngs: list[np.random.Generator] = []

    @property
    def task(self) -> HoverTask:
        """The physics, reward and limits behind this environment."""
        return self.batch.task

    def reset(
        self, *, seed: int | Sequence[int] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict]:
        """Begin an episode in every copy; return observations (n, size) and an empty info."""
        if seed is not None or not self._rngs:
            self._rngs = [np.random.default_rng(s) for s in self._seeds(seed)]
        states = (options or {}).get("state", [None] * self.num_envs)
        for index, (rng, state) in enumerate(zip(self._rngs, states, strict=True)):
            self.batch.restart(index, rng, state)
        return self.batch.observations(), {}

    def _seeds(self, seed: int | Sequence[int] | None) -> Sequence[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + index for index in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"seed must be an integer or {self.num_envs} integers, got {len(seed)}")
        return [int(s) for s in seed]

    def step(self, actions):
        """Step every copy; return observations, rewards, terminated, truncated, infos."""
        if not self._rngs:
            raise gym.error.ResetNeeded(f"{self.task.name} needs reset() before step()")
        reward, terminated, truncated = self.batch.step(actions)
        ended = terminated | truncated
        infos: dict[str, Any] = {}
        if ended.any():
            infos = {"final_obs": self.batch.observations(), "_final_obs": ended}
            for index in np.flatnonzero(ended):
                self.batch.restart(int(index), self._rngs[index])
        return self.batch.observations(), reward, terminated, truncated, infos

    def state_dict(self) -> dict[str, Any]:
        """Everything the next step depends on: arrays, and the generators' states as plain numbers."""
        batch = self.batch
        arrays = {"state": batch.state.copy(), "steps": batch.steps.copy(), "stack": batch.stack.copy()}
        return {**arrays, "rngs": [rng.bit_generator.state for rng in self._rngs]}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue exactly where `state_dict` was taken."""
        self.batch.state = np.array(saved["state"])
        self.batch.steps = np.array(saved["steps"])
        self.batch.stack = np.array(saved["stack"])
        self._rngs = [np.random.default_rng() for _ in saved["rngs"]]
        for rng, state in zip(self._rngs, saved["rngs"], strict=True):
            rng.bit_generator.state = state
