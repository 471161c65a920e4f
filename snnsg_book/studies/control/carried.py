"""Learners whose spiking policies keep their potentials from one action to the next.

They learn from windows of consecutive steps that begin with zero potentials. The first steps of a window are a warm-up
without a loss; an episode that starts within a window starts from zero too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.learning.learner import ReplicaLearner
from snnsg_lib.learning.policies import Policy
from snnsg_lib.learning.replay import Batch
from snnsg_lib.learning.replicas import SeedStreams
from snnsg_lib.networks import SpikingMLP

EPISODE = 200  # steps, when the expert does not crash

Memory = list[Tensor] | None


class Window(NamedTuple):
    """Steps without a loss, and steps with one, of each window that is learnt from."""

    warm_up: int = 6
    learnt: int = 4

    @property
    def length(self) -> int:
        """Steps in all."""
        return self.warm_up + self.learnt

    def count(self, batch_size: int) -> int:
        """Windows that make a batch; ValueError unless their learnt steps fill it."""
        if batch_size % self.learnt:
            raise ValueError(f"batch_size must be a multiple of the {self.learnt} learnt steps, got {batch_size}")
        return batch_size // self.learnt


USUAL = Window()


def carried_step(
    policy: Policy, observation: Tensor, memory: Memory, net: nn.Module | None = None
) -> tuple[Tensor, list[Tensor]]:
    """Show an observation (R, batch, in) to a spiking policy with potentials left from before.

    `memory` holds the potentials of each hidden layer, (R, batch, neurons); None: all zero. Returns the actions and the
    potentials afterwards. `net` stands in the place of the policy's own network.
    """
    net = policy.net if net is None else net
    assert isinstance(net, SpikingMLP)
    layers = net.layers(observation, mem=memory)
    return policy.squash(net.read_out(layers[-1][0])), [mem[-1].clone() for _, mem in layers]


def carried_actions(
    policy: Policy, observations: Tensor, starts: Tensor, window: Window, net: nn.Module | None = None
) -> tuple[list[Tensor], list[list[Tensor]]]:
    """Actions and potentials at the learnt steps of windows (R, batch, length, in), after a warm-up without a graph.

    `starts` (R, batch, length) marks first steps of episodes, which begin with zero potentials.
    """
    memory: Memory = None
    actions, memories = [], []
    for step in range(window.length):
        if memory is not None:
            goes_on = (~starts[:, :, step]).unsqueeze(-1)
            memory = [potentials * goes_on for potentials in memory]
        with torch.set_grad_enabled(torch.is_grad_enabled() and step >= window.warm_up):
            action, memory = carried_step(policy, observations[:, :, step], memory, net)
        if step >= window.warm_up:
            actions.append(action)
            memories.append(memory)
    return actions, memories


class CarriedState(ReplicaLearner):
    """A learner whose policies carry their potentials from action to action."""

    memory: Memory = None

    def _respond(self, policy: Policy, observation: Tensor) -> Tensor:
        actions, self.memory = carried_step(policy, observation, self.memory)
        return actions

    def evaluate(self, episodes: int) -> np.ndarray:
        """Returns (R, episodes) from zero potentials; those of training are left as they are."""
        kept, self.memory = self.memory, None
        try:
            return super().evaluate(episodes)
        finally:
            self.memory = kept


class CarriedCloning(CarriedState, BehavioralCloning):
    """Behavioural cloning on windows of the demonstrations."""

    num_flights = 32  # side by side in `expert_demonstrations`

    def __init__(self, *args: Any, window: Window = USUAL, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.window, self.windows = window, window.count(self.batch_size)

    def _sample(self, source: SeedStreams) -> tuple[Tensor, Tensor]:
        episodes = len(self.demonstrations.observations) // self.num_flights // EPISODE
        places = EPISODE - self.window.length
        drawn = source.integers(episodes * self.num_flights * places, self.windows)
        place, flight = divmod(drawn, self.num_flights)
        episode, first = divmod(place, places)
        step = (episode * EPISODE + first)[..., None] + np.arange(self.window.length)
        return self._demonstrated(torch.from_numpy(step * self.num_flights + flight[..., None]))

    def actor_loss(self, net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Mean squared error of the actions after the warm-up, (R,)."""
        observations, wanted = batch
        starts = torch.zeros(observations.shape[:3], dtype=torch.bool, device=observations.device)
        actions, _ = carried_actions(self.policy, observations, starts, self.window, net)
        return ((torch.stack(actions, dim=2) - wanted[:, :, self.window.warm_up :]) ** 2).mean(dim=(1, 2, 3))


class WindowBatch(Batch):
    """The transitions that are learnt from, and the windows that they belong to.

    Attributes
    ----------
    whole : Batch
        All transitions, (R, windows, length, ...).
    starts : Tensor of bool, (R, windows, length)
        Where episodes start.
    """

    whole: Batch
    starts: Tensor


class CarriedTD3(CarriedState, TD3):
    """TD3 on windows of the buffer; its updates are those of `TD3` but for the actions, which remember."""

    def __init__(self, *args: Any, window: Window = USUAL, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.window, self.windows = window, window.count(self.batch_size)
        self.starts = [np.ones(len(self.replicas) * self.num_envs, dtype=bool)]
        self.watchers.append(self._forget)

    def _forget(self, reward: np.ndarray, ended: np.ndarray) -> None:
        """Begin a new episode with zero potentials, and remember where it began."""
        self.starts.append(np.array(ended))
        if self.memory is not None:
            goes_on = torch.from_numpy(~ended).to(self.device).reshape(len(self.replicas), self.num_envs, 1)
            self.memory = [potentials * goes_on for potentials in self.memory]

    def _sample(self, source: SeedStreams) -> WindowBatch:
        """Windows of consecutive transitions; the parts of the batch are those of their learnt steps."""
        length, R = self.window.length, len(self.replicas)
        first = source.integers(self.buffer.filled - length + 1, self.windows)[..., None] + np.arange(length)
        env = source.integers(self.num_envs, self.windows)[..., None]
        flat = self.buffer.sample((first * self.num_envs + env).reshape(R, -1), self.device)
        whole = Batch(*(part.reshape(R, self.windows, length, *part.shape[2:]) for part in flat))
        batch = WindowBatch(*(part[:, :, self.window.warm_up :].flatten(1, 2) for part in whole))
        starts = np.stack(self.starts).reshape(-1, R, self.num_envs)[first, np.arange(R)[:, None, None], env]
        batch.whole, batch.starts = whole, torch.from_numpy(starts).to(self.device)
        return batch

    def _next_actions(self, batch: Batch) -> Tensor:
        """Actions at the next observations, with the potentials that the window has left before each."""
        assert isinstance(batch, WindowBatch)
        whole, policy = batch.whole, self.target_policy
        _, memories = carried_actions(policy, whole.observation, batch.starts, self.window)
        reached = whole.next_observation[:, :, self.window.warm_up :].unbind(2)
        actions = [carried_step(policy, *at)[0] for at in zip(reached, memories, strict=True)]
        return torch.stack(actions, dim=2).flatten(1, 2)

    def _actions(self, net: nn.Module, batch: Batch) -> Tensor:
        """Actions at the learnt steps."""
        assert isinstance(batch, WindowBatch)
        actions, _ = carried_actions(self.policy, batch.whole.observation, batch.starts, self.window, net)
        return torch.stack(actions, dim=2).flatten(1, 2)
