"""Twin delayed deep deterministic policy gradient (TD3) with all slopes and seeds as replicas of one network.

Fujimoto, van Hoof & Meger (2018). Every array has a leading replica axis R, and nothing crosses it: each replica has
its own environments, buffer, noise and slope. Losses are summed over replicas, so that none dilutes the gradient of
another.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.extras import extra

with extra("experiments"):
    import pandas as pd

from snnsg_lib.checks import check_choice, check_int, check_number
from snnsg_lib.envs import make_vector
from snnsg_lib.envs.base import HoverVectorEnv
from snnsg_lib.surrogates import FastSigmoid

from . import replicas as streams
from .learner import Callback, ReplicaLearner
from .policies import ReplicaMLP, clip_per_replica, gradient_sums, make_optimizer
from .replay import Batch, ReplayBuffer
from .replicas import SeedStreams, SlopeOrFactory, SurrogateFamily, start_seeds

__all__ = ["TD3"]

ENV_ARRAYS = ("state", "steps", "stack")


class TD3(ReplicaLearner):
    """Train one policy per slope and seed; the defaults are those with which PlanarHover learns within 18,000 steps.

    Parameters
    ----------
    env : str
        Id of a Gymnasium environment with bounded continuous actions.
    slopes : sequence of float or callable
        Fixed slopes, or factories of schedules: ``factory(surrogate)`` returns a schedule, for instance
        ``functools.partial(AdaptiveSlope, reward_range=(0, 190))``; each replica steps its own after each evaluation
        with its mean return.
    seeds : sequence of int
        Every slope runs with every seed. All randomness of a replica depends on its seed alone.
    paired : bool
        True: slopes and seeds are taken pair by pair instead.
    actor : {"snn", "mlp"}
        Spiking policy, or a ReLU network without slopes.
    hidden, critic_hidden : sequence of int
        Neurons of the hidden layers of actor and critics.
    num_envs : int
        Environments of each replica, stepped together: one iteration.
    updates_per_iteration, policy_delay, target_delay : int
        Critic updates an iteration, and critic updates for each update of the actor and of the targets.
    batch_size, buffer_size : int
        Transitions per update, and transitions kept, for each replica.
    gamma, tau : float
        Discount, and the share by which targets move, in [0, 1].
    reward_scale : float
        Factor on rewards before they are stored.
    actor_lr, critic_lr, actor_eps, actor_beta2 : float
        Of Adam.
    actor_optimizer : {"adam", "sgd"}
        ``"sgd"`` has momentum 0.9.
    max_grad_norm : float, optional
        Clips the gradient of the actor, for each replica.
    exploration_noise, smoothing_noise, smoothing_clip : float
        Standard deviations of the noise on executed and on target actions, and the limit of the latter.
    start_steps : int
        Environment steps with random actions, before learning begins.
    start_noise, start_scale : {"uniform", "normal"}, float
        Distribution of the random actions, and its half range or standard deviation.
    readout_gain, output_gain : float
        Factor in front of the readout, and on the initial weights of the actor's last layer.
    network : dict, optional
        Further arguments of `SpikingMLP`: num_steps, beta, threshold, gain, ...
    env_kwargs : dict, optional
        Arguments of the environment, ``{"history": 4}`` for instance.
    surrogate : type or callable
        Family of the spiking policies: a class such as `ATan`, or a function slope -> `Surrogate`.
    device : str or torch.device
        Where networks and batches live; environments and random streams stay on the CPU.
    rescale_moments : bool or sequence of bool
        Whether the actor's moments follow a slope that moves (`moments_follow`): for all, or for each of `slopes`.
    """

    counter = "step"

    def __init__(
        self,
        env: str = "snnsg/PlanarHover-v0",
        slopes: Sequence[SlopeOrFactory] = (10.0,),
        seeds: Sequence[int] = range(5),
        *,
        paired: bool = False,
        actor: str = "snn",
        hidden: Sequence[int] = (64, 64, 64),
        critic_hidden: Sequence[int] = (64, 64),
        num_envs: int = 4,
        updates_per_iteration: int = 2,
        policy_delay: int = 4,
        target_delay: int = 1,
        batch_size: int = 64,
        buffer_size: int = 100_000,
        gamma: float = 0.98,
        tau: float = 0.005,
        reward_scale: float = 0.1,
        actor_lr: float = 1e-4,
        critic_lr: float = 1e-3,
        actor_eps: float = 1e-8,
        actor_beta2: float = 0.999,
        actor_optimizer: str = "adam",
        max_grad_norm: float | None = None,
        exploration_noise: float = 0.1,
        smoothing_noise: float = 0.2,
        smoothing_clip: float = 0.5,
        start_steps: int = 1000,
        start_noise: str = "uniform",
        start_scale: float = 0.5,
        readout_gain: float = 2.0,
        output_gain: float = 1.0,
        network: dict[str, Any] | None = None,
        env_kwargs: dict[str, Any] | None = None,
        surrogate: SurrogateFamily = FastSigmoid,
        device: str | torch.device = "cpu",
        rescale_moments: bool | Sequence[bool] = False,
    ):
        policy = (actor, hidden, readout_gain, output_gain, network)
        super().__init__(env, slopes, seeds, paired, *policy, env_kwargs, surrogate, device, rescale_moments)
        self.num_envs = check_int("num_envs", num_envs, low=1)
        self.updates_per_iteration = check_int("updates_per_iteration", updates_per_iteration, low=1)
        self.policy_delay = check_int("policy_delay", policy_delay, low=1)
        self.target_delay = check_int("target_delay", target_delay, low=1)
        self.batch_size = check_int("batch_size", batch_size, low=1)
        self.gamma = check_number("gamma", gamma, low=0.0, high=1.0)
        self.tau = check_number("tau", tau, low=0.0, high=1.0)
        self.reward_scale = check_number("reward_scale", reward_scale, above=0.0)
        self.max_grad_norm = None if max_grad_norm is None else check_number("max_grad_norm", max_grad_norm, above=0.0)
        self.exploration_noise = check_number("exploration_noise", exploration_noise, low=0.0)
        self.smoothing_noise = check_number("smoothing_noise", smoothing_noise, low=0.0)
        self.smoothing_clip = check_number("smoothing_clip", smoothing_clip, low=0.0)
        self.start_steps = check_int("start_steps", start_steps)
        self.start_noise = check_choice("start_noise", start_noise, ("uniform", "normal"))
        self.start_scale = check_number("start_scale", start_scale, low=0.0)

        # Twin critics: rows 0..R-1 are the first critic of each replica, rows R..2R-1 the second.
        seeds = self.replicas.seeds
        critic_sizes = [self.observation_size + self.action_size, *critic_hidden, 1]
        twins = [[seed, streams.CRITICS, twin] for twin in (0, 1) for seed in seeds]
        self.critics = ReplicaMLP(critic_sizes, twins).to(self.device)
        self.target_critics = copy.deepcopy(self.critics)
        self.target_policy = copy.deepcopy(self.policy)
        self.actor_optimizer = make_optimizer(
            actor_optimizer, self.policy.parameters(), actor_lr, eps=actor_eps, beta2=actor_beta2
        )
        self.critic_optimizer = make_optimizer("adam", self.critics.parameters(), critic_lr)

        R = len(self.replicas)
        capacity = check_int("buffer_size", buffer_size, low=self.batch_size)
        self.buffer = ReplayBuffer(R, self.num_envs, self.observation_size, self.action_size, capacity)
        self.envs = make_vector(env, R * self.num_envs, **self.env_kwargs)
        self.observation, _ = self.envs.reset(seed=start_seeds(seeds, (streams.STARTS,), self.num_envs))
        self._exploration, self._smoothing, self._batches = (
            SeedStreams(seeds, purpose) for purpose in (streams.EXPLORATION, streams.SMOOTHING, streams.BATCHES)
        )
        self.num_updates = 0
        self.watchers: list[Callable[[np.ndarray, np.ndarray], None]] = []

    def learn(
        self, num_steps: int, evaluate_every: int = 1000, episodes: int = 4, callback: Callback | None = None
    ) -> pd.DataFrame:
        """Train until each replica has taken `num_steps` environment steps in all; return the history.

        Parameters
        ----------
        num_steps : int
            In all: a resumed learner takes only those that are missing.
        evaluate_every, episodes : int
            Steps between evaluations, and flights without noise per evaluation and replica.
        callback : callable, optional
            ``callback(self)`` after each evaluation.

        Returns
        -------
        DataFrame
            slope, seed, step, episode_return, current_slope: one row per evaluation and replica. A replica stopped by
            NaN has no further rows; `failures` says why.
        """
        num_steps = check_int("num_steps", num_steps)
        evaluate_every = check_int("evaluate_every", evaluate_every, low=1)
        episodes = check_int("episodes", episodes, low=1)
        while self.count < num_steps:
            self._collect()
            if self.count > self.start_steps:
                for _ in range(self.updates_per_iteration):
                    self._update()
            if self.count % evaluate_every < self.num_envs:
                self.record(episodes)
                if callback is not None:
                    callback(self)
        return self.history

    def _collect(self) -> None:
        """Step every environment once and store what happened."""
        action = self._explore().clip(-1, 1)
        observation, reward, terminated, truncated, infos = self.envs.step(self.to_env(action))
        ended, reached = terminated | truncated, observation
        if ended.any():
            # The environments have restarted; what the last action led to is the final observation.
            reached = observation.copy()
            reached[ended] = np.stack(list(infos["final_obs"][ended]))
        # Only a failure ends the future; a time limit does not, its value is bootstrapped.
        self.buffer.store(self.observation, action, self.reward_scale * reward, terminated, reached)
        self.observation = observation
        self.count += self.num_envs
        for watch in self.watchers:
            watch(reward, ended)

    def _explore(self) -> np.ndarray:
        """Actions for all environments, (R * n, action_size): random ones at first, then the policies' with noise."""
        shape = (self.num_envs, self.action_size)
        if self.count < self.start_steps:
            draw = self._exploration.uniform if self.start_noise == "uniform" else self._exploration.normal
            return self.start_scale * draw(*shape).reshape(-1, self.action_size)
        noise = self._exploration.normal(*shape).reshape(-1, self.action_size)
        return self._behave() + self.exploration_noise * noise

    def _behave(self) -> np.ndarray:
        """Actions of the policies that collect, before exploration noise, (R * n, action_size)."""
        return self.act(self.observation, self.num_envs)

    def _update(self) -> None:
        """One update of the critics and, every so many of them, of the actor and of the targets."""
        batch = self._sample(self._batches)
        self._critic_step(batch, self._targets(batch))
        self.num_updates += 1
        if self.num_updates % self.policy_delay == 0:
            self._actor_step(batch)
        if self.num_updates % self.target_delay == 0:
            self._move_targets()

    def _sample(self, source: SeedStreams) -> Batch:
        """Transitions to learn from, drawn from the buffer with the streams of `source`."""
        return self.buffer.sample(source.integers(len(self.buffer), self.batch_size), self.device)

    @torch.no_grad()
    def _targets(self, batch: Batch) -> Tensor:
        """Y = r + gamma min(Q1', Q2')(s', pi'(s') + clipped noise), (R, batch)."""
        noise = torch.from_numpy(self._smoothing.normal(self.batch_size, self.action_size)).to(self.device)
        noise = (self.smoothing_noise * noise).clamp(-self.smoothing_clip, self.smoothing_clip)
        action = (self._next_actions(batch) + noise).clamp(-1, 1)
        value = self.target_critics(torch.cat((batch.next_observation, action), dim=-1).repeat(2, 1, 1))
        first, second = value.squeeze(-1).chunk(2)
        return batch.reward + self.gamma * batch.goes_on * torch.minimum(first, second)

    def _next_actions(self, batch: Batch) -> Tensor:
        """pi'(s'), actions of the target policies at the next observations, (R, batch, action_size)."""
        return self.target_policy(batch.next_observation)

    def _critic_step(self, batch: Batch, target: Tensor) -> None:
        """Regress both critics on the targets (R, batch)."""
        value = self.critics(batch.observation_action.repeat(2, 1, 1)).squeeze(-1)
        loss = ((value - target.repeat(2, 1)) ** 2).mean(dim=1)
        self.critic_optimizer.zero_grad()
        loss.sum().backward()
        self.critic_optimizer.step()
        self.stop_broken(loss.detach().reshape(2, -1).T, "critic loss")
        self.stop_broken(gradient_sums(self.critics.parameters()).reshape(2, -1).T, "critic gradient")

    def _actor_step(self, batch: Batch) -> None:
        """Follow the gradient of the actor's loss, clipped for each replica."""
        parameters = [p for p in self.policy.parameters() if p.requires_grad]
        loss, grads = self._actor_gradients(batch, parameters)
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = grad
        if self.max_grad_norm is not None:
            clip_per_replica(parameters, self.max_grad_norm)
        self.actor_optimizer.step()
        self.stop_broken(loss, "actor loss")
        self.stop_broken(gradient_sums(parameters), "actor gradient")

    def _actor_gradients(self, batch: Batch, parameters: list[nn.Parameter]) -> tuple[Tensor, Sequence[Tensor]]:
        """Loss of the actors, (R,), and what they follow: a gradient for each of `parameters`."""
        loss = self.actor_loss(self.policy.net, batch)
        return loss.detach(), torch.autograd.grad(loss.sum(), parameters)

    def actor_loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """Loss of the actor, -Q1(s, pi(s)) averaged over the batch, (R,), with `net` in the place of its own."""
        action = self._actions(net, batch)
        value = self.critics(torch.cat((batch.observation, action), dim=-1), first=len(self.replicas))
        return -value.mean(dim=(1, 2))

    def _actions(self, net: nn.Module, batch: Batch) -> Tensor:
        """pi(s), actions at the observations of a batch, (R, batch, action_size), with `net` in the policy."""
        return self.policy.act_with(net, batch.observation)

    @torch.no_grad()
    def _move_targets(self) -> None:
        """Move the target networks by the share `tau` towards the trained ones."""
        for target, online in ((self.target_critics, self.critics), (self.target_policy, self.policy)):
            torch._foreach_lerp_(list(target.parameters()), list(online.parameters()), self.tau)

    def probe_batch(self) -> Batch:
        """A batch from the buffer, drawn by seed and step count."""
        return self._sample(SeedStreams(self.replicas.seeds, streams.PROBE, self.count))

    # Checkpoints

    def _trained(self) -> list[tuple[nn.Module, torch.optim.Optimizer | None]]:
        online: list[tuple[nn.Module, torch.optim.Optimizer | None]]
        online = [(self.policy, self.actor_optimizer), (self.critics, self.critic_optimizer)]
        return [*online, (self.target_policy, None), (self.target_critics, None)]

    def _streams(self) -> list[SeedStreams]:
        return [self._exploration, self._smoothing, self._batches]

    def _more_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        if not isinstance(self.envs, HoverVectorEnv):
            raise ValueError(f"env must be one of the library's to be saved, got {self.env_id}")
        state = self.envs.state_dict()
        arrays = {f"env.{name}": state[name] for name in ENV_ARRAYS}
        arrays |= {"observation": self.observation, "buffer": self.buffer.rows[:, : self.buffer.filled]}
        return arrays, {"env_rngs": state["rngs"], "num_updates": self.num_updates, "stored": self.buffer.stored}

    def _restore(self, arrays: dict[str, np.ndarray], plain: dict[str, Any]) -> None:
        assert isinstance(self.envs, HoverVectorEnv)
        self.envs.load_state_dict({**{name: arrays[f"env.{name}"] for name in ENV_ARRAYS}, "rngs": plain["env_rngs"]})
        self.observation, self.num_updates = arrays["observation"], plain["num_updates"]
        self.buffer.stored = plain["stored"]
        self.buffer.rows[:, : self.buffer.filled] = arrays["buffer"]
