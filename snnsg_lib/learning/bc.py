"""Behavioural cloning: learn an expert's actions by supervision, all slopes and seeds as replicas of one network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.extras import extra

with extra("experiments"):
    import pandas as pd

from snnsg_lib.checks import check_int, check_number
from snnsg_lib.surrogates import FastSigmoid
from snnsg_lib.tasks import Demonstrations, expert_demonstrations

from .learner import Callback, ReplicaLearner
from .policies import clip_per_replica, gradient_sums, make_optimizer
from .replicas import BATCHES, PROBE, SeedStreams, SlopeOrFactory, SurrogateFamily

Pairs = tuple[Tensor, Tensor]  # observations and the actions that an expert takes there


class BehavioralCloning(ReplicaLearner):
    """Clone an expert by regression on its actions (Pomerleau 1989), evaluated by flying.

    Parameters
    ----------
    env : str
        Id of the environment that evaluates the clones.
    slopes : sequence of float or callable
        Fixed slopes, or factories of schedules: ``factory(surrogate)`` returns a schedule, for instance
        ``functools.partial(AdaptiveSlope, reward_range=(0, 190))``; each replica steps its own after each evaluation
        with its mean return.
    seeds : sequence of int
        Every slope runs with every seed; initial weights and batches depend on the seed alone.
    paired : bool
        True: slopes and seeds are taken pair by pair instead.
    demonstrations : Demonstrations, optional
        Observations (num_samples, in) and actions (num_samples, out); 20,000 noisy steps of the LQR expert by default.
    actor : {"snn", "mlp"}
        Spiking policy, or a ReLU network without slopes.
    hidden : sequence of int
        Neurons of each hidden layer.
    batch_size : int
        Samples per update and replica.
    lr, eps, beta2 : float
        Of Adam.
    optimizer : {"adam", "sgd"}
        ``"sgd"`` has momentum 0.9.
    max_grad_norm : float, optional
        Clips the gradient of each replica.
    readout_gain, output_gain : float
        Factor in front of the readout, and on the initial weights of the last layer.
    network : dict, optional
        Further arguments of `SpikingMLP`.
    env_kwargs : dict, optional
        Arguments of the environment, ``{"history": 4}`` for instance.
    surrogate : type or callable
        Family of the spiking policies: a class such as `ATan`, or a function slope -> `Surrogate`.
    device : str or torch.device
        Where networks and demonstrations live; environments and random streams stay on the CPU.
    rescale_moments : bool or sequence of bool
        Whether the optimizer's moments follow a slope that moves (`moments_follow`): for all, or for each of `slopes`.
    """

    counter = "update"

    def __init__(
        self,
        env: str = "snnsg/PlanarHover-v0",
        slopes: Sequence[SlopeOrFactory] = (10.0,),
        seeds: Sequence[int] = range(5),
        *,
        paired: bool = False,
        demonstrations: Demonstrations | None = None,
        actor: str = "snn",
        hidden: Sequence[int] = (64, 64, 64),
        batch_size: int = 128,
        lr: float = 1e-3,
        eps: float = 1e-8,
        beta2: float = 0.999,
        optimizer: str = "adam",
        max_grad_norm: float | None = None,
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
        self.batch_size = check_int("batch_size", batch_size, low=1)
        self.max_grad_norm = None if max_grad_norm is None else check_number("max_grad_norm", max_grad_norm, above=0.0)
        if demonstrations is None:
            demonstrations = expert_demonstrations(env, history=self.env_kwargs.get("history", 1))
        self.demonstrations = self._checked(demonstrations)
        self.optimizer = make_optimizer(optimizer, self.policy.parameters(), lr, eps=eps, beta2=beta2)
        self._batches = SeedStreams(self.replicas.seeds, BATCHES)

    def learn(
        self,
        num_updates: int,
        evaluate_at: int | Iterable[int] = 100,
        episodes: int = 4,
        callback: Callback | None = None,
    ) -> pd.DataFrame:
        """Train until `num_updates` updates have been made in all; return the history.

        Parameters
        ----------
        num_updates : int
            In all: a resumed learner makes only those that are missing.
        evaluate_at : int or iterable of int
            Fly after every so many updates, or at these update counts.
        episodes : int
            Flights per evaluation and replica; their mean return is recorded.
        callback : callable, optional
            ``callback(self)`` after each evaluation.

        Returns
        -------
        DataFrame
            slope, seed, update, episode_return, current_slope, loss (mean squared error, averaged since the last
            evaluation). A replica stopped by NaN has no further rows; `failures` says why.
        """
        num_updates = check_int("num_updates", num_updates, low=0)
        episodes = check_int("episodes", episodes, low=1)
        if isinstance(evaluate_at, Iterable):
            stops = {check_int("evaluate_at", stop, low=1) for stop in evaluate_at}
        else:
            every = check_int("evaluate_at", evaluate_at, low=1)
            stops = set(range(every, num_updates + 1, every))
        losses: list[np.ndarray] = []
        while self.count < num_updates:
            losses.append(self._update())
            if self.count in stops:
                self.record(episodes, loss=np.mean(losses, axis=0))
                losses.clear()
                if callback is not None:
                    callback(self)
        return self.history

    def _update(self) -> np.ndarray:
        """One update of every replica; return the losses (R,)."""
        loss = self._actor_step(self._sample(self._batches))
        self.count += 1
        self.stop_broken(loss, "loss")
        self.stop_broken(gradient_sums(self.policy.parameters()), "gradient")
        return loss.cpu().numpy()

    def _sample(self, source: SeedStreams) -> Pairs:
        """Observations and actions to learn from, drawn from the demonstrations with the streams of `source`."""
        index = torch.from_numpy(source.integers(len(self.demonstrations.observations), self.batch_size))
        return self._demonstrated(index)

    def _demonstrated(self, index: Tensor) -> Pairs:
        """Observations and actions at `index`, of any shape, into the demonstrations."""
        index = index.to(self.device)
        return self.demonstrations.observations[index], self.demonstrations.actions[index]

    def _actor_step(self, batch: Pairs) -> Tensor:
        """Follow the gradient of the loss, clipped for each replica; return the losses (R,)."""
        loss = self.actor_loss(self.policy.net, batch)
        self.optimizer.zero_grad()
        loss.sum().backward()  # a sum: each replica gets the gradient it would have alone
        if self.max_grad_norm is not None:
            clip_per_replica(self.policy.parameters(), self.max_grad_norm)
        self.optimizer.step()
        return loss.detach()

    def actor_loss(self, net: nn.Module, batch: Pairs) -> Tensor:
        """Mean squared error of the actions, (R,)."""
        observations, actions = batch
        return ((self.policy.act_with(net, observations) - actions) ** 2).mean(dim=(1, 2))

    def probe_batch(self) -> Pairs:
        """Demonstrations drawn by seed and update count."""
        return self._sample(SeedStreams(self.replicas.seeds, PROBE, self.count))

    def _checked(self, demonstrations: Demonstrations) -> Demonstrations:
        observations, actions = (torch.as_tensor(x, dtype=torch.float32) for x in demonstrations)
        for name, values, size in (
            ("observations", observations, self.observation_size),
            ("actions", actions, self.action_size),
        ):
            if values.ndim != 2 or values.shape[1] != size or len(values) != len(observations) or not len(values):
                raise ValueError(f"{name} of demonstrations must have shape (num_samples, {size}), got {values.shape}")
            if not bool(torch.isfinite(values).all()):
                raise ValueError(f"{name} of demonstrations must be finite, got NaN or infinity")
        middle, span = (torch.from_numpy(np.float32(x)) for x in (self._action_middle, self._action_range))
        return Demonstrations(observations.to(self.device), ((actions - middle) / span).to(self.device))

    def _trained(self) -> list[tuple[nn.Module, torch.optim.Optimizer | None]]:
        return [(self.policy, self.optimizer)]

    def _streams(self) -> list[SeedStreams]:
        return [self._batches]

    def _more_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return {}, {}

    def _restore(self, arrays: dict[str, np.ndarray], plain: dict[str, Any]) -> None:
        pass  # weights, optimizer and streams are all there is
