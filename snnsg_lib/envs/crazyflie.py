"""CrazyflieHover: four motor commands keep a 32 g quadrotor at the origin of 3-D space.

The parameters are those identified for the Crazyflie 2.x with long propellers (`cf2x_L250` of the package drone-models
0.1.0, MIT licence); drag and propeller inertia are left out and the motors follow their commands with one time
constant.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from snnsg_lib.checks import check_choice

from .base import HoverEnv, HoverTask, HoverVectorEnv, squared_length

GRAVITY = 9.81  # m/s^2
MASS = 0.0319  # kg
LEVER = 0.03253  # m, from the centre of mass to a motor, along x and along y
INERTIA = np.array([16.8e-6, 16.8e-6, 29.8e-6])  # kg m^2
THRUST_LINEAR, THRUST_SQUARE = -5.382196214637237e-7, 2.4582929831265485e-10  # N per rpm and per rpm^2
MAX_THRUST = 0.12  # N, of one motor
YAW_PER_THRUST = 0.007350862856566459  # m
MOTOR_LAG = 0.12  # s


def _speed_for_thrust(thrust: float) -> float:
    """Motor speed in rpm that lifts `thrust` N."""
    return (-THRUST_LINEAR + np.sqrt(THRUST_LINEAR**2 + 4 * THRUST_SQUARE * thrust)) / (2 * THRUST_SQUARE)


FULL_SPEED = _speed_for_thrust(MAX_THRUST)  # rpm; motor speeds n below are in units of it
HOVER_SPEED = _speed_for_thrust(MASS * GRAVITY / 4) / FULL_SPEED  # 0.817
IDLE_SPEED = 0.36

HALF_WIDTH = 0.6  # m
MAX_ROTATION = 35.0  # rad/s
POSITION, ATTITUDE, VELOCITY, ROTATION, MOTORS = slice(0, 3), slice(3, 7), slice(7, 10), slice(10, 13), slice(13, 17)
HOVER_STATE = np.concatenate(([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], np.full(4, HOVER_SPEED)))


def thrust(motors: np.ndarray) -> np.ndarray:
    """Thrust in N of motors at speed n (1 = full speed); any shape."""
    speed = motors * FULL_SPEED
    return (THRUST_LINEAR + THRUST_SQUARE * speed) * speed


def derivative(state: np.ndarray, command: np.ndarray) -> np.ndarray:
    """Time derivative of the state: rigid body under four thrusts, motors with a first-order lag.

    Parameters
    ----------
    state : ndarray, (17, n)
        Position (m, world), attitude quaternion w, x, y, z (body to world), velocity (m/s, world), angular velocity
        (rad/s, body), motor speeds (1 = full speed). Components come first, so that each is contiguous.
    command : ndarray, (4, n)
        Motor speeds asked for.

    Returns
    -------
    ndarray, (17, n)
        Per second.
    """
    w, x, y, z = state[ATTITUDE]
    p, q, r = state[ROTATION]
    motors = state[MOTORS]
    # Motors: front right, back right, back left, front left (x forward, y left, z up). Written out, as a matrix product
    # would round differently for different n.
    front_right, back_right, back_left, front_left = thrust(motors)
    lift_per_mass = (front_right + back_right + back_left + front_left) / MASS
    roll = back_left + front_left - front_right - back_right
    pitch = back_right + back_left - front_right - front_left
    yaw = back_right + front_left - front_right - back_left
    (ix, iy, iz), out = INERTIA, np.empty_like(state)
    out[POSITION] = state[VELOCITY]
    out[3] = -0.5 * (x * p + y * q + z * r)
    out[4] = 0.5 * (w * p + y * r - z * q)
    out[5] = 0.5 * (w * q - x * r + z * p)
    out[6] = 0.5 * (w * r + x * q - y * p)
    out[7] = lift_per_mass * 2 * (x * z + w * y)
    out[8] = lift_per_mass * 2 * (y * z - w * x)
    out[9] = lift_per_mass * (1 - 2 * (x * x + y * y)) - GRAVITY
    out[10] = (LEVER * roll - (iz - iy) * q * r) / ix
    out[11] = (LEVER * pitch - (ix - iz) * p * r) / iy
    out[12] = (YAW_PER_THRUST * yaw - (iy - ix) * p * q) / iz
    out[MOTORS] = (command - motors) / MOTOR_LAG
    return out


def rk4_step(state: np.ndarray, command: np.ndarray, seconds: float) -> np.ndarray:
    """State (17, n) after `seconds` of a constant motor command (4, n): one fourth-order Runge-Kutta step."""
    k1 = derivative(state, command)
    k2 = derivative(state + 0.5 * seconds * k1, command)
    k3 = derivative(state + 0.5 * seconds * k2, command)
    k4 = derivative(state + seconds * k3, command)
    out = state + seconds / 6 * (k1 + 2 * (k2 + k3) + k4)
    out[ATTITUDE] /= np.sqrt(squared_length(out[ATTITUDE].T))
    return out


def motor_command(action: np.ndarray) -> np.ndarray:
    """Motor speed for an action in [-1, 1]: 0 hovers, 1 is full speed, -1 idles at 0.36; linear on each side."""
    return HOVER_SPEED + action * np.where(action > 0, 1 - HOVER_SPEED, HOVER_SPEED - IDLE_SPEED)


def action_for(command: np.ndarray) -> np.ndarray:
    """The inverse of `motor_command`, clipped to [-1, 1]."""
    change = command - HOVER_SPEED
    return np.clip(change / np.where(change > 0, 1 - HOVER_SPEED, HOVER_SPEED - IDLE_SPEED), -1.0, 1.0)


def rotation_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Rotation matrices (9, n), row by row, of unit quaternions w, x, y, z (4, n)."""
    w, x, y, z = quaternion
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.stack([entry for row in rows for entry in row])


