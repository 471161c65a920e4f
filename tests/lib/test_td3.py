"""TD3 with replicas: the algorithm is TD3, replicas stay apart, and training resumes where it stopped."""

import numpy as np
import pytest
import stable_baselines3
import torch

from snnsg_lib.learning import CRAZYFLIE_HOVER, TD3
from snnsg_lib.learning.replay import ReplayBuffer
from snnsg_lib.learning.replicas import EXPLORATION, SeedStreams

SMALL = {"hidden": (16, 16), "critic_hidden": (16,), "batch_size": 16, "start_steps": 100, "actor_lr": 1e-3}


def _weights(learner):
    return [p.detach().clone() for module, _ in learner._trained() for p in module.parameters()]


def _rows_of(weight, replicas, kept):
    """Rows of the kept replicas; twin critics have two rows a replica."""
    twins = weight.shape[0] // replicas
    return weight[[replica + twin * replicas for twin in range(twins) for replica in kept]]


def test_history_has_one_row_per_evaluation_and_replica():
    learner = TD3(slopes=[1.0, 10.0, 100.0], seeds=range(2), **SMALL)
    history = learner.learn(200, evaluate_every=100, episodes=2)
    assert list(history.columns) == ["slope", "seed", "step", "episode_return", "current_slope"]
    assert len(history) == 3 * 2 * 2
    assert set(history.step) == {100, 200}
    assert (history.slope == history.current_slope).all()


def test_a_policy_without_spikes_learns_to_hover():
    quick = {"actor_lr": 1e-3, "critic_lr": 3e-3, "tau": 0.02, "policy_delay": 2}
    learner = TD3(slopes=[1.0], seeds=range(3), actor="mlp", hidden=(32, 32), critic_hidden=(32, 32), **quick)
    assert learner.learn(4000, evaluate_every=4000).episode_return.mean() > 100


def test_equal_runs_are_equal_bit_for_bit():
    runs = [TD3(slopes=[1.0, 10.0], seeds=[0, 1], **SMALL) for _ in range(2)]
    histories = [run.learn(180, evaluate_every=180, episodes=1) for run in runs]
    assert histories[0].equals(histories[1])
    assert all(torch.equal(a, b) for a, b in zip(*map(_weights, runs), strict=True))


def test_randomness_depends_on_the_seed_alone():
    here, there = TD3(slopes=[1.0, 50.0], seeds=[3, 8], **SMALL), TD3(slopes=[7.0], seeds=[8], **SMALL)
    for learner in (here, there):
        learner.learn(100)  # random actions only
    rows = here.buffer.rows[:, : here.buffer.filled]
    assert np.array_equal(rows[0], rows[2])  # slope 1 and 50, seed 3
    assert np.array_equal(rows[1], there.buffer.rows[0, : there.buffer.filled])
    assert not np.array_equal(rows[0], rows[1])
    for weight, alone in zip(_weights(here), _weights(there), strict=True):
        assert torch.equal(_rows_of(weight, 4, [3]), alone)


@pytest.mark.parametrize("place", ["policy", "critics"])
def test_a_replica_that_breaks_is_stopped_and_leaves_the_others_bit_for_bit(place):
    def trained(break_one):
        learner = TD3(slopes=[1.0, 10.0], seeds=[0, 1], **SMALL)
        learner.learn(120)
        if break_one:
            with torch.no_grad():
                (learner.policy.net if place == "policy" else learner.critics).weights[0][1, 0, 0] = float("nan")
        return learner, learner.learn(240, evaluate_every=60, episodes=1)

    (whole, whole_history), (broken, history) = trained(False), trained(True)
    assert list(broken.failures) == [1]
    what = "actor gradient" if place == "policy" else "critic loss"
    assert broken.failures[1] == f"{what} is NaN or infinite at step 124"
    gone = (whole_history.slope == 1.0) & (whole_history.seed == 1) & (whole_history.step > 120)
    kept = whole_history[~gone].reset_index(drop=True)
    assert kept.equals(history)
    for expected, weight in zip(_weights(whole), _weights(broken), strict=True):
        assert torch.equal(_rows_of(expected, 4, [0, 2, 3]), _rows_of(weight, 4, [0, 2, 3]))
        assert torch.isfinite(weight).all()


class _Halving:
    """A schedule that halves the slope at each step and remembers the rewards it was given."""

    made: list = []  # noqa: RUF012 - a test's notebook

    def __init__(self, surrogate):
        self.surrogate, self.rewards = surrogate, []
        surrogate.slope = 8.0
        _Halving.made.append(self)

    def step(self, reward=None):
        self.rewards.append(reward)
        self.surrogate.slope /= 2

    def get_last_slope(self):
        return self.surrogate.slope

    def state_dict(self):
        return {"rewards": self.rewards, "slope": self.surrogate.slope}

    def load_state_dict(self, state):
        self.rewards, self.surrogate.slope = list(state["rewards"]), state["slope"]


