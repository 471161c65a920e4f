"""The hover environments: their physics, their Gymnasium manners, and the experts that fly them."""

import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env

from snnsg_lib.envs import CrazyflieHover, PlanarHover, PlanarHoverVector, evaluate, make_vector
from snnsg_lib.envs import crazyflie as cf
from snnsg_lib.envs.experts import hover_expert

IDS = ["snnsg/PlanarHover-v0", "snnsg/CrazyflieHover-v0"]
ENVS = [PlanarHover, CrazyflieHover]
VARIANTS = [
    (PlanarHover, {}),
    (PlanarHover, {"history": 3}),
    (CrazyflieHover, {}),
    (CrazyflieHover, {"variant": "authors"}),
]


def _tumbling_state(rng):
    state = cf.HOVER_STATE.copy()
    state[cf.POSITION], state[cf.VELOCITY] = rng.normal(size=3), rng.normal(size=3)
    state[cf.ATTITUDE] = rng.normal(size=4)
    state[cf.ATTITUDE] /= np.linalg.norm(state[cf.ATTITUDE])
    state[cf.ROTATION] = [4.0, -3.0, 5.0]
    return state


# Gymnasium's manners


@pytest.mark.parametrize(("env_class", "kwargs"), VARIANTS)
def test_gymnasium_accepts_the_environment(env_class, kwargs):
    check_env(env_class(**kwargs), skip_render_check=True)


@pytest.mark.parametrize("env_id", IDS)
def test_single_and_vector_forms_agree_bit_for_bit(env_id):
    single, vector = gym.make(env_id), make_vector(env_id, 5)
    rng = np.random.default_rng(0)
    alone, _ = single.reset(seed=13)
    together, _ = vector.reset(seed=[10, 11, 12, 13, 14])
    for _ in range(60):
        assert np.array_equal(alone, together[3])
        actions = rng.uniform(-1, 1, size=vector.action_space.shape)
        alone, reward, terminated, truncated, _ = single.step(actions[3])
        together, rewards, terminations, truncations, infos = vector.step(actions)
        assert (reward, terminated, truncated) == (rewards[3], terminations[3], truncations[3])
        if terminated or truncated:
            assert np.array_equal(alone, infos["final_obs"][3])
            alone, _ = single.reset()


@pytest.mark.parametrize("env_id", IDS)
def test_equal_seeds_give_equal_flights(env_id):
    def flight():
        env = make_vector(env_id, 4)
        rng = np.random.default_rng(1)
        env.reset(seed=7)
        return [env.step(rng.uniform(-1, 1, size=env.action_space.shape))[0] for _ in range(50)]

    assert np.array_equal(flight(), flight())


def test_a_copy_does_not_depend_on_its_place_in_the_batch():
    actions = np.random.default_rng(2).uniform(-1, 1, size=(40, 2))
    flights = []
    for place, seeds in ((0, [5, 1, 2]), (2, [8, 9, 5])):
        env = PlanarHoverVector(3)
        env.reset(seed=seeds)
        flights.append([env.step(np.broadcast_to(a, (3, 2)))[0][place] for a in actions])
    assert np.array_equal(*flights)


@pytest.mark.parametrize("env_class", ENVS)
def test_time_limit_truncates_and_failure_terminates(env_class):
    env, expert = env_class(), hover_expert(f"snnsg/{env_class.__name__}-v0")
    observation, _ = env.reset(seed=0)
    ends = []
    for _ in range(env.task.max_steps):
        observation, _, terminated, truncated, _ = env.step(expert(observation))
        ends.append((terminated, truncated))
    assert ends[:-1] == [(False, False)] * (env.task.max_steps - 1)
    assert ends[-1] == (False, True)
    env.reset(seed=0)
    falling = -np.ones(env.action_space.shape)
    for _ in range(env.task.max_steps):
        _, _, terminated, truncated, _ = env.step(falling)
        if terminated:
            break
    assert (terminated, truncated) == (True, False)
    with pytest.raises(gym.error.ResetNeeded, match="reset"):
        env.step(falling)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("env_class", ENVS)
