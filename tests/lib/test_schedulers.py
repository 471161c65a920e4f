"""Slope schedules: their range, ends and order, what they remember, and what Adam remembers of them."""

import copy
import json
import math
from functools import partial

import numpy as np
import pytest
import snntorch as snn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.schedulers import (
    AdaptiveSlope,
    CubicSlope,
    FixedSlope,
    IntervalSlope,
    SlopeScheduler,
    TargetSlope,
    moments_follow,
)
from snnsg_lib.surrogates import ATan, FastSigmoid, slope_set_to
from snnsg_lib.tasks import expert_demonstrations

finite = st.floats(-1e6, 1e6)
rewards = st.lists(finite, min_size=1, max_size=40)
positive = st.floats(0.1, 500.0)
ranges = st.tuples(positive, positive).filter(lambda ends: ends[0] * 1.001 < ends[1])
weights = st.tuples(st.floats(0, 10), st.floats(0, 10)).filter(lambda w: w[0] + w[1] > 0 and (w[0] == 0 or w[0] > 1e-3))
spacings = st.sampled_from(["linear", "geometric"])

# Each takes a model and is fed with rewards.
FACTORIES = {
    "fixed": partial(FixedSlope, slope=7.0),
    "linear": partial(IntervalSlope, changes=4, interval=3),
    "geometric": partial(IntervalSlope, changes=4, interval=3, spacing="geometric"),
    "reversed": partial(IntervalSlope, start=100.0, end=1.0, changes=5),
    "adaptive": partial(AdaptiveSlope, reward_range=(0, 190)),
    "change alone": partial(AdaptiveSlope, reward_range=(0, 190), weights=(0.0, 1.0), spacing="geometric"),
    "cubic": partial(CubicSlope, reward_range=(0, 190)),
    "cubic with trend": partial(CubicSlope, reward_range=(0, 190), trend=True, window=3),
    "target": partial(TargetSlope, target=100.0, gain=0.01),
}
every_schedule = pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)


def slopes_of(scheduler, history):
    """Slope after each reward."""
    slopes = []
    for reward in history:
        scheduler.step(reward)
        slopes.append(scheduler.get_last_slope())
    return slopes


@settings(deadline=None, max_examples=50)
@given(history=rewards, ends=ranges, window=st.integers(1, 12), weight=weights, spacing=spacings)
def test_adaptive_slope_stays_in_its_range(history, ends, window, weight, spacing):
    scheduler = AdaptiveSlope(FastSigmoid(), (-10.0, 190.0), ends, window, weight, spacing)
    assert all(ends[0] <= slope <= ends[1] for slope in slopes_of(scheduler, history))


@settings(deadline=None, max_examples=50)
@given(start=positive, end=positive, changes=st.integers(1, 30), interval=st.integers(1, 5), spacing=spacings)
def test_interval_slope_is_monotonic_and_ends_exactly(start, end, changes, interval, spacing):
    scheduler = IntervalSlope(FastSigmoid(), start, end, changes, interval, spacing)
    assert scheduler.get_last_slope() == start
    slopes = [start, *slopes_of(scheduler, [None] * (changes * interval + 3))]
    steps = np.diff(slopes) * (1 if end >= start else -1)
    assert (steps >= 0).all()
    assert slopes[changes * interval :] == [end] * 4
    assert all(min(start, end) <= slope <= max(start, end) for slope in slopes)


@settings(deadline=None, max_examples=50)
@given(history=rewards, ends=ranges, target=st.floats(-10, 10), gain=st.floats(-5, 5).filter(bool))
def test_target_slope_stays_in_its_range(history, ends, target, gain):
    scheduler = TargetSlope(FastSigmoid(), target, gain, ends)
    assert all(ends[0] <= slope <= ends[1] for slope in slopes_of(scheduler, history))


def test_interval_slope_ends_exactly_at_100():
    slopes = slopes_of(IntervalSlope(FastSigmoid(), changes=9, interval=2), range(30))
    assert slopes[:4] == [1.0, 12.0, 12.0, 23.0]
    assert slopes[17:] == [100.0] * 13