def test_each_replica_has_a_schedule_of_its_own_fed_with_its_own_return():
    _Halving.made.clear()
    learner = TD3(slopes=[_Halving, 3.0], seeds=[0, 1], **SMALL)
    history = learner.learn(150, evaluate_every=50, episodes=1)
    scheduled = history[history.slope == "_Halving"]
    assert len(_Halving.made) == 2
    for seed, schedule in enumerate(_Halving.made):
        rows = scheduled[scheduled.seed == seed]
        assert rows.episode_return.tolist() == schedule.rewards
        assert rows.current_slope.tolist() == [4.0, 2.0, 1.0]
    assert (history[history.slope == 3.0].current_slope == 3.0).all()
    assert learner.policy.net.surrogates[0].slope.tolist() == [1.0, 1.0, 3.0, 3.0]


def test_a_resumed_training_is_bit_identical(tmp_path):
    def make():
        return TD3(slopes=[1.0, _Halving], seeds=[0, 1], **SMALL)

    whole, first, second = make(), make(), make()
    whole.learn(240, evaluate_every=60, episodes=1)
    first.learn(180, evaluate_every=60, episodes=1)
    first.save(tmp_path / "run")
    second.load(tmp_path / "run")
    second.learn(240, evaluate_every=60, episodes=1)
    assert second.history.equals(whole.history)
    assert all(torch.equal(a, b) for a, b in zip(_weights(whole), _weights(second), strict=True))
    assert np.array_equal(second.buffer.rows[:, : second.buffer.filled], whole.buffer.rows[:, : whole.buffer.filled])


def test_a_failure_ends_the_future_and_a_time_limit_does_not():
    learner = TD3(slopes=[1.0], seeds=[0], **{**SMALL, "start_steps": 2000})
    learner.learn(1000, evaluate_every=10**6)
    rows = learner.buffer.rows[0, : learner.buffer.filled]
    goes_on, reached = rows[..., 7 + 2 + 1], rows[..., -7:]
    outside = (np.abs(reached[..., :2]) > 2 * 0.6).any(axis=-1)  # the observation shows twice the position
    assert outside.any()
    assert np.array_equal(goes_on == 0, outside)
    followed = rows[1:, :, :7]
    assert np.array_equal((followed == reached[:-1]).all(axis=-1), goes_on[:-1] == 1)


def test_time_limits_are_stored_with_the_final_observation():
    learner = TD3("Pendulum-v1", slopes=[1.0], seeds=[0], num_envs=1, **{**SMALL, "start_steps": 1000})
    learner.learn(450, evaluate_every=10**6)
    rows = learner.buffer.rows[0, : learner.buffer.filled, 0]
    assert (rows[:, 3 + 1 + 1] == 1).all()
    joined = (rows[1:, :3] == rows[:-1, -3:]).all(axis=1)
    assert np.flatnonzero(~joined).tolist() == [199, 399]


def test_the_buffer_forgets_the_oldest():
    buffer = ReplayBuffer(2, 3, observation_size=1, action_size=1, capacity=6)
    for step in range(5):
        ones = np.ones((6, 1))
        buffer.store(step * ones, ones, np.arange(6.0), np.zeros(6), ones)
    assert len(buffer) == 6
    batch = buffer.sample(np.tile(np.arange(6), (2, 1)))
    assert sorted(set(batch.observation.flatten().tolist())) == [3.0, 4.0]
    assert set(batch.reward[1].tolist()) == {3.0, 4.0, 5.0}  # the second replica's own transitions


def test_replicas_of_equal_seed_draw_equal_numbers():
    streams = SeedStreams([5, 6, 5], EXPLORATION)
    draw = streams.normal(4)
    assert np.array_equal(draw[0], draw[2])
    assert not np.array_equal(draw[0], draw[1])
    assert np.array_equal(SeedStreams([6], EXPLORATION).normal(4)[0], draw[1])


