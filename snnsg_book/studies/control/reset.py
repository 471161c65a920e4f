"""Stack and reset against a carried state: what the seed does to need no warm-up, beside what it avoids.

The same spiking network with four passes per observation, on PlanarHover with a slow actor and slope 10:

- ``stack and reset``: the last four observations at once, membrane potentials back to zero before each action;
- ``reset``: the newest observation alone;
- ``carried state``: the newest observation alone, potentials carried on until the episode ends. It learns from windows
  of ten steps that begin with zero potentials, of which the first six are a warm-up without a loss; an episode that
  starts within them starts from zero too. Four steps of 16 windows make an update of as many transitions as the other
  two take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from snnsg_book.replicas import in_groups
from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.learning.learner import ReplicaLearner
from snnsg_lib.learning.policies import Policy
from snnsg_lib.learning.replay import Batch
from snnsg_lib.lif.feedforward import as_steps, scan
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.networks import _parts as parts

from . import training

SETTING, SLOPE = "slow_actor", 10.0
POLICIES = ("stack and reset", "reset", "carried state")
CHUNK_SIZE = 15
WARM_UP, LEARNT = 6, 4
WINDOW = WARM_UP + LEARNT
EPISODE = 200  # steps, when the expert does not crash

Memory = list[Tensor] | None


@dataclass(frozen=True)
class Config:
    """One run: `length` environment steps of TD3 or updates of cloning."""

    algorithm: str = "bc"
    policy: str = "stack and reset"
    seed: int = 0
    length: int = 3000


def configs(quick: bool = False) -> list[Config]:
    """Learners x policies x 15 seeds; if quick, a few updates of cloning in one seed."""
    if quick:
        return [Config("bc", policy, 0, 150) for policy in POLICIES]
    lengths = {"bc": 3000, "td3": training.SETTINGS[SETTING].steps}
    return [
        Config(algorithm, policy, seed, length)
        for algorithm, length in lengths.items()
        for policy in POLICIES
        for seed in range(15)
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of one kind as replicas of one network."""
    return in_groups(configs, key=lambda c: (c.algorithm, c.policy, c.length), train=_train)


def _train(key: tuple[str, str, int], group: list[Config]) -> list:
    algorithm, policy, length = key
    seeds = [config.seed for config in group]
    slopes = [SLOPE] * len(group)
    carried = policy == "carried state"
    stack: dict[str, Any] = {"env_kwargs": {"history": 4}} if policy == "stack and reset" else {}
    if algorithm == "td3":
        learner = CarriedTD3 if carried else TD3
        return training.train_td3(SETTING, slopes, seeds, length, measured=False, learner=learner, **stack)
    setting = training.SETTINGS[SETTING]
    cloning = CarriedCloning if carried else BehavioralCloning
    bc = cloning(setting.env, slopes, seeds, paired=True, **setting.bc, **stack)
    log = training.RunLog(len(group), 0, length)
    bc.learn(length, setting.evaluate_at, training.EPISODES, callback=log)
    return log.outcomes(bc)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether both hold finite returns of all three policies; which is best is not decided in a few updates."""
    return all(set(table.policy) == set(POLICIES) and table.episode_return.notna().all() for table in (quick, stored))


def carried_step(policy: Policy, observation: Tensor, memory: Memory) -> tuple[Tensor, list[Tensor]]:
    """Show an observation (R, batch, in) to a spiking policy with potentials left from before.

    `memory` holds the potentials of each hidden layer, (R, batch, neurons); None: all zero. Returns the actions and the
    potentials afterwards.
    """
    net = policy.net
    assert isinstance(net, SpikingMLP)
    current, num_steps = net.hidden_current(0, observation)
    left = []
    for layer, surrogate in enumerate(net.surrogates):
        spk, mem = scan(
            current,
            parts.clamped_decay(net.betas[layer]),
            parts.clamped_threshold(net.thresholds[layer]),
            surrogate,
            net.reset_mechanism,
            None if memory is None else memory[layer],
            num_steps=num_steps,
            slope_dims=2,
        )
        left.append(as_steps(mem, num_steps)[-1].clone())
        if layer < len(net.surrogates) - 1:
            current = parts.linear(spk, net.weights[layer + 1], net.biases[layer + 1])
    rates = as_steps(spk, num_steps).mean(0)
    return torch.tanh(policy.readout_gain * parts.linear(rates, net.weights[-1], net.biases[-1])), left


def carried_actions(policy: Policy, observations: Tensor, starts: Tensor) -> tuple[list[Tensor], list[list[Tensor]]]:
    """Actions and potentials at the learnt steps of windows (R, batch, WINDOW, in), after a warm-up without a graph.

    `starts` (R, batch, WINDOW) marks first steps of episodes, which begin with zero potentials.
    """
    memory: Memory = None
    actions, memories = [], []
    for step in range(WINDOW):
        if memory is not None:
            goes_on = (~starts[:, :, step]).unsqueeze(-1)
            memory = [potentials * goes_on for potentials in memory]
        with torch.set_grad_enabled(torch.is_grad_enabled() and step >= WARM_UP):
            action, memory = carried_step(policy, observations[:, :, step], memory)
        if step >= WARM_UP:
            actions.append(action)
            memories.append(memory)
    return actions, memories


class CarriedState(ReplicaLearner):
    """A learner whose policies carry their potentials from action to action."""

    memory: Memory = None

    @torch.no_grad()
    def act(self, observation: np.ndarray, copies: int) -> np.ndarray:
        """Actions (R * copies, action_size); the potentials move on."""
        inputs = torch.from_numpy(observation.astype(np.float32, copy=False))
        actions, self.memory = carried_step(self.policy, inputs.reshape(len(self.replicas), copies, -1), self.memory)
        self.stop_broken(actions, "action")
        return actions.reshape(-1, self.action_size).numpy()

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

    def _draw(self, streams: Any) -> tuple[Tensor, Tensor]:
        steps = len(self.demonstrations.observations) // self.num_flights // EPISODE * EPISODE
        drawn = streams.integers(steps // EPISODE * self.num_flights * (EPISODE - WINDOW), self.batch_size // LEARNT)
        place, flight = divmod(drawn, self.num_flights)
        episode, first = divmod(place, EPISODE - WINDOW)
        step = (episode * EPISODE + first)[..., None] + np.arange(WINDOW)
        index = torch.from_numpy(step * self.num_flights + flight[..., None])
        return self.demonstrations.observations[index], self.demonstrations.actions[index]

    def actor_loss(self, net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Mean squared error of the actions after the warm-up, (R,)."""
        observations, wanted = batch
        actions, _ = carried_actions(self.policy, observations, torch.zeros(observations.shape[:3], dtype=torch.bool))
        return ((torch.stack(actions, dim=2) - wanted[:, :, WARM_UP:]) ** 2).mean(dim=(1, 2, 3))


