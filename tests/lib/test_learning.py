"""What both learners offer alike: one room, any surrogate family, a device, and steps that a subclass may replace."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch

from snnsg_lib import learning
from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.schedulers import AdaptiveSlope, IntervalSlope
from snnsg_lib.surrogates import ATan, FastSigmoid, Sigmoid, Triangular
from snnsg_lib.tasks import expert_demonstrations

SMALL = {"hidden": (16, 16), "batch_size": 16, "slopes": [1.0, 10.0], "seeds": [0, 1]}


@pytest.fixture(scope="module")
def demonstrations():
    return expert_demonstrations("snnsg/PlanarHover-v0", 2000)


@pytest.fixture(params=["td3", "bc"])
def make(request, demonstrations):
    """Function that makes a small learner."""
    if request.param == "bc":
        return lambda cls=BehavioralCloning, **changes: cls(**{**SMALL, "demonstrations": demonstrations, **changes})
    small = {**SMALL, "critic_hidden": (16,), "start_steps": 100, "actor_lr": 1e-3}
    return lambda cls=TD3, **changes: cls(**{**small, **changes})


def learn(learner):
    """Train for a few updates, with two evaluations."""
    if isinstance(learner, TD3):
        return learner.learn(160, evaluate_every=80, episodes=1)
    return learner.learn(30, evaluate_at=15, episodes=1)


def weights(learner):
    return [p.detach().clone() for module, _ in learner._trained() for p in module.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


def test_the_hyper_parameters_come_without_pandas_and_gymnasium():
    code = (
        "import sys; from snnsg_lib.learning import CRAZYFLIE_HOVER; "
        "print([name for name in ('pandas', 'gymnasium') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="SAC"):
        learning.SAC  # noqa: B018


@pytest.mark.parametrize("family", [ATan, Sigmoid, Triangular, partial(FastSigmoid, normalization="area")])
def test_every_family_learns_with_the_slopes_of_its_replicas(make, family):
    learner, usual = make(surrogate=family), make()
    learn(learner)
    learn(usual)
    assert type(learner.policy.net.surrogates[0]) is getattr(family, "func", family)
    assert learner.policy.net.surrogates[0].slope.tolist() == [1.0, 1.0, 10.0, 10.0]
    assert not same(learner, usual)


def test_the_default_family_is_the_fast_sigmoid(make):
    default, named = make(), make(surrogate=FastSigmoid)
    assert learn(default).equals(learn(named))
    assert same(default, named)


def test_a_schedule_moves_the_slope_of_the_family_it_is_given(make):
    seen = []

    def schedule(surrogate):
        seen.append(type(surrogate))
        return IntervalSlope(surrogate, start=1.0, end=3.0, changes=2, interval=1)

    learner = make(surrogate=ATan, slopes=[schedule])
    learn(learner)
    assert set(seen) == {ATan}
    assert learner.policy.net.surrogates[0].slope.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("family", [FastSigmoid(5.0), 10.0, "ATan", torch.sigmoid, lambda slope: torch.sigmoid, int])
def test_what_is_no_family_is_named(make, family):
    with pytest.raises(TypeError, match="surrogate must be a Surrogate class such as FastSigmoid, or a function"):
        make(surrogate=family)


def test_a_family_that_ignores_its_slope_is_named(make):
    with pytest.raises(ValueError, match="surrogate must make surrogates of the slope it is given"):
        make(surrogate=lambda slope: ATan(25.0))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"surrogate": ATan(5.0)}, "network must not hold surrogate: give the learner its argument surrogate="),
        ({"replicas": 3}, "network must not hold replicas: they follow from the learner"),
        ({"seed": 3, "sizes": [7, 2]}, "network must not hold sizes, seed: they follow"),
    ],
)
def test_arguments_of_the_network_that_the_learner_gives_are_named(make, network, message):
    with pytest.raises(ValueError, match=message):
        make(network=network)


@pytest.mark.parametrize("device", ["cpu", "cpu:0", torch.device("cpu")])
def test_a_named_cpu_is_the_default_bit_for_bit(make, device):
    default, named = make(), make(device=device)
    assert learn(default).equals(learn(named))
    assert same(default, named)
    assert named.device.type == "cpu"


@pytest.mark.parametrize("device", ["gpu", "cuda:99", 1.5])
def test_a_device_that_is_not_there_is_named(make, device):
    with pytest.raises(ValueError, match="device must name a torch device of this machine"):
        make(device=device)


def test_all_that_learns_is_moved_to_the_device(make, monkeypatch):
    """A stand-in for another device: whatever is handed over is counted."""
    moved = []
    plain = torch.nn.Module.to
    monkeypatch.setattr(torch.nn.Module, "to", lambda module, *where: moved.append(module) or plain(module, *where))
    learner = make()
    networks = [learner.policy, *([learner.critics] if isinstance(learner, TD3) else [])]
    assert all(any(module is one for one in moved) for module in networks)
    for module, optimizer in learner._trained():
        held = {id(p) for group in (optimizer.param_groups if optimizer else []) for p in group["params"]}
        assert optimizer is None or held == {id(p) for p in module.parameters()}


def test_slopes_that_move_are_resumed_on_the_device(make, tmp_path):
    slopes = [partial(AdaptiveSlope, reward_range=(0, 190))]
    whole, first, second = (make(slopes=slopes, surrogate=Sigmoid, device="cpu") for _ in range(3))
    learn(whole)
    if isinstance(first, TD3):
        first.learn(120, evaluate_every=80, episodes=1)
    else:
        first.learn(15, evaluate_at=15, episodes=1)
    first.save(tmp_path / "run")
    second.load(tmp_path / "run")
    assert learn(second).equals(learn(whole))
    assert same(whole, second)


class Counted:
    """Mixin that notes which steps of an update run."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.steps = []

    def _sample(self, source):
        self.steps.append("sample")
        return super()._sample(source)

    def _actor_step(self, batch):
        self.steps.append("actor")
        return super()._actor_step(batch)


class CountedTD3(Counted, TD3):
    def _targets(self, batch):
        self.steps.append("targets")
        return super()._targets(batch)

    def _critic_step(self, batch, target):
        self.steps.append("critics")
        super()._critic_step(batch, target)

    def _move_targets(self):
        self.steps.append("move")
        super()._move_targets()


class CountedCloning(Counted, BehavioralCloning):
    pass


def test_an_update_of_td3_is_its_steps_in_their_order():
    small = {**SMALL, "critic_hidden": (16,), "start_steps": 100}
    td3 = CountedTD3(policy_delay=2, target_delay=3, **small)
    td3.learn(112, evaluate_every=10**6)
    updates = [["sample", "targets", "critics"] for _ in range(6)]
    for number, update in enumerate(updates, start=1):
        update += ["actor"] * (number % 2 == 0) + ["move"] * (number % 3 == 0)
    assert td3.steps == [step for update in updates for step in update]


def test_an_update_of_cloning_is_its_steps_in_their_order(demonstrations):
    cloning = CountedCloning(demonstrations=demonstrations, **SMALL)
    cloning.learn(2)
    assert cloning.steps == ["sample", "actor"] * 2


def test_a_policy_in_the_place_of_the_own_acts(make):
    learner, other = make(), make(seeds=[5, 6])
    observation = np.ones((8, learner.observation_size), dtype=np.float32)
    assert np.array_equal(learner.act(observation, 2, other.policy), other.act(observation, 2))
    assert not np.array_equal(learner.act(observation, 2), other.act(observation, 2))
