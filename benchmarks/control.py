"""Speed of TD3 with replicas against stable-baselines3's TD3 with the same spiking actor on PlanarHover.

``python -m benchmarks.control`` prints CPU seconds of one thread for a run of 18,000 environment steps in
chunks of 1 to 90 replicas, and writes control.csv and control.json beside this file. All learners make two critic
updates of batch 64 per four environment steps, and one of the actor every fourth critic update. The peer's actor is the
book's network, once as snnTorch modules in a step loop, as users of snnTorch write it, and once as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from stable_baselines3 import TD3 as PeerTD3
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.noise import NormalActionNoise
from stable_baselines3.td3.policies import Actor, TD3Policy
from torch import nn

import snnsg_lib.envs  # noqa: F401  registers the environments
from benchmarks.record import write_table
from snnsg_lib.learning import TD3
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.surrogates import FastSigmoid

ENV, HIDDEN, START_STEPS, ENVS = "snnsg/PlanarHover-v0", [64, 64, 64], 400, 4
STEPS, WARM_UP_STEPS, MEASURED_STEPS = 18_000, 40, 2000
REPLICAS = (1, 7, 30, 90)
TARGET = 10.0  # times the peer's throughput with 30 replicas
COLUMNS = ("learner", "replicas", "seconds_per_run", "times_peer")


class SpikingPolicy(TD3Policy):
    """stable-baselines3's policy with the book's network for an actor."""

    def make_actor(self, features_extractor: nn.Module | None = None) -> Actor:
        """Return the actor with its network exchanged."""
        actor = super().make_actor(features_extractor)
        actor.mu = nn.Sequential(self.make_net(), nn.Tanh())
        return actor

    @staticmethod
    def make_net() -> nn.Module:
        """Return the spiking network."""
        return SpikingMLP([7, *HIDDEN, 2], num_steps=4, surrogate=FastSigmoid(10.0), seed=0)


class SnntorchPolicy(SpikingPolicy):
    """The same with the network as snnTorch modules and a step loop."""

    @staticmethod
    def make_net() -> nn.Module:
        """Return the spiking network."""
        return SpikingPolicy.make_net().to_snntorch()


PEERS = {"stable_baselines3, snnTorch actor": SnntorchPolicy, "stable_baselines3, our actor": SpikingPolicy}


def ours(replicas: int) -> Callable[[int], object]:
    """Return a function that has the library's TD3 make so many further steps."""
    slopes = np.geomspace(1.0, 100.0, replicas).tolist()
    learner = TD3(ENV, slopes, range(replicas), paired=True, num_envs=ENVS, hidden=HIDDEN, start_steps=START_STEPS)
    return lambda steps: learner.learn(learner.count + steps, evaluate_every=STEPS)


def theirs(policy: type[TD3Policy]) -> Callable[[int], object]:
    """Return a function that has stable-baselines3's TD3 make so many further steps."""
    learner = PeerTD3(
        policy,
        make_vec_env(ENV, ENVS, seed=0),
        batch_size=64,
        learning_starts=START_STEPS,
        gradient_steps=2,
        policy_delay=4,
        action_noise=NormalActionNoise(np.zeros(2), np.full(2, 0.1)),
        policy_kwargs={"net_arch": {"pi": HIDDEN, "qf": [64, 64]}},
        seed=0,
        device="cpu",
    )
    return lambda steps: learner.learn(steps, reset_num_timesteps=False)


def seconds_per_run(advance: Callable[[int], object], steps: int, replicas: int = 1) -> float:
    """CPU seconds of a run of `STEPS` environment steps, extrapolated from `steps` of all replicas after warm-up."""
    advance(START_STEPS + WARM_UP_STEPS)
    start = time.process_time()
    advance(steps)
    return (time.process_time() - start) / replicas * STEPS / steps


def main() -> None:
    """Measure, print, and write the table."""
    torch.set_num_threads(1)
    seconds = {(name, 1): seconds_per_run(theirs(policy), MEASURED_STEPS) for name, policy in PEERS.items()}
    seconds |= {("library", r): seconds_per_run(ours(r), MEASURED_STEPS, r) for r in REPLICAS}
    peer = next(iter(seconds.values()))
    rows: list[dict] = []
    for (learner, replicas), value in seconds.items():
        rows.append(dict(zip(COLUMNS, (learner, replicas, round(value, 2), round(peer / value, 1)), strict=True)))
        print("  ".join(f"{name} {entry}" for name, entry in rows[-1].items()))
    print(f"(to reach: {TARGET:g} x stable-baselines3 with the snnTorch actor, at 30 replicas)")
    write_table("control", COLUMNS, rows, command="python -m benchmarks.control", measured_steps=MEASURED_STEPS)


if __name__ == "__main__":
    main()
