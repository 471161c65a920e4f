"""Linear-quadratic regulators that hover: the teachers of behavioural cloning.

Both environments show their whole state, and near hover the observation is linear in it; so an expert reads an error
vector off the observation, multiplies by a gain matrix and clips. The gain solves the discrete Riccati equation of the
linearised control step.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snnsg_lib.checks import check_choice
from snnsg_lib.extras import extra

from . import crazyflie, planar

with extra("experiments"):
    from scipy.linalg import solve_discrete_are

Expert = Callable[[np.ndarray], np.ndarray]

PLANAR_STATE_COST = np.array([4.0, 4.0, 0.2, 0.2, 0.3, 0.02])  # x, z, vx, vz, theta, omega
PLANAR_ACTION_COST = np.array([0.1, 0.1])
# position, velocity, rotation vector, angular velocity, motor speed
CRAZYFLIE_STATE_COST = np.repeat([1.0, 0.005, 0.075, 1e-3, 0.0], [3, 3, 3, 3, 4])
CRAZYFLIE_COMMAND_COST = np.full(4, 1.0)


def lqr_gain(a: np.ndarray, b: np.ndarray, state_cost: np.ndarray, action_cost: np.ndarray) -> np.ndarray:
    """Gain K (actions, states) of the control u = -K x that minimises the sum of x'Qx + u'Ru under x' = a x + b u.

    `state_cost` and `action_cost` are the diagonals of Q and R.
    """
    q, r = np.diag(state_cost), np.diag(action_cost)
    p = solve_discrete_are(a, b, q, r)
    return np.linalg.solve(r + b.T @ p @ b, b.T @ p @ a)


def linearise(step: Callable[[np.ndarray, np.ndarray], np.ndarray], states: int, actions: int) -> tuple:
    """Jacobians a (states, states) and b (states, actions) of `step(error, action)` at zero, by central differences."""
    small = 1e-5

    def column(index: int) -> np.ndarray:
        change = np.zeros(states + actions)
        change[index] = small
        return (step(change[:states], change[states:]) - step(-change[:states], -change[states:])) / (2 * small)

    jacobian = np.stack([column(index) for index in range(states + actions)], axis=1)
    return jacobian[:, :states], jacobian[:, states:]


def hover_expert(env: str) -> Expert:
    """Return the expert of ``"snnsg/PlanarHover-v0"`` or ``"snnsg/CrazyflieHover-v0"`` (default variant).

    It maps observations (..., observation_size), stacked or not, to actions (..., action_size) in [-1, 1].
    """
    check_choice("env", env, ("snnsg/PlanarHover-v0", "snnsg/CrazyflieHover-v0"))
    return _planar_expert() if "Planar" in env else _crazyflie_expert()


def _planar_expert() -> Expert:
    task = planar.PlanarHoverTask()
    a, b = linearise(lambda x, u: task.advance(x[None], u[None])[0], 6, 2)
    gain = lqr_gain(a, b, PLANAR_STATE_COST, PLANAR_ACTION_COST)

    def expert(observation: np.ndarray) -> np.ndarray:
        newest = observation[..., -7:] / planar.OBSERVATION_SCALE
        error = newest[..., [0, 1, 2, 3, 4, 6]]  # sin theta stands for theta
        return np.clip(-error @ gain.T, -1.0, 1.0)

    return expert


def _crazyflie_expert() -> Expert:
    a, b = linearise(_crazyflie_error_step, 16, 4)
    gain = lqr_gain(a, b, CRAZYFLIE_STATE_COST, CRAZYFLIE_COMMAND_COST)

    def expert(observation: np.ndarray) -> np.ndarray:
        return crazyflie.action_for(crazyflie.HOVER_SPEED - _crazyflie_error(observation) @ gain.T)

    return expert


def _crazyflie_error(observation: np.ndarray) -> np.ndarray:
    """Error (..., 16) from the newest observation: position, velocity, rotation vector, angular velocity, motors."""
    newest = observation[..., -22:]
    rotation = newest[..., 6:15] / 2
    # The antisymmetric part of R is the rotation vector, to first order.
    vector = (rotation[..., [7, 2, 3]] - rotation[..., [5, 6, 1]]) / 2
    parts = (newest[..., 0:3] / 3, newest[..., 3:6], vector, newest[..., 15:18] / 0.25, newest[..., 18:22] / 8)
    return np.concatenate(parts, axis=-1)


def _crazyflie_error_step(error: np.ndarray, command: np.ndarray) -> np.ndarray:
    """Error (16,) after one control step with motor commands `command` (4,), counted from hover."""
    task = crazyflie.CrazyflieHoverTask()
    half_turn = np.concatenate(([1.0], error[6:9] / 2))
    state = np.concatenate((error[0:3], half_turn / np.linalg.norm(half_turn), error[3:6], error[9:16]))
    state[crazyflie.MOTORS] += crazyflie.HOVER_SPEED
    commands = (crazyflie.HOVER_SPEED + command)[:, None]
    after = crazyflie.rk4_step(state[:, None], commands, task.seconds_per_step)
    return _crazyflie_error(task.observe(after.T))[0]