class CrazyflieHoverTask(HoverTask):
    """The task behind `CrazyflieHover`; states are those of `derivative`, with the env axis first."""

    name = "CrazyflieHover"
    state_size: ClassVar[int] = 17
    action_size: ClassVar[int] = 4
    observation_size: ClassVar[int] = 22

    def __init__(self, variant: str = "default"):
        self.variant = check_choice("variant", variant, ("default", "authors"))
        self.seconds_per_step = 0.02 if variant == "default" else 0.01
        self.max_steps = 150 if variant == "default" else 1000

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """One start in ten at hover; else within 0.2 m, 0.3 m/s, 0.5 rad/s, a tilt below 0.35 rad, motors +-0.05."""
        state = HOVER_STATE.copy()
        u = rng.uniform(-1.0, 1.0, size=16)
        if rng.uniform() < 0.1:
            return state
        half_tilt, direction = 0.35 * abs(u[14]) / 2, np.pi * u[15]
        state[POSITION] = 0.2 * u[0:3]
        state[ATTITUDE] = (
            np.cos(half_tilt),
            np.sin(half_tilt) * np.cos(direction),
            np.sin(half_tilt) * np.sin(direction),
            0.0,
        )
        state[VELOCITY] = 0.3 * u[3:6]
        state[ROTATION] = 0.5 * u[6:9]
        state[MOTORS] += 0.05 * u[9:13]
        return state

    def advance(self, state: np.ndarray, action: np.ndarray) -> np.ndarray:
        """One Runge-Kutta step of the length of a control step (20 ms cost 7e-5 m in 1 s; Euler would cost 0.4 m)."""
        rows = np.ascontiguousarray(state.T)
        command = motor_command(np.ascontiguousarray(action.T))
        return np.ascontiguousarray(rk4_step(rows, command, self.seconds_per_step).T)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """(3 p, v, 2 (R - I), 0.25 omega, 8 (n - hover)); without the motor speeds nothing learns."""
        rotation = rotation_matrix(np.ascontiguousarray(state[:, ATTITUDE].T)).T
        parts = (
            3 * state[:, POSITION],
            state[:, VELOCITY],
            2 * (rotation - np.eye(3).ravel()),
            0.25 * state[:, ROTATION],
            8 * (state[:, MOTORS] - HOVER_SPEED),
        )
        return np.concatenate(parts, axis=1)

    def reward(self, state: np.ndarray, action: np.ndarray) -> np.ndarray:
        """See `CrazyflieHover`."""
        distance, speed = squared_length(state[:, POSITION]), squared_length(state[:, VELOCITY])
        cost = 0.005 * speed + 0.01 * squared_length(action) + 1e-4 * squared_length(state[:, ROTATION])
        qw, qz = state[:, 3], state[:, 6]
        if self.variant == "authors":
            return 1 - distance - 0.6 * np.arccos(1 - qz**2) - cost
        return np.maximum(0.0, 1 - 3 * distance - 0.3 * (1 - qw**2) - cost)

    def failed(self, state: np.ndarray) -> np.ndarray:
        """Outside the box |x|, |y|, |z| <= 0.6 m, or (default variant) turning faster than 35 rad/s."""
        outside = (np.abs(state[:, POSITION]) > HALF_WIDTH).any(axis=1)
        if self.variant == "authors":
            return outside
        return outside | (squared_length(state[:, ROTATION]) > MAX_ROTATION**2)

    def draw(self, state: np.ndarray) -> np.ndarray:
        """View from the side and above."""
        from .drawing import draw_quadrotor

        return draw_quadrotor(state[POSITION], rotation_matrix(state[ATTITUDE]).reshape(3, 3), HALF_WIDTH)


