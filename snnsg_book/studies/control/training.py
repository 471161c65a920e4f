"""Settings, training and measurements that the control experiments share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from snnsg_book.rounding import rounded
from snnsg_lib.gradients import cosine_similarity, gradient_norms, layer_gradients
from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.learning.learner import ReplicaLearner
from snnsg_lib.learning.settings import CRAZYFLIE_HOVER
from snnsg_lib.surrogates import slope_set_to

from .outcomes import THRESHOLDS, task_of

SLOPES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
SEEDS_PER_CHUNK = 4
CHUNK_SIZE = SEEDS_PER_CHUNK * len(SLOPES)
# In this order, so that an interrupted sweep has all slopes of some seeds of each setting.
BLOCKS = (
    ("slow_actor", range(20)),
    ("crazyflie", range(20)),
    ("default", range(20)),
    ("slow_actor", range(20, 32)),
    ("default", range(20, 32)),
)
REFERENCE = 100.0  # the slope that the paper takes for the true gradient
EPISODES = 4  # flights per evaluation
DIGITS = 4  # of what is measured

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Setting:
    """One task with the hyper-parameters of both learners, and when they are looked at.

    Attributes
    ----------
    env : str
        Id of the environment.
    steps, evaluate_every : int
        Environment steps of TD3.
    updates, evaluate_at : int
        Updates of behavioural cloning.
    td3, bc : dict
        Arguments of the learners that differ from their defaults.
    """

    env: str
    steps: int
    evaluate_every: int
    updates: int
    evaluate_at: int
    td3: dict[str, Any] = field(default_factory=dict)
    bc: dict[str, Any] = field(default_factory=dict)


# "slow_actor" are the defaults of `TD3` here; "default" is TD3 as its authors set it up: one learning rate for all
# networks, one critic update an iteration, targets that move with the actor, rewards as they are.
STOCK = {"updates_per_iteration": 1, "policy_delay": 2, "target_delay": 2, "actor_lr": 1e-3, "reward_scale": 1.0}
SETTINGS = {
    "slow_actor": Setting("snnsg/PlanarHover-v0", 18_000, 1000, 4500, 150, {}, {"batch_size": 64, "lr": 1e-4}),
    "default": Setting("snnsg/PlanarHover-v0", 18_000, 1000, 1500, 50, STOCK, {"batch_size": 64}),
    "crazyflie": Setting("snnsg/CrazyflieHover-v0", 40_000, 2000, 2400, 80, CRAZYFLIE_HOVER, {"batch_size": 64}),
}


def train_td3(
    setting: str,
    slopes: Sequence[float],
    seeds: Sequence[int],
    steps: int,
    *,
    measured: bool = True,
    learner: Callable[..., TD3] = TD3,
    **changes: Any,
) -> list[Rows | Exception]:
    """Train one TD3 run for each slope and seed, taken pair by pair, as replicas of one network.

    Parameters
    ----------
    setting : str
        Key of `SETTINGS`.
    slopes, seeds : sequence
        Equally many.
    steps : int
        Environment steps.
    measured : bool
        Whether to look at the layers, at every third evaluation and at the last.
    learner : callable
        Makes the learner; `TD3` or a subclass.
    **changes
        Arguments of the learner in place of those of the setting.

    Returns
    -------
    list
        For each run its rows, one for each evaluation: step, episode_return, low_share (share of the transitions
        collected since the last evaluation that belong to episodes below half the threshold) and the columns of
        `measure_layers`; or an Exception that says why it was stopped.
    """
    chosen = SETTINGS[setting]
    td3 = learner(chosen.env, slopes, seeds, paired=True, **{**chosen.td3, **changes})
    episodes = EpisodeLog(td3)
    log = RunLog(len(slopes), 3 if measured else 0, steps)
    td3.learn(steps, chosen.evaluate_every, EPISODES, callback=log)
    low = episodes.low_share(0.5 * THRESHOLDS[task_of(setting)], chosen.evaluate_every // td3.num_envs)
    for replica, rows in enumerate(log.rows):
        for row, share in zip(rows, low[:, replica], strict=False):
            row["low_share"] = rounded(share, DIGITS)
    return log.outcomes(td3)


def train_bc(
    setting: str,
    slopes: Sequence[float],
    seeds: Sequence[int],
    updates: int,
    *,
    measured: bool = True,
    evaluate_at: int | None = None,
    **changes: Any,
) -> list[Rows | Exception]:
    """Clone the expert, one run for each slope and seed, as `train_td3` does; the column `step` counts updates."""
    chosen = SETTINGS[setting]
    bc = BehavioralCloning(chosen.env, slopes, seeds, paired=True, **{**chosen.bc, **changes})
    log = RunLog(len(slopes), 5 if measured else 0, updates)
    bc.learn(updates, evaluate_at or chosen.evaluate_at, EPISODES, callback=log)
    return log.outcomes(bc)


class RunLog:
    """Callback that keeps one row for each replica and evaluation.

    Parameters
    ----------
    replicas : int
    every, last : int
        The layers are measured at every `every`-th evaluation (0: at none) and after `last` steps or updates.
    """

    def __init__(self, replicas: int, every: int, last: int):
        self.every, self.last = every, last
        self.evaluations = 0
        self.rows: list[Rows] = [[] for _ in range(replicas)]

    def __call__(self, learner: ReplicaLearner) -> None:
        """Keep what the learner has just recorded of the replicas that are still running."""
        self.evaluations += 1
        due = self.every and (self.evaluations % self.every == 0 or learner.count >= self.last)
        measures = measure_layers(learner) if due else {}
        running = [replica for replica in range(len(self.rows)) if replica not in learner.failures]
        returns = learner.history["episode_return"].tail(len(running))
        for replica, value in zip(running, returns, strict=True):
            row = {"step": learner.count, "episode_return": rounded(value, DIGITS)}
            row |= {name: rounded(values[replica], DIGITS) for name, values in measures.items()}
            self.rows[replica].append(row)

    def outcomes(self, learner: ReplicaLearner) -> list[Rows | Exception]:
        """Return the rows of each replica, or why it was stopped."""
        return [
            FloatingPointError(learner.failures[replica]) if replica in learner.failures else rows
            for replica, rows in enumerate(self.rows)
        ]


def measure_layers(learner: ReplicaLearner) -> dict[str, np.ndarray]:
    """Measure each layer of the policies on one batch: {column: (R,)}.

    `norm_0`, ...: length of the gradient of the actor's loss with respect to the weights; `cosine_0`, ...: its cosine
    with the gradient at slope 100 on the same batch; `dead_0`, ...: share of neurons that spike for no observation.
    """
    net, batch = learner.policy.net, learner.probe_batch()
    grads = layer_gradients(net, learner.actor_loss, batch)
    with slope_set_to(net, REFERENCE):
        reference = layer_gradients(net, learner.actor_loss, batch)
    observations = getattr(batch, "observation", batch[0])
    with torch.no_grad():
        _, recording = net(observations, record=True)
    # Blocks are (num_steps, replicas, batch, neurons).
    dead = {layer: (spk.amax(dim=(0, 2)) == 0).double().mean(-1) for layer, spk in enumerate(recording.spk)}
    measures = {"norm": gradient_norms(grads), "cosine": cosine_similarity(grads, reference), "dead": dead}
    return {f"{name}_{layer}": values.numpy() for name, layers in measures.items() for layer, values in layers.items()}


class EpisodeLog:
    """Keeps the rewards and ends of all environments of a TD3 run, to tell which transitions came from bad episodes."""

    def __init__(self, td3: TD3):
        self.shape = (len(td3.replicas), td3.num_envs)
        self.rewards: list[np.ndarray] = []
        self.ended: list[np.ndarray] = []
        td3.watchers.append(self.watch)

    def watch(self, reward: np.ndarray, ended: np.ndarray) -> None:
        """Take the rewards and ends, (R * n,), of one iteration."""
        self.rewards.append(np.array(reward, dtype=np.float64))
        self.ended.append(np.array(ended))

    def low_share(self, limit: float, every: int) -> np.ndarray:
        """Share of transitions from episodes with a return below `limit`, (periods of `every` iterations, R).

        Episodes still running at the end do not count; NaN where there is nothing else.
        """
        low = episodes_below(np.stack(self.rewards), np.stack(self.ended), limit)
        periods = -(-len(low) // every)
        padded = np.full((periods * every, low.shape[1]), np.nan)
        padded[: len(low)] = low
        blocks = padded.reshape(periods, every, *self.shape).swapaxes(1, 2).reshape(periods, self.shape[0], -1)
        known = ~np.isnan(blocks)
        count = known.sum(-1)
        return np.where(count > 0, np.nansum(blocks, axis=-1) / np.maximum(count, 1), np.nan)


def episodes_below(rewards: np.ndarray, ended: np.ndarray, limit: float) -> np.ndarray:
    """Mark transitions (T, environments): 1 if the return of their episode is below `limit`, 0 else, NaN if unended."""
    marks = np.full(rewards.shape, np.nan)
    for column in range(rewards.shape[1]):
        start = 0
        for stop in (np.flatnonzero(ended[:, column]) + 1).tolist():
            marks[start:stop, column] = rewards[start:stop, column].sum() < limit
            start = stop
    return marks


def record_runs() -> list[tuple[str, float, int]]:
    """Return (setting, slope, seed) of the runs for the record, chunk by chunk: all slopes of a few seeds."""
    return [
        (setting, slope, seed)
        for setting, seeds in BLOCKS
        for start in seeds[::SEEDS_PER_CHUNK]
        for slope in SLOPES
        for seed in range(start, start + SEEDS_PER_CHUNK)
    ]