def test_an_action_that_is_not_finite_is_a_named_error(env_class, bad):
    env = env_class()
    env.reset(seed=0)
    action = np.zeros(env.action_space.shape)
    action[1] = bad
    with pytest.raises(ValueError, match=f"action of {env_class.__name__} must be finite"):
        env.step(action)


@pytest.mark.parametrize("env_class", ENVS)
def test_a_state_that_is_not_finite_is_a_named_error(env_class):
    env = env_class()
    env.reset(seed=0)
    with pytest.raises(ValueError, match=f"state of {env_class.__name__} must be"):
        env.reset(options={"state": np.full(env.task.state_size, np.nan)})
    env.batch.state[0, 0] = np.inf
    with pytest.raises(FloatingPointError, match=f"state of {env_class.__name__} 0 must be finite"):
        env.step(np.zeros(env.action_space.shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PlanarHover(history=0), "history"),
        (lambda: PlanarHoverVector(0), "num_envs"),
        (lambda: CrazyflieHover(variant="fast"), "variant"),
        (lambda: PlanarHover(render_mode="human"), "render_mode"),
        (lambda: make_vector(IDS[0], 3).reset(seed=[1, 2]), "seed"),
        (lambda: evaluate(lambda o: np.zeros(2), IDS[0], episodes=0), "episodes"),
        (lambda: evaluate(lambda o: np.zeros(2), make_vector(IDS[0], 2), episodes=3), "episodes"),
        (lambda: hover_expert("Pendulum-v1"), "env"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_wrong_action_shape_is_a_named_error():
    env = PlanarHover()
    env.reset(seed=0)
    with pytest.raises(ValueError, match="action of PlanarHover must have 2 entries"):
        env.step(np.zeros(3))


def test_history_stacks_the_last_observations_newest_last():
    plain, stacked = PlanarHover(), PlanarHover(history=3)
    first, _ = plain.reset(seed=4)
    start, _ = stacked.reset(seed=4)
    assert np.array_equal(start, np.tile(first, 3))
    seen = [first, first, first]
    for _ in range(5):
        action = np.array([0.2, -0.1])
        seen.append(plain.step(action)[0])
        assert np.array_equal(stacked.step(action)[0], np.concatenate(seen[-3:]))


@pytest.mark.parametrize("env_id", IDS)
def test_a_restored_vector_environment_flies_on_identically(env_id):
    env, other = make_vector(env_id, 4), make_vector(env_id, 4)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, size=(80, *env.action_space.shape))
    for a in actions[:40]:
        env.step(a)
    other.load_state_dict(env.state_dict())
    for a in actions[40:]:
        assert np.array_equal(env.step(a)[0], other.step(a)[0])


@pytest.mark.parametrize("env_id", IDS)
def test_record_video_draws_the_drone(env_id, tmp_path):
    env = gym.wrappers.RecordVideo(gym.make(env_id, render_mode="rgb_array"), tmp_path, disable_logger=True)
    env.reset(seed=0)
    for _ in range(3):
        env.step(env.action_space.sample())
    frame = env.render()
    env.close()
    assert frame.dtype == np.uint8
    assert frame.shape == (400, 400, 3)
    assert (frame < 128).any()
    assert [video.suffix for video in tmp_path.iterdir()] == [".mp4"]


def test_importing_the_environments_does_not_import_matplotlib_or_scipy():
    code = "import sys, snnsg_lib.envs; assert not {'matplotlib', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# Physics


def test_planar_drone_without_thrust_falls_freely():
    task = PlanarHover().task
    state = np.array([[0.0, 0.0, 0.4, 0.0, 0.0, 0.0]])
    thrustless = np.array([[-1 / 0.7, 0.0]])
    for _ in range(50):
        state = task.advance(state, thrustless)
    assert state[0, 0] == pytest.approx(0.4)
    assert state[0, 3] == pytest.approx(-9.81)
    assert state[0, 1] == pytest.approx(-9.81 / 2 * (1 + 0.01))  # semi-implicit Euler leads by half a substep


def test_planar_hover_balances_and_mirrors():
    task = PlanarHover().task
    assert np.array_equal(task.advance(np.zeros((1, 6)), np.zeros((1, 2))), np.zeros((1, 6)))
    state, action = np.array([[0.1, 0.2, -0.3, 0.1, 0.2, 0.5]]), np.array([[0.3, -0.4]])
    mirror_state, mirror_action = np.array([-1, 1, -1, 1, -1, -1]), np.array([1, -1])
    mirrored = task.advance(state * mirror_state, action * mirror_action)
    np.testing.assert_allclose(mirrored, task.advance(state, action) * mirror_state, atol=1e-15)


def test_crazyflie_without_thrust_falls_freely_and_keeps_its_energy():
    state = _tumbling_state(np.random.default_rng(0))
    state[cf.MOTORS] = 0.0
    start = state.copy()
    energies = []
    for _ in range(100):
        spin = 0.5 * (cf.INERTIA * state[cf.ROTATION] ** 2).sum()
        height = cf.MASS * cf.GRAVITY * state[2]
        energies.append(0.5 * cf.MASS * (state[cf.VELOCITY] ** 2).sum() + height + spin)
        state = cf.rk4_step(state[:, None], np.zeros((4, 1)), 0.01)[:, 0]
    fall = start[cf.POSITION] + start[cf.VELOCITY] - [0, 0, cf.GRAVITY / 2]
    np.testing.assert_allclose(state[cf.POSITION], fall, atol=1e-12)
    np.testing.assert_allclose(energies, energies[0], rtol=1e-9)


def test_work_of_the_thrust_equals_the_gain_in_energy():
    state = _tumbling_state(np.random.default_rng(1))[:, None]
    command = np.array([0.9, 0.7, 0.85, 0.75])[:, None]

    def energy(s):
        return 0.5 * cf.MASS * (s[cf.VELOCITY] ** 2).sum() + cf.MASS * cf.GRAVITY * s[2, 0]

    def power(s):
        up = cf.rotation_matrix(s[cf.ATTITUDE]).reshape(3, 3, -1)[:, 2, 0]
        return cf.thrust(s[cf.MOTORS]).sum() * (up @ s[cf.VELOCITY, 0])

    before, powers = energy(state), [power(state)]
    for _ in range(1000):
        state = cf.rk4_step(state, command, 0.001)
        powers.append(power(state))
    assert energy(state) - before == pytest.approx(np.trapezoid(powers, dx=0.001), rel=1e-4)


def test_crazyflie_hover_balances():
    assert pytest.approx(0.817, abs=5e-4) == cf.HOVER_SPEED
    env = CrazyflieHover()
    env.reset(options={"state": cf.HOVER_STATE})
    for _ in range(env.task.max_steps):
        _, reward, _, _, _ = env.step(np.zeros(4))
    assert reward == pytest.approx(1.0)
    np.testing.assert_allclose(env.state, cf.HOVER_STATE, atol=1e-9)


def test_crazyflie_physics_mirrors_left_and_right():
    state = _tumbling_state(np.random.default_rng(2))
    command = np.array([0.9, 0.7, 0.85, 0.75])
    # Mirror y: a vector loses the sign of y, a rotation those of x and z; the motors swap sides.
    signs = np.array([1, -1, 1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, 1, 1, 1])
    order = [*range(13), 16, 15, 14, 13]
    after, mirrored = state[:, None], (state * signs)[order][:, None]
    for _ in range(50):
        after = cf.rk4_step(after, command[:, None], 0.02)
        mirrored = cf.rk4_step(mirrored, command[::-1, None], 0.02)
    np.testing.assert_allclose(mirrored[:, 0], (after[:, 0] * signs)[order], atol=1e-10)


def test_crazyflie_physics_looks_alike_from_every_heading():
    state = _tumbling_state(np.random.default_rng(3))
    turned, (w, x, y, z), half = state.copy(), state[cf.ATTITUDE], np.sqrt(0.5)
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])  # a quarter turn about the vertical
    turned[cf.ATTITUDE] = half * np.array([w - z, x - y, y + x, z + w])
    turned[cf.POSITION], turned[cf.VELOCITY] = turn @ state[cf.POSITION], turn @ state[cf.VELOCITY]
    command = np.array([0.9, 0.7, 0.85, 0.75])[:, None]
    after = cf.rk4_step(state[:, None], command, 0.02)[:, 0]
    after_turned = cf.rk4_step(turned[:, None], command, 0.02)[:, 0]
    np.testing.assert_allclose(after_turned[cf.POSITION], turn @ after[cf.POSITION], atol=1e-12)
    np.testing.assert_allclose(after_turned[cf.ROTATION], after[cf.ROTATION], atol=1e-12)


