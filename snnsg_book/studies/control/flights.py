"""Flights to look at: CrazyflieHover flown by the LQR expert and by spiking policies at four points of their training.

One row for each control step of a flight: the state before the action (position in m, attitude quaternion), the action,
the reward for it, and what the policy's hidden neurons did to find it. All flights begin in the same state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from snnsg_book.replicas import all_but, in_groups
from snnsg_book.rounding import to_places
from snnsg_lib.envs.base import HoverBatch
from snnsg_lib.envs.crazyflie import ATTITUDE, POSITION, CrazyflieHoverTask
from snnsg_lib.envs.experts import hover_expert
from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.learning.learner import ReplicaLearner

from . import training

CHUNK_SIZE = 5
SHARES = (0.1, 0.25, 0.5, 1.0)  # of the training; TD3 has learnt nothing yet at the first
START = 0  # seed of the start state
SHOWN = 16  # neurons of each layer whose spikes are kept: the first, not chosen
SETTING = training.SETTINGS["crazyflie"]

Rows = list[dict[str, Any]]
# Observations (R, 22) to actions (R, 4), spikes (R, 3 * SHOWN) and rates (R, 3).
Pilot = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Config:
    """One policy: `length` updates of cloning (``"bc"``) or environment steps of ``"td3"``; the expert has neither.

    The slope of the expert, which has no neurons, stands as 0.
    """

    learner: str = "bc"
    slope: float = 2.0
    seed: int = 0
    length: int = SETTING.updates


def configs(quick: bool = False) -> list[Config]:
    """The expert and, for slopes 2 and 100, one policy of each learner; if quick, a policy that has yet to learn."""
    expert = Config("expert", 0.0, 0, 0)
    if quick:
        return [expert, Config("td3", 2.0, 0, 160)]
    lengths = {"bc": SETTING.updates, "td3": SETTING.steps}
    return [expert, *(Config(name, k, 0, length) for name, length in lengths.items() for k in (2.0, 100.0))]


def run(configs: Sequence[Config]) -> list:
    """Train the policies of each learner as replicas of one network, and fly them at each of `SHARES`."""
    return in_groups(configs, all_but("slope", "seed"), _flights)


def _flights(config: Config, group: list[Config]) -> list[Rows]:
    if config.learner == "expert":
        return fly(_expert_pilot(), [0] * len(group))
    slopes, seeds = [member.slope for member in group], [member.seed for member in group]
    learner: BehavioralCloning | TD3
    if config.learner == "bc":
        learner = BehavioralCloning(SETTING.env, slopes, seeds, paired=True, **SETTING.bc)
    else:
        learner = TD3(SETTING.env, slopes, seeds, paired=True, **SETTING.td3)
    rows: list[Rows] = [[] for _ in group]
    for share in SHARES:
        # The learner's own evaluations are not needed: none before the last step.
        learner.learn(round(share * config.length), config.length)
        for own, more in zip(rows, fly(_policy_pilot(learner), [learner.count] * len(group)), strict=True):
            own.extend(more)
    return rows


def fly(pilot: Pilot, trained: Sequence[int]) -> list[Rows]:
    """Fly one episode from the same start for each of the pilot's replicas.

    Parameters
    ----------
    pilot : callable
        Maps observations to actions, spikes and rates.
    trained : sequence of int
        Updates or steps behind each replica, noted in the column `trained`.

    Returns
    -------
    list
        For each replica its rows: trained, step; x, y, z (m); qw, qx, qy, qz; action_0 to action_3 (front right, back
        right, back left, front left); reward; rate_0 to rate_2, the share of the layer's neurons that spike in a
        forward step; spikes, how often each of the first `SHOWN` neurons of each layer spikes in the control step, one
        digit a neuron. An expert has neither rates (None) nor spikes (``"-"``).
    """
    batch = HoverBatch(CrazyflieHoverTask(), len(trained), history=1)
    for index in range(len(trained)):
        batch.restart(index, np.random.default_rng(START))
    rows: list[Rows] = [[] for _ in trained]
    flying = np.ones(len(trained), dtype=bool)
    for step in range(batch.task.max_steps):
        if not flying.any():
            break
        state, (actions, spikes, rates) = batch.state, pilot(batch.observations())
        # A drone that has left the box stays in the batch and is put back to its last place.
        reward, failed, _ = batch.step(np.where(flying[:, None], actions, 0.0))
        for index in np.flatnonzero(flying).tolist():
            row: dict[str, Any] = {"trained": trained[index], "step": step}
            row |= _named(("x", "y", "z"), state[index, POSITION], 3)
            row |= _named(("qw", "qx", "qy", "qz"), state[index, ATTITUDE], 3)
            row |= _named([f"action_{motor}" for motor in range(4)], actions[index], 2)
            row |= {"reward": to_places(reward[index], 3)}
            row |= _named(("rate_0", "rate_1", "rate_2"), rates[index], 4)
            rows[index].append(row | {"spikes": "".join(str(count) for count in spikes[index]) or "-"})
        flying &= ~failed
        batch.state[~flying] = state[~flying]
    return rows


def _named(names: Sequence[str], values: np.ndarray, places: int) -> dict[str, float | None]:
    return {name: to_places(value, places) for name, value in zip(names, values, strict=True)}


def _expert_pilot() -> Pilot:
    expert = hover_expert(SETTING.env)

    def pilot(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        count = len(observations)
        return expert(observations), np.empty((count, 0), dtype=int), np.full((count, 3), np.nan)

    return pilot


def _policy_pilot(learner: ReplicaLearner) -> Pilot:
    def pilot(observations: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        with torch.no_grad():
            inputs = torch.from_numpy(observations)[:, None]
            _, recording = learner.policy.net(inputs, record=True)
        # Blocks are (num_steps, replicas, 1, neurons).
        layers = [spk[:, :, 0].numpy() for spk in recording.spk]
        spikes = np.concatenate([spk[..., :SHOWN].sum(0) for spk in layers], axis=1).astype(int)
        rates = np.stack([spk.mean(axis=(0, 2)) for spk in layers], axis=1)
        return learner.to_env(learner.act(observations, 1)), spikes, rates

    return pilot


def holds(table: pd.DataFrame) -> dict[str, float]:
    """Where the expert flies, and the policy of TD3 before it has learnt anything: x, y, z in m, step by step."""
    beginners = table[(table.learner == "td3") & (table.slope == 2.0)]
    flights = {
        "the expert": table[table.learner == "expert"],
        "a beginner": beginners[beginners.trained == beginners.trained.min()],
    }
    found: dict[str, float] = {f"{pilot} flies so many steps": len(flight) for pilot, flight in flights.items()}
    for pilot, flight in flights.items():
        places = flight.set_index("step")[["x", "y", "z"]].stack()
        found |= {f"{pilot} at step {step}: {axis}": float(place) for (step, axis), place in places.items()}
    return found
