"""Compare the Crazyflie physics with the package that publishes its parameters; prints `name value` lines.

Run in its own process: drone-models must be imported before SciPy is.
"""

from functools import partial

import numpy as np
from drone_models import parametrize
from drone_models.first_principles import dynamics
from scipy.integrate import solve_ivp

from snnsg_lib.envs import crazyflie as cf
from snnsg_lib.envs.experts import hover_expert

full_model = parametrize(dynamics, "cf2x_L250")
rpm2thrust = full_model.keywords["rpm2thrust"]
# What the environment leaves out is switched off: drag, propeller inertia, unequal spin-up and spin-down.
simple_model = partial(
    full_model,
    drag_matrix=np.zeros((3, 3)),
    prop_inertia=np.array(0.0),
    rpm2torque=cf.YAW_PER_THRUST * rpm2thrust,
    rotor_dyn_coef=np.array([1.0, 0.0, 1.0, 0.0]) / cf.MOTOR_LAG,
)


def slope(model, command, state):
    """Time derivative of a state (17,). The attitude is integrated from ang_vel: quat_dot mixes quaternion orders."""
    xyzw = np.roll(state[cf.ATTITUDE], -1)
    rotor_vel, cmd = state[cf.MOTORS] * cf.FULL_SPEED, command * cf.FULL_SPEED
    pos_dot, _, vel_dot, rotation_dot, rotor_dot = model(
        state[cf.POSITION], xyzw, state[cf.VELOCITY], state[cf.ROTATION], cmd, rotor_vel
    )
    (w, *v), omega = state[cf.ATTITUDE], state[cf.ROTATION]
    attitude_dot = 0.5 * np.concatenate(([-np.dot(v, omega)], w * omega + np.cross(v, omega)))
    return np.concatenate((pos_dot, attitude_dot, vel_dot, rotation_dot, rotor_dot / cf.FULL_SPEED))


def fly(model, state, command, seconds):
    """State after `seconds` by SciPy's DOP853, an integrator that shares nothing with the environment's."""
    solution = solve_ivp(
        lambda t, s: slope(model, command, s), (0, seconds), state, method="DOP853", rtol=1e-10, atol=1e-12
    )
    after = solution.y[:, -1]
    after[cf.ATTITUDE] /= np.linalg.norm(after[cf.ATTITUDE])
    return after


def open_loop_difference(seed):
    """Largest difference in position (m) over 1 s of random motor commands, both integrated finely."""
    rng = np.random.default_rng(seed)
    task = cf.CrazyflieHoverTask()
    ours = theirs = task.start(rng)
    worst = 0.0
    for _ in range(50):
        command = rng.uniform(cf.IDLE_SPEED, 1.0, size=4)
        theirs = fly(simple_model, theirs, command, task.seconds_per_step)
        for _ in range(20):
            ours = cf.rk4_step(ours[:, None], command[:, None], task.seconds_per_step / 20)[:, 0]
        worst = max(worst, np.abs(ours - theirs)[cf.POSITION].max())
    return worst


def final_distance_in_full_model(seed):
    """Distance (m) from the target after 3 s in which the expert flies drone-models' full model."""
    expert, task = hover_expert("snnsg/CrazyflieHover-v0"), cf.CrazyflieHoverTask()
    state = task.start(np.random.default_rng(seed))
    for _ in range(task.max_steps):
        state = fly(full_model, state, cf.motor_command(expert(task.observe(state[None])[0])), task.seconds_per_step)
    return np.linalg.norm(state[cf.POSITION])


print("largest_position_difference", max(open_loop_difference(seed) for seed in range(3)))
print("largest_final_distance", max(final_distance_in_full_model(seed) for seed in range(2)))