def test_a_step_of_20_ms_is_accurate_to_a_tenth_of_a_millimetre():
    rng = np.random.default_rng(4)
    state, commands = _tumbling_state(rng)[:, None], rng.uniform(0.7, 0.9, size=(50, 4, 1))
    coarse = fine = state
    for command in commands:
        coarse = cf.rk4_step(coarse, command, 0.02)
        for _ in range(20):
            fine = cf.rk4_step(fine, command, 0.001)
    assert np.abs(coarse - fine)[cf.POSITION].max() < 1e-4


def test_action_and_motor_command_are_inverse():
    actions = np.linspace(-1, 1, 21)
    np.testing.assert_allclose(cf.action_for(cf.motor_command(actions)), actions, atol=1e-12)
    np.testing.assert_allclose(cf.motor_command(np.array([-1.0, 0.0, 1.0])), [0.36, cf.HOVER_SPEED, 1.0])


def test_authors_reward_punishes_yaw_and_not_tilt():
    env = CrazyflieHover(variant="authors")
    assert (env.task.seconds_per_step, env.task.max_steps) == (0.01, 1000)
    tilted, yawed = cf.HOVER_STATE.copy(), cf.HOVER_STATE.copy()
    tilted[cf.ATTITUDE] = [np.cos(0.2), np.sin(0.2), 0, 0]
    yawed[cf.ATTITUDE] = [np.cos(0.2), 0, 0, np.sin(0.2)]
    tilt_reward, yaw_reward = env.task.reward(np.stack([tilted, yawed]), np.zeros((2, 4)))
    assert tilt_reward == pytest.approx(1.0)
    assert yaw_reward == pytest.approx(1 - 0.6 * np.arccos(1 - np.sin(0.2) ** 2))