def test_geometric_interval_multiplies_by_one_factor():
    slopes = slopes_of(IntervalSlope(FastSigmoid(), 1.0, 16.0, changes=4, spacing="geometric"), [None] * 4)
    assert slopes == pytest.approx([2.0, 4.0, 8.0, 16.0])


@given(reward=st.floats(190, 1e6), window=st.integers(1, 12), weight_d=st.floats(0, 10), ends=ranges)
def test_constant_full_reward_holds_the_maximum(reward, window, weight_d, ends):
    scheduler = AdaptiveSlope(FastSigmoid(), (0, 190), ends, window, (0.5, weight_d))
    assert slopes_of(scheduler, [reward] * 20) == [ends[1]] * 20


def test_without_the_proportional_term_full_reward_does_not_hold_the_slope():
    slopes = slopes_of(AdaptiveSlope(FastSigmoid(), (0, 190), window=5, weights=(0.0, 1.0)), [0, 190] + 10 * [190])
    assert slopes[1] > 1.0
    assert slopes[-1] == 1.0


@settings(deadline=None, max_examples=50)
@given(first=st.floats(20, 190), falls=st.lists(st.floats(0, 30), min_size=1, max_size=30), weight=weights)
def test_falling_reward_lowers_the_slope(first, falls, weight):
    history = np.maximum(first - np.cumsum(falls), 0.0)
    falling, steady = (AdaptiveSlope(FastSigmoid(), (0, 190), weights=weight) for _ in range(2))
    for scheduler in (falling, steady):
        slopes_of(scheduler, [first] * 10)
    before = steady.get_last_slope()
    slopes = slopes_of(falling, history)
    assert all(slope <= before * (1 + 1e-9) for slope in slopes)
    if falls[0] > 1e-3 and weight[0] > 0:
        assert slopes[0] < before


def test_adaptive_slope_follows_its_formula():
    history = np.random.default_rng(0).uniform(-20, 220, 30)
    scheduler = AdaptiveSlope(FastSigmoid(), (0, 190), (1, 100), window=10, weights=(0.5, 0.25))
    scaled = np.clip(history / 190, 0, 1)
    for t, slope in enumerate(slopes_of(scheduler, history)):
        past = range(max(0, t - 9), t + 1)
        mean = np.mean([scaled[i] for i in past])
        change = np.mean([scaled[i] - scaled[i - 1] if i else 0.0 for i in past])
        assert slope == pytest.approx(np.clip(1 + 99 * (mean + 0.25 / 0.5 * change), 1, 100), rel=1e-12)


@settings(deadline=None, max_examples=50)
@given(history=rewards, start=positive, scale=positive, trend=st.booleans(), hold=st.floats(0, 1))
def test_cubic_slope_never_falls_below_its_start(history, start, scale, trend, hold):
    scheduler = CubicSlope(FastSigmoid(), (-10.0, 190.0), start, scale, trend, hold_above=hold)
    slopes = slopes_of(scheduler, history)
    assert all(start <= slope <= start + (2 if trend else 1) * scale * (1 + 1e-12) for slope in slopes)


def test_cubic_slope_follows_the_published_code():
    history = np.random.default_rng(0).uniform(0, 380, 30)
    plain, trend = (CubicSlope(FastSigmoid(), (0, 400), start=2.0, trend=flag) for flag in (False, True))
    share = history / 400
    assert slopes_of(plain, history) == pytest.approx((2 + 100 * share**3).tolist(), rel=1e-12)
    held = 2.0
    for t, slope in enumerate(slopes_of(trend, history)):
        rises = np.diff(history[max(0, t - 10) : t + 1])
        moved = max(2.0, 2 + 100 * (share[t] ** 3 + np.tanh(rises.mean() if t else 0.0)))
        held = held if share[t] > 0.3 else moved
        assert slope == pytest.approx(held, rel=1e-12)