class CarriedTD3(CarriedState, TD3):
    """TD3 on windows of the buffer."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.starts = [np.ones(len(self.replicas) * self.num_envs, dtype=bool)]
        self.watchers.append(self._forget)

    def _forget(self, reward: np.ndarray, ended: np.ndarray) -> None:
        """Begin a new episode with zero potentials, and remember where it began."""
        self.starts.append(np.array(ended))
        if self.memory is not None:
            goes_on = torch.from_numpy(~ended).reshape(len(self.replicas), self.num_envs, 1)
            self.memory = [potentials * goes_on for potentials in self.memory]

    def _update(self) -> None:
        batch, starts = self._windows()
        learnt = Batch(*(part[:, :, WARM_UP:].flatten(1, 2) for part in batch))
        self._update_critics(learnt, self._window_targets(batch, starts))
        self.num_updates += 1
        if self.num_updates % self.policy_delay == 0:
            self._update_window_actor(batch, starts)
            self._move_targets()

    def _windows(self) -> tuple[Batch, Tensor]:
        """Windows of consecutive transitions, parts (R, windows, WINDOW, ...), and where episodes start in them."""
        windows = self.batch_size // LEARNT
        first = self._batches.integers(self.buffer.filled - WINDOW + 1, windows)[..., None] + np.arange(WINDOW)
        env = self._batches.integers(self.num_envs, windows)[..., None]
        shape = (len(self.replicas), windows, WINDOW)
        flat = self.buffer.sample((first * self.num_envs + env).reshape(len(self.replicas), -1))
        starts = np.stack(self.starts).reshape(-1, len(self.replicas), self.num_envs)
        marks = starts[first, np.arange(len(self.replicas))[:, None, None], env]
        return Batch(*(part.reshape(*shape, *part.shape[2:]) for part in flat)), torch.from_numpy(marks)

    @torch.no_grad()
    def _window_targets(self, batch: Batch, starts: Tensor) -> Tensor:
        """As `TD3._targets`, (R, windows * LEARNT), with the potentials of the window before each next observation."""
        _, memories = carried_actions(self.target_policy, batch.observation, starts)
        action = torch.stack(
            [
                carried_step(self.target_policy, batch.next_observation[:, :, WARM_UP + step], memory)[0]
                for step, memory in enumerate(memories)
            ],
            dim=2,
        ).flatten(1, 2)
        noise = torch.from_numpy(self._smoothing.normal(*action.shape[1:]))
        noise = (self.smoothing_noise * noise).clamp(-self.smoothing_clip, self.smoothing_clip)
        reached = batch.next_observation[:, :, WARM_UP:].flatten(1, 2)
        value = self.target_critics(torch.cat((reached, (action + noise).clamp(-1, 1)), dim=-1).repeat(2, 1, 1))
        first, second = value.squeeze(-1).chunk(2)
        reward, goes_on = (part[:, :, WARM_UP:].flatten(1, 2) for part in (batch.reward, batch.goes_on))
        return reward + self.gamma * goes_on * torch.minimum(first, second)

    def _update_window_actor(self, batch: Batch, starts: Tensor) -> None:
        actions, _ = carried_actions(self.policy, batch.observation, starts)
        seen = batch.observation[:, :, WARM_UP:].flatten(1, 2)
        action = torch.stack(actions, dim=2).flatten(1, 2)
        loss = -self.critics(torch.cat((seen, action), dim=-1), first=len(self.replicas)).mean(dim=(1, 2))
        parameters = [p for p in self.policy.parameters() if p.requires_grad]
        for parameter, grad in zip(parameters, torch.autograd.grad(loss.sum(), parameters), strict=True):
            parameter.grad = grad
        self.actor_optimizer.step()
        self.stop_broken(loss.detach(), "actor loss")
