"""PlanarHover: a drone in a vertical plane that has to fly to the origin and stay there."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .base import HoverEnv, HoverTask, HoverVectorEnv, squared_length

GRAVITY = 9.81  # m/s^2
THRUST_RANGE = 0.7  # a0 = +-1 changes the thrust by this share of the weight
TORQUE_GAIN = 40.0  # rad/s^2 for a1 = 1
ROTATION_DAMPING = 0.5  # 1/s
SUBSTEP = 0.01  # s
HALF_WIDTH = 0.6  # m
START_LIMIT = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 1.0])
OBSERVATION_SCALE = np.array([2.0, 2.0, 1.0, 1.0, 2.0, 1.0, 0.3])


class PlanarHoverTask(HoverTask):
    """State (x, z, vx, vz, theta, omega) in m, m/s, rad, rad/s; theta > 0 tilts the thrust towards +x."""

    name = "PlanarHover"
    state_size: ClassVar[int] = 6
    action_size: ClassVar[int] = 2
    observation_size: ClassVar[int] = 7
    seconds_per_step = 0.02
    max_steps = 200

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Uniform within 0.3 m, 0.3 m/s, 0.3 rad and 1 rad/s of hover."""
        return rng.uniform(-START_LIMIT, START_LIMIT)

    def advance(self, state: np.ndarray, action: np.ndarray) -> np.ndarray:
        """Two semi-implicit Euler substeps of 10 ms: rotation first, then velocity, then position."""
        x, z, vx, vz, theta, omega = state.T.copy()
        thrust = GRAVITY * (1 + THRUST_RANGE * action[:, 0])  # m/s^2, that is per unit mass
        for _ in range(2):
            omega = omega + SUBSTEP * (TORQUE_GAIN * action[:, 1] - ROTATION_DAMPING * omega)
            theta = theta + SUBSTEP * omega
            vx = vx + SUBSTEP * thrust * np.sin(theta)
            vz = vz + SUBSTEP * (thrust * np.cos(theta) - GRAVITY)
            x = x + SUBSTEP * vx
            z = z + SUBSTEP * vz
        return np.stack((x, z, vx, vz, theta, omega), axis=1)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """(2x, 2z, vx, vz, 2 sin theta, cos theta, 0.3 omega): all of order one."""
        theta = state[:, 4]
        rotation = np.stack((np.sin(theta), np.cos(theta), state[:, 5]), axis=1)
        return np.concatenate((state[:, :4], rotation), axis=1) * OBSERVATION_SCALE

    def reward(self, state: np.ndarray, action: np.ndarray) -> np.ndarray:
        """1 - (x^2 + z^2) - 0.005 (vx^2 + vz^2) - 0.3 |theta| - 0.01 |a|^2."""
        distance, speed = squared_length(state[:, 0:2]), squared_length(state[:, 2:4])
        return 1 - distance - 0.005 * speed - 0.3 * np.abs(state[:, 4]) - 0.01 * squared_length(action)

    def failed(self, state: np.ndarray) -> np.ndarray:
        """Outside the box |x|, |z| <= 0.6 m."""
        return (np.abs(state[:, :2]) > HALF_WIDTH).any(axis=1)

    def draw(self, state: np.ndarray) -> np.ndarray:
        """Side view, x to the right and z up."""
        from .drawing import draw_planar

        return draw_planar(state, HALF_WIDTH)


class PlanarHover(HoverEnv):
    """A drone in a vertical plane, 50 Hz, 200 steps (4 s), return at most 200 and in practice about 195.

    Observation (7,), without units after scaling: 2x, 2z (m), vx, vz (m/s), 2 sin theta, cos theta, 0.3 omega (rad/s).
    Action (2,) in [-1, 1]: total thrust as 9.81 (1 + 0.7 a0) m/s^2 per unit mass, and angular acceleration 40 a1
    rad/s^2.
    Reward: 1 - (x^2 + z^2) - 0.005 (vx^2 + vz^2) - 0.3 |theta| - 0.01 |a|^2.
    Terminated when |x| or |z| exceeds 0.6 m; truncated at 200 steps.

    Parameters
    ----------
    history : int
        Observations stacked into one, the newest last.
    render_mode : None or "rgb_array"
        What `render()` returns.
    """

    def __init__(self, *, history: int = 1, render_mode: str | None = None):
        super().__init__(PlanarHoverTask(), history=history, render_mode=render_mode)


class PlanarHoverVector(HoverVectorEnv):
    """`num_envs` copies of `PlanarHover` in one set of arrays."""

    def __init__(self, num_envs: int = 1, *, history: int = 1):
        super().__init__(PlanarHoverTask(), num_envs, history=history)