def test_target_slope_holds_what_grows_with_the_slope():
    scheduler = TargetSlope(FastSigmoid(), target=0.3, gain=2.0, start=100.0)
    for _ in range(60):
        scheduler.step(math.log(scheduler.get_last_slope()) / 5)  # a plant: 0 at k=1, .92 at k=100
    assert math.log(scheduler.get_last_slope()) / 5 == pytest.approx(0.3, abs=1e-6)


def test_negative_gain_serves_what_falls_with_the_slope():
    scheduler = TargetSlope(FastSigmoid(), target=0.3, gain=-2.0)
    for _ in range(60):
        scheduler.step(1 - math.log(scheduler.get_last_slope()) / 5)
    assert 1 - math.log(scheduler.get_last_slope()) / 5 == pytest.approx(0.3, abs=1e-6)


@every_schedule
def test_resumed_schedule_equals_an_uninterrupted_one(factory):
    history = np.random.default_rng(1).uniform(0, 190, 30).tolist()
    whole, first, second = (factory(FastSigmoid(3.0)) for _ in range(3))
    expected = slopes_of(whole, history)
    slopes_of(first, history[:13])
    state = json.loads(json.dumps(first.state_dict()))
    slopes_of(first, history[13:15])  # the state is a copy
    second.load_state_dict(state)
    assert second._surrogates[0].slope == expected[12]
    assert slopes_of(second, history[13:]) == expected[13:]


@every_schedule
def test_schedule_sets_every_surrogate_of_a_model_at_once(factory):
    model = nn.Sequential(
        nn.Linear(3, 4), snn.Leaky(0.9, spike_grad=FastSigmoid(3.0)), snn.Leaky(0.9, spike_grad=ATan(2.0))
    )
    scheduler = factory(model)
    for reward in (0.0, 100.0, 190.0):
        assert [model[1].spike_grad.slope, model[2].spike_grad.slope] == [scheduler.get_last_slope()] * 2
        scheduler.step(reward)


@every_schedule
def test_each_replica_has_the_slope_that_it_would_have_alone(factory):
    history = np.random.default_rng(2).uniform(0, 190, (20, 3))
    net = SpikingMLP([2, 4, 1], num_steps=2, surrogate=FastSigmoid(5.0), replicas=3, seed=0)
    together, alone = factory(net), [factory(FastSigmoid()) for _ in range(3)]
    for row in history:
        together.step(torch.from_numpy(row))
        for scheduler, reward in zip(alone, row, strict=True):
            scheduler.step(reward)
        slopes = torch.as_tensor(together.get_last_slope()).expand(3)
        assert slopes.tolist() == pytest.approx([scheduler.get_last_slope() for scheduler in alone])
    net(torch.zeros(2, 2)).sum().backward()
    restored = factory(net)
    restored.load_state_dict(together.state_dict())
    assert torch.equal(torch.as_tensor(restored.get_last_slope()), torch.as_tensor(together.get_last_slope()))


@every_schedule
@pytest.mark.parametrize("reward", [math.nan, math.inf, -math.inf, "much", True, [], [[1.0]], [1.0, math.nan]])
def test_bad_reward_is_an_error_that_changes_nothing(factory, reward):
    scheduler = factory(FastSigmoid())
    scheduler.step(50.0)
    before = scheduler.state_dict()
    with pytest.raises((TypeError, ValueError), match="reward must"):
        scheduler.step(reward)
    assert scheduler.state_dict() == before