def _pair_with_stable_baselines3():
    """Our TD3 with one replica and theirs, with the same weights and hyper-parameters and no smoothing noise."""
    shared = {"batch_size": 32, "gamma": 0.95, "tau": 0.1, "policy_delay": 1, "target_delay": 1}
    ours = TD3("Pendulum-v1", slopes=[1.0], seeds=[0], num_envs=1, actor="mlp", hidden=(16, 16), critic_hidden=(16, 16),
               actor_lr=1e-3, critic_lr=1e-3, smoothing_noise=0.0, start_steps=200, **shared)  # fmt: skip
    theirs = stable_baselines3.TD3(
        "MlpPolicy", "Pendulum-v1", learning_rate=1e-3, policy_delay=1, target_policy_noise=0.0,
        policy_kwargs={"net_arch": [16, 16]}, device="cpu", batch_size=32, gamma=0.95, tau=0.1,
    )  # fmt: skip
    theirs.set_logger(stable_baselines3.common.logger.Logger(folder=None, output_formats=[]))
    with torch.no_grad():
        for our_module, their_modules in _matching(ours, theirs):
            for replica, module in enumerate(their_modules):
                linears = [layer for layer in module if isinstance(layer, torch.nn.Linear)]
                for linear, weight, bias in zip(linears, our_module.weights, our_module.biases, strict=True):
                    linear.weight.copy_(weight[replica].T)
                    linear.bias.copy_(bias[replica, 0])
    return ours, theirs


def _matching(ours, theirs):
    return [
        (ours.policy.net, [theirs.actor.mu]),
        (ours.target_policy.net, [theirs.actor_target.mu]),
        (ours.critics, [theirs.critic.qf0, theirs.critic.qf1]),
        (ours.target_critics, [theirs.critic_target.qf0, theirs.critic_target.qf1]),
    ]


def test_an_update_equals_that_of_stable_baselines3():
    ours, theirs = _pair_with_stable_baselines3()
    ours.learn(200, evaluate_every=10**6)  # random actions fill the buffer
    for _ in range(5):
        batch = ours.buffer.sample(ours._batches.integers(len(ours.buffer), 32))
        one = type("Batch", (), {
            "observations": batch.observation[0], "actions": batch.observation_action[0, :, 3:],
            "rewards": batch.reward[0, :, None], "dones": 1 - batch.goes_on[0, :, None],
            "next_observations": batch.next_observation[0], "discounts": None,
        })  # fmt: skip
        theirs.replay_buffer.sample = lambda *args, one=one, **kwargs: one
        theirs.train(gradient_steps=1, batch_size=32)
        ours._critic_step(batch, ours._targets(batch))
        ours._actor_step(batch)
        ours._move_targets()
    for our_module, their_modules in _matching(ours, theirs):
        for replica, module in enumerate(their_modules):
            linears = [layer for layer in module if isinstance(layer, torch.nn.Linear)]
            for linear, weight, bias in zip(linears, our_module.weights, our_module.biases, strict=True):
                torch.testing.assert_close(linear.weight.T, weight[replica], rtol=1e-4, atol=1e-6)
                torch.testing.assert_close(linear.bias, bias[replica, 0], rtol=1e-4, atol=1e-6)


def test_evaluation_flies_each_policy_from_starts_of_its_own_seed():
    learner = TD3(slopes=[1.0, 10.0], seeds=[0, 1], **SMALL)
    returns = learner.evaluate(3)
    assert returns.shape == (4, 3)
    assert np.array_equal(returns[0], returns[2])  # untrained policies of equal seed are equal
    assert not np.array_equal(returns[0], returns[1])


def test_crazyflie_settings_and_histories_are_accepted():
    learner = TD3("snnsg/CrazyflieHover-v0", [2.0], [0], hidden=(16, 16), env_kwargs={"history": 2}, **CRAZYFLIE_HOVER)
    learner.learn(4100, evaluate_every=4096, episodes=1)
    assert learner.num_updates > 0
    assert learner.observation_size == 44


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"slopes": [-1.0]}, "slopes"),
        ({"seeds": []}, "seeds"),
        ({"num_envs": 0}, "num_envs"),
        ({"updates_per_iteration": 0}, "updates_per_iteration"),
        ({"policy_delay": 0}, "policy_delay"),
        ({"target_delay": 0}, "target_delay"),
        ({"batch_size": 0}, "batch_size"),
        ({"buffer_size": 3}, "buffer_size"),
        ({"gamma": 1.5}, "gamma"),
        ({"tau": -0.1}, "tau"),
        ({"reward_scale": 0.0}, "reward_scale"),
        ({"actor_lr": 0.0}, "lr"),
        ({"critic_lr": float("inf")}, "lr"),
        ({"exploration_noise": -1.0}, "exploration_noise"),
        ({"smoothing_noise": float("nan")}, "smoothing_noise"),
        ({"smoothing_clip": -0.5}, "smoothing_clip"),
        ({"start_steps": -1}, "start_steps"),
        ({"start_noise": "pink"}, "start_noise"),
        ({"start_scale": -1.0}, "start_scale"),
        ({"env": "CartPole-v1"}, "env"),
    ],
)
def test_bad_arguments_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TD3(**{"slopes": [1.0], "seeds": [0], **kwargs})


def test_only_the_librarys_environments_can_be_saved(tmp_path):
    with pytest.raises(ValueError, match="env"):
        TD3("Pendulum-v1", [1.0], [0], **SMALL).save(tmp_path / "run")