@pytest.fixture(scope="module")
def oracle():
    """Figures of tests/drone_models_oracle.py, in its own process: drone-models must be imported before SciPy."""
    script = Path(__file__).with_name("drone_models_oracle.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


def test_crazyflie_physics_agrees_with_drone_models(oracle):
    assert float(oracle["largest_position_difference"]) < 1e-6


def test_the_expert_flies_in_the_full_model_of_drone_models(oracle):
    assert float(oracle["largest_final_distance"]) < 0.05


# Experts and rollouts


@pytest.mark.parametrize(("env_id", "least"), [(IDS[0], 180), (IDS[1], 140)])
def test_no_expert_crashes_in_a_hundred_starts(env_id, least):
    env = make_vector(env_id, 100)
    returns = evaluate(hover_expert(env_id), env, episodes=100, seed=0)
    assert returns.min() >= least
    assert (env.batch.steps == 0).all()  # all reached the time limit in the same step


@pytest.mark.parametrize("env_id", IDS)
def test_evaluate_is_the_same_with_an_id_an_environment_and_a_vector_environment(env_id):
    expert = hover_expert(env_id)
    by_id = evaluate(expert, env_id, episodes=4, seed=3)
    assert by_id.shape == (4,)
    np.testing.assert_allclose(evaluate(expert, gym.make(env_id), episodes=4, seed=3), by_id, rtol=1e-6)
    assert np.array_equal(evaluate(expert, make_vector(env_id, 4), episodes=4, seed=3), by_id)
    assert not np.array_equal(evaluate(expert, env_id, episodes=4, seed=4), by_id)
    assert np.array_equal(evaluate(expert, env_id, episodes=2, seed=3), by_id[:2])


def test_evaluate_takes_a_module_and_leaves_the_global_random_state():
    net = torch.nn.Linear(7, 2)
    before = torch.random.get_rng_state()
    returns = evaluate(net, IDS[0], episodes=3)
    np.testing.assert_allclose(evaluate(net, PlanarHover(), episodes=3), returns, rtol=1e-4)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_evaluate_flies_environments_of_others():
    assert (evaluate(lambda o: np.zeros(1), "Pendulum-v1", episodes=2, seed=0) < 0).all()