def test_listening_schedules_need_a_reward_and_keep_its_shape():
    scheduler = AdaptiveSlope(FastSigmoid(), (0, 1))
    with pytest.raises(TypeError, match="reward must be a finite number or vector for AdaptiveSlope"):
        scheduler.step()
    scheduler.step([0.0, 1.0])
    for other in (0.5, [0.0, 1.0, 0.5]):
        with pytest.raises(ValueError, match="reward must keep its shape"):
            scheduler.step(other)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda m: AdaptiveSlope(m, (190, 0)), "reward_range must have its first number below"),
        (lambda m: AdaptiveSlope(m, (0, math.inf)), "reward_range must be finite"),
        (lambda m: AdaptiveSlope(m, (0, 1), (0, 100)), "slope_range must be finite and > 0"),
        (lambda m: AdaptiveSlope(m, (0, 1), window=0), "window must be an integer >= 1"),
        (lambda m: AdaptiveSlope(m, (0, 1), weights=(0, 0)), "weights must not both be 0"),
        (lambda m: AdaptiveSlope(m, (0, 1), weights=(-1, 1)), "weights must be finite and >= 0"),
        (lambda m: AdaptiveSlope(m, (0, 1), weights=0.5), "weights must be two numbers"),
        (lambda m: AdaptiveSlope(m, (0, 1), spacing="cubic"), "spacing must be one of"),
        (lambda m: CubicSlope(m, (190, 0)), "reward_range must have its first number below"),
        (lambda m: CubicSlope(m, (0, 1), start=0), "start must be finite and > 0"),
        (lambda m: CubicSlope(m, (0, 1), scale=-1), "scale must be finite and > 0"),
        (lambda m: CubicSlope(m, (0, 1), trend="yes"), "trend must be True or False"),
        (lambda m: CubicSlope(m, (0, 1), window=0), "window must be an integer >= 1"),
        (lambda m: CubicSlope(m, (0, 1), hold_above=2), "hold_above must be finite and in"),
        (lambda m: IntervalSlope(m, start=0), "start must be finite and > 0"),
        (lambda m: IntervalSlope(m, changes=0), "changes must be an integer >= 1"),
        (lambda m: IntervalSlope(m, interval=1.5), "interval must be an integer >= 1"),
        (lambda m: FixedSlope(m, -1.0), "slope must be finite and > 0"),
        (lambda m: TargetSlope(m, math.nan), "target must be finite"),
        (lambda m: TargetSlope(m, 0.1, gain=0), "gain must not be 0"),
        (lambda m: TargetSlope(m, 0.1, start=200.0), "start must be finite and in"),
        (lambda m: FixedSlope(nn.Linear(1, 1), 1.0), "model must hold a snnsg_lib surrogate"),
        (lambda m: FixedSlope(m, 1.0).load_state_dict({"slope": 1.0}), "state must have the entries"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(FastSigmoid())


def test_a_schedule_of_ones_own_is_one_small_class():
    class HalvedSlope(SlopeScheduler):
        def next_slope(self, reward):
            return max(1.0, self.slope / 2)

    scheduler = HalvedSlope(FastSigmoid(), 8.0)
    assert slopes_of(scheduler, [None] * 4) == [4.0, 2.0, 1.0, 1.0]
    assert "slope=1.0" in repr(scheduler)


def test_schedule_survives_deepcopy_and_leaves_the_original_alone():
    surrogate = FastSigmoid()
    scheduler = IntervalSlope(surrogate, changes=3)
    copied = copy.deepcopy(scheduler)
    copied.step()
    assert surrogate.slope == scheduler.get_last_slope() == 1.0
    assert copied.get_last_slope() == 34.0


def snntorch_loop(net, x):
    mem1, mem2 = net[1].init_leaky(), net[3].init_leaky()
    counts = 0
    for _ in range(5):
        spk, mem1 = net[1](net[0](x), mem1)
        spk, mem2 = net[3](net[2](spk), mem2)
        counts = counts + spk
    return counts


def test_schedule_moves_the_slope_of_a_plain_snntorch_loop():
    torch.manual_seed(0)
    spike_grad = FastSigmoid()
    net = nn.Sequential(
        nn.Linear(4, 16), snn.Leaky(0.9, spike_grad=spike_grad), nn.Linear(16, 2), snn.Leaky(0.9, spike_grad=spike_grad)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    scheduler = IntervalSlope(net, 1.0, 25.0, changes=3, spacing="geometric")
    x = torch.rand(32, 4)
    losses = []
    for _ in range(30):
        loss = ((snntorch_loop(net, x) - torch.tensor([1.0, 4.0])) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    assert spike_grad.slope == 25.0
    assert losses[-1] < 0.5 * losses[0]


def spiking_regression(replicas=None):
    surrogate = FastSigmoid(2.0)
    net = SpikingMLP([3, 16, 16, 1], num_steps=4, surrogate=surrogate, replicas=replicas, seed=0)
    with torch.no_grad():
        for weight in net.weights[:-1]:
            weight.mul_(3.0)
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
    target = x.sum(1, keepdim=True)

    def loss():
        return ((net(x) - target) ** 2).mean(dim=(-2, -1))

    return net, surrogate, loss


def trained(net, loss, optimizer, updates):
    for _ in range(updates):
        optimizer.zero_grad()
        loss().sum().backward()
        optimizer.step()


def test_moments_that_follow_are_those_of_a_gradient_that_was_always_at_the_new_scale():
    """With a loss that is ten times larger at every update, Adam's moments are 10 and 100 times larger."""
    moments = []
    for scale in (torch.tensor(10.0), torch.tensor(1.0)):
        torch.manual_seed(0)
        net, x = nn.Linear(3, 2), torch.ones(5, 3)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.0)

        def loss(net=net, x=x, scale=scale):
            return scale * net(x).pow(2).mean()

        trained(net, loss, optimizer, 4)
        with moments_follow(optimizer, loss):
            scale.fill_(10.0)
        moments.append([state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")])
    for once, always in zip(*moments, strict=True):
        torch.testing.assert_close(once, always)


def test_after_a_jump_the_first_layer_keeps_its_pace_if_the_moments_follow():
    moved = {}
    for follow in (False, True):
        net, surrogate, loss = spiking_regression()
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        trained(net, loss, optimizer, 40)
        if follow:
            with moments_follow(optimizer, loss):
                surrogate.slope = 100.0
        else:
            surrogate.slope = 100.0
        trained(net, loss, optimizer, 20)  # the first moment has forgotten the old gradients, the second has not
        before = net.weights[0].detach().clone()
        trained(net, loss, optimizer, 20)
        moved[follow] = (net.weights[0].detach() - before).norm().item()
    assert moved[True] > 3 * moved[False]


def test_replicas_whose_slope_stays_keep_their_moments_bit_for_bit():
    net, surrogate, loss = spiking_regression(replicas=3)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    trained(net, loss, optimizer, 5)
    before = {p: {k: v.clone() for k, v in optimizer.state[p].items()} for p in net.parameters()}
    with moments_follow(optimizer, loss, chosen=torch.tensor([True, True, False])):
        surrogate.slope = torch.tensor([2.0, 50.0, 50.0])
    for parameter, state in before.items():
        for name in ("exp_avg", "exp_avg_sq"):
            assert torch.equal(optimizer.state[parameter][name][[0, 2]], state[name][[0, 2]])
        assert torch.equal(optimizer.state[parameter]["step"], state["step"])
    assert not torch.equal(optimizer.state[net.weights[0]]["exp_avg"][1], before[net.weights[0]]["exp_avg"][1])


def test_a_silent_layer_has_no_scale_to_follow():
    net, _, loss = spiking_regression()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9)
    trained(net, loss, optimizer, 3)
    kept = optimizer.state[net.weights[0]]["momentum_buffer"].clone()
    with moments_follow(optimizer, lambda: 0.0 * loss()):
        pass
    assert torch.equal(optimizer.state[net.weights[0]]["momentum_buffer"], kept)


SMALL_TD3 = {"hidden": (16, 16), "critic_hidden": (16,), "batch_size": 16, "start_steps": 100, "actor_lr": 1e-3}
SMALL_BC = {"hidden": (16, 16), "batch_size": 16, "lr": 1e-2}
SCHEDULES = [partial(AdaptiveSlope, reward_range=(0, 190)), partial(IntervalSlope, changes=3, spacing="geometric"), 5.0]


def td3(**changes):
    return TD3(slopes=SCHEDULES, seeds=[0, 1], **SMALL_TD3, **changes)


def weights_of(learner):
    return [p.detach().clone() for module, _ in learner._trained() for p in module.parameters()]


@pytest.mark.parametrize("follow", [False, True])
def test_td3_resumes_with_its_schedules_bit_for_bit(tmp_path, follow):
    whole, first, second = (td3(rescale_moments=follow) for _ in range(3))
    whole.learn(240, evaluate_every=40, episodes=1)
    first.learn(160, evaluate_every=40, episodes=1)
    first.save(tmp_path / "run")
    second.load(tmp_path / "run")
    second.learn(240, evaluate_every=40, episodes=1)
    assert second.history.equals(whole.history)
    assert all(torch.equal(a, b) for a, b in zip(*map(weights_of, (whole, second)), strict=True))
    last = whole.history.groupby("slope")["current_slope"].last()
    assert last["IntervalSlope"] == 100.0
    assert last[5.0] == 5.0


@pytest.mark.parametrize("follow", [False, True])
def test_cloning_resumes_with_its_schedules_bit_for_bit(tmp_path, follow):
    demonstrations = expert_demonstrations("snnsg/PlanarHover-v0", 500)

    def make():
        return BehavioralCloning(
            slopes=SCHEDULES, seeds=[0, 1], demonstrations=demonstrations, rescale_moments=follow, **SMALL_BC
        )

    whole, first, second = make(), make(), make()
    whole.learn(30, evaluate_at=5, episodes=1)
    first.learn(20, evaluate_at=5, episodes=1)
    first.save(tmp_path / "run")
    second.load(tmp_path / "run")
    second.learn(30, evaluate_at=5, episodes=1)
    assert second.history.equals(whole.history)
    assert all(torch.equal(a, b) for a, b in zip(*map(weights_of, (whole, second)), strict=True))


def test_fixed_slopes_train_bit_for_bit_as_a_schedule_that_stays():
    plain = TD3(slopes=[5.0], seeds=[0, 1], **SMALL_TD3)
    scheduled = TD3(slopes=[partial(FixedSlope, slope=5.0)], seeds=[0, 1], **SMALL_TD3)
    columns = ["seed", "step", "episode_return", "current_slope"]
    assert plain.learn(240, 60, 1)[columns].equals(scheduled.learn(240, 60, 1)[columns])
    assert all(torch.equal(a, b) for a, b in zip(*map(weights_of, (plain, scheduled)), strict=True))


def test_rescaling_touches_the_chosen_slopes_alone():
    kept, chosen = td3(), td3(rescale_moments=[True, False, False])
    histories = [learner.learn(240, evaluate_every=40, episodes=1) for learner in (kept, chosen)]
    for kept_weight, weight in zip(*map(weights_of, (kept, chosen)), strict=True):
        replicas = [2, 3, 4, 5] + ([8, 9, 10, 11] if len(weight) == 12 else [])  # twin critics
        assert torch.equal(kept_weight[replicas], weight[replicas])
    others = [history[history.slope != "AdaptiveSlope"].reset_index(drop=True) for history in histories]
    assert others[0].equals(others[1])
    assert not torch.equal(kept.policy.net.weights[0][:2], chosen.policy.net.weights[0][:2])


def test_rescaling_must_be_told_for_every_slope():
    with pytest.raises(ValueError, match="rescale_moments must be a bool, or one for each of the 3 slopes"):
        td3(rescale_moments=[True])


def test_a_learner_can_feed_its_schedules_with_what_it_measures():
    class Measured(TD3):
        def schedule_input(self, returns):
            return np.arange(len(returns), dtype=float)

    learner = Measured(slopes=[partial(TargetSlope, target=1.0)], seeds=[0, 1, 2], **SMALL_TD3)
    history = learner.learn(40, evaluate_every=40, episodes=1)
    assert history.current_slope.tolist() == pytest.approx([10 * math.e, 10.0, 10 / math.e])


def test_reference_at_another_slope_does_not_disturb_a_schedule():
    surrogate = FastSigmoid()
    scheduler = IntervalSlope(surrogate, changes=2)
    with slope_set_to(surrogate, 50.0):
        pass
    assert surrogate.slope == scheduler.get_last_slope() == 1.0
