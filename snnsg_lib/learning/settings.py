"""Hyper-parameters found to learn, by environment: ``TD3("snnsg/CrazyflieHover-v0", ..., **CRAZYFLIE_HOVER)``."""

from __future__ import annotations

from typing import Any

# TD3's defaults are those of PlanarHover. CrazyflieHover learns with these within 40,000 steps.
CRAZYFLIE_HOVER: dict[str, Any] = {
    "num_envs": 16,
    "updates_per_iteration": 1,
    "policy_delay": 2,
    "batch_size": 256,
    "actor_lr": 1e-3,
    "critic_lr": 3e-3,
    "gamma": 0.97,
    "tau": 0.05,
    "exploration_noise": 0.25,
    "start_steps": 4000,
    "start_noise": "normal",
    "output_gain": 0.1,
}