class CrazyflieHover(HoverEnv):
    """A Crazyflie at motor level, 50 Hz, 150 steps (3 s), return at most 150.

    State (17,): position (m), attitude quaternion w, x, y, z, velocity (m/s), angular velocity (rad/s, body frame),
    motor speeds n (1 = full speed, 0.817 hovers).
    Observation (22,), without units after scaling: 3 position (m), velocity (m/s), 2 (rotation matrix - identity),
    0.25 angular velocity (rad/s), 8 (n - hover).
    Action (4,) in [-1, 1], one per motor: 0 hovers, 1 full speed, -1 idles at n = 0.36; motors follow with a lag of
    0.12 s.
    Reward: max(0, 1 - 3|p|^2 - 0.005|v|^2 - 0.3 (1 - qw^2) - 0.01|a|^2 - 1e-4|omega|^2).
    Terminated outside |x|, |y|, |z| <= 0.6 m or above 35 rad/s; truncated at 150 steps.

    ``variant="authors"`` takes rate, limit and reward of Van den Berghe et al. (2025): 100 Hz, 1000 steps, terminated
    outside 0.6 m only, reward 1 - |p|^2 - 0.005|v|^2 - 0.6 arccos(1 - qz^2) - 0.01|a|^2 - 1e-4|omega|^2. Their attitude
    term punishes yaw and not tilt, as in their code; actions are measured from hover, where theirs are from -0.332.

    Parameters
    ----------
    variant : {"default", "authors"}
        Which rate, limits and reward.
    history : int
        Observations stacked into one, the newest last.
    render_mode : None or "rgb_array"
        What `render()` returns.
    """

    def __init__(self, *, variant: str = "default", history: int = 1, render_mode: str | None = None):
        super().__init__(CrazyflieHoverTask(variant), history=history, render_mode=render_mode)


class CrazyflieHoverVector(HoverVectorEnv):
    """`num_envs` copies of `CrazyflieHover` in one set of arrays."""

    def __init__(self, num_envs: int = 1, *, variant: str = "default", history: int = 1):
        super().__init__(CrazyflieHoverTask(variant), num_envs, history=history)
