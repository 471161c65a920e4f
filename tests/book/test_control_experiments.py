"""The experiments on control: what they measure, how they intervene, and what their claims read."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from snnsg_book import load_results
from snnsg_book.claims import CLAIMS
from snnsg_book.studies.control import (
    bc_slopes,
    carried,
    causes,
    map,
    regimes,
    reset,
    reset_search,
    td3_slopes,
    training,
)
from snnsg_book.studies.control.figures import causes as cause_figures
from snnsg_book.studies.control.figures import learning as control_figures
from snnsg_book.studies.control.outcomes import outcomes
from snnsg_lib.gradients import cosine_similarity
from snnsg_lib.learning import TD3
from snnsg_lib.learning.policies import make_policy
from snnsg_lib.learning.replicas import Replicas

mpl.use("Agg")
SMALL = {"hidden": (8, 8), "critic_hidden": (8,), "start_steps": 40, "batch_size": 8}
WINDOW = carried.USUAL
CLAIM = {claim.id: claim for claim in CLAIMS}


def curves(returns_of, slopes=(1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0), seeds=20, **columns):
    """A table of learning curves: `returns_of(slope, step, rng)` at steps 1000 .. 18000."""
    rng = np.random.default_rng(0)
    rows = [
        {"slope": k, "seed": seed, "step": step, "episode_return": float(returns_of(k, step, rng)), **columns}
        for k in slopes
        for seed in range(seeds)
        for step in range(1000, 18_001, 1000)
    ]
    return pd.DataFrame(rows)


def learns_at(k, step, rng):
    """A run that jumps to 190 at a step that grows with the slope."""
    return (190 if step > 5000 + 80 * k else 30) + rng.normal(0, 2)


@pytest.mark.parametrize("experiment", [td3_slopes, bc_slopes, causes, regimes, map])
def test_every_chunk_holds_all_slopes_of_its_seeds(experiment):
    configs = experiment.configs()
    assert len(set(configs)) == len(configs)
    for start in range(0, len(configs), experiment.CHUNK_SIZE):
        chunk = configs[start : start + experiment.CHUNK_SIZE]
        seeds_of = {slope: {c.seed for c in chunk if c.slope == slope} for slope in {c.slope for c in chunk}}
        assert len(seeds_of) > 1
        assert len({frozenset(seeds) for seeds in seeds_of.values()}) == 1


@pytest.mark.parametrize(
    ("identity", "experiment"), [("S4", bc_slopes), ("S5", td3_slopes), ("S6", causes), ("S12", reset)]
)
def test_an_experiment_has_the_seeds_that_its_claim_asks_for(identity, experiment):
    claim = CLAIM[identity]
    for part in (part for regime in claim.regimes for part in regime.parts):
        wanted = dict(part.where)
        seeds = {c.seed for c in experiment.configs() if all(getattr(c, name) == v for name, v in wanted.items())}
        assert len(seeds) >= claim.seeds


def test_outcomes_of_a_run_that_learns_and_falls_back():
    returns = [20, 120, 190, 30, 20, 10]
    table = pd.DataFrame({"step": range(1, 7), "episode_return": returns, "seed": 0, "setting": "default"})
    run = outcomes(table, ["seed"]).iloc[0]
    assert run.auc == pytest.approx(np.mean(returns) / 200)
    assert run.speed == 2
    assert run.final == pytest.approx(0.1)
    assert run.reached
    assert run.collapsed


def test_a_run_that_never_gets_there_is_censored_at_its_end():
    table = pd.DataFrame({"step": [10, 20], "episode_return": [1.0, 134.9], "seed": 0, "setting": "crazyflie"})
    run = outcomes(table, ["seed"]).iloc[0]
    assert (run.speed, run.reached, run.collapsed) == (20, False, False)


def test_transitions_are_judged_by_the_return_of_their_whole_episode():
    rewards = np.array([[1.0], [1.0], [1.0], [9.0], [1.0]])
    ended = np.array([[False], [True], [False], [True], [False]])
    marks = training.episodes_below(rewards, ended, limit=5.0)[:, 0]
    assert marks[:4].tolist() == [1, 1, 0, 0]
    assert np.isnan(marks[4])


def test_measuring_the_layers_leaves_training_as_it_was():
    plain, measured = (TD3(slopes=[2.0, 100.0], seeds=[1000], **SMALL) for _ in range(2))
    plain.learn(80, evaluate_every=40, episodes=1)
    log = training.RunLog(2, every=1, last=80)
    measured.learn(80, evaluate_every=40, episodes=1, callback=log)
    assert plain.history.equals(measured.history)
    assert {"norm_0", "cosine_0", "dead_0"} <= set(log.rows[0][-1])
    assert log.rows[1][-1]["cosine_0"] == pytest.approx(1.0, abs=1e-6) or log.rows[1][-1]["norm_0"] == 0


def test_noise_turns_a_gradient_to_the_cosine_of_its_guide():
    generator = torch.Generator().manual_seed(0)
    own, guide, noise = (torch.randn(3, 20, 30, generator=generator) for _ in range(3))
    own, guide = 1e-30 * own, own + guide  # as small as steep gradients are
    turned = causes.turned_by_noise(own, guide, noise)
    wanted = cosine_similarity({0: guide}, {0: own})[0]
    assert torch.allclose(cosine_similarity({0: turned}, {0: own})[0], wanted, atol=1e-5)
    assert torch.allclose(turned.flatten(1).norm(dim=1), torch.ones(3))
    assert bool((cosine_similarity({0: turned}, {0: guide})[0] < 0.9).all())


def test_a_gradient_is_turned_or_scaled_as_its_treatment_says():
    runs = ["gradient noise", "direction of k=2", "length of k=2"]
    td3 = causes.TurnedGradients(slopes=[100.0] * 3, seeds=[0] * 3, paired=True, treatments=runs, **SMALL)
    generator = torch.Generator().manual_seed(0)
    own, guide, noise = (torch.randn(3, 4, 5, generator=generator) for _ in range(3))
    turned = td3._turned(own, guide, noise)
    lengths, own_lengths, guide_lengths = (x.flatten(1).norm(dim=1) for x in (turned, own, guide))
    assert torch.allclose(lengths, torch.stack([own_lengths[0], own_lengths[1], guide_lengths[2]]))
    assert cosine_similarity({0: turned}, {0: guide})[0][1] == pytest.approx(1.0, abs=1e-5)
    assert cosine_similarity({0: turned}, {0: own})[0][2] == pytest.approx(1.0, abs=1e-5)


def test_both_halves_of_a_tandem_learn_from_the_same_transitions():
    slopes, seeds = [2.0, 100.0, 2.0], [7, 7, 7]
    td3 = causes.Tandem(slopes=slopes, seeds=seeds, paired=True, sources=[0, 1, 1], **SMALL)
    td3.learn(200, evaluate_every=100, episodes=1)
    active, passive, other = td3.buffer.rows[1], td3.buffer.rows[2], td3.buffer.rows[0]
    filled = td3.buffer.filled
    assert np.array_equal(active[:filled], passive[:filled])
    assert not np.array_equal(active[:filled], other[:filled])


def test_an_active_replica_of_a_tandem_trains_as_if_alone():
    plain = TD3(slopes=[2.0, 100.0], seeds=[7], **SMALL)
    tandem = causes.Tandem(slopes=[2.0, 100.0], seeds=[7], sources=[0, 1], **SMALL)
    assert plain.learn(200, 100, 1).equals(tandem.learn(200, 100, 1))


def test_a_fixed_buffer_stays_as_it_is_while_the_policy_learns():
    donor = TD3(slopes=[100.0], seeds=[3], **SMALL)
    donor.learn(200, evaluate_every=200, episodes=1)
    rows = donor.buffer.rows[:, : donor.buffer.filled].copy()
    td3 = causes.FixedBuffer(slopes=[2.0], seeds=[3], rows=rows, **SMALL)
    before = td3.policy.net.weights[0].detach().clone()
    td3.learn(200, evaluate_every=200, episodes=1)
    assert np.array_equal(td3.buffer.rows[:, : td3.buffer.filled], rows)
    assert not torch.equal(td3.policy.net.weights[0], before)


def test_parameter_noise_acts_in_collecting_and_not_in_evaluation():
    td3 = causes.ParameterNoise(slopes=[100.0], seeds=[5], **SMALL)
    td3.learn(60, evaluate_every=60, episodes=1)
    own, noisy = td3.policy.net.weights[0], td3.perturbed.net.weights[0]
    assert not torch.equal(own, noisy)
    seen = td3.observation
    expected = td3.policy(torch.from_numpy(seen).reshape(1, td3.num_envs, -1)).detach().numpy()
    assert np.array_equal(td3.act(seen, td3.num_envs).reshape(expected.shape), expected)


def carried_policy(num_steps=4):
    replicas = Replicas([10.0, 10.0], [0, 1], paired=True)
    return make_policy("snn", [7, 16, 16, 2], replicas, network={"num_steps": num_steps, "gain": 3.0})


def test_carried_potentials_continue_where_the_last_action_left_them():
    policy, longer = carried_policy(4), carried_policy(8)
    observation = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    _, memory = carried.carried_step(policy, observation, None)
    onward, _ = carried.carried_step(policy, observation, memory)
    _, recording = longer.net(observation, record=True)
    rate = recording.spk[-1][4:].mean(0)
    expected = torch.tanh(2.0 * (rate @ longer.net.weights[-1] + longer.net.biases[-1].unsqueeze(1)))
    assert torch.allclose(onward, expected, atol=1e-6)


def test_an_episode_that_starts_in_a_window_starts_from_zero():
    policy = carried_policy()
    windows = torch.randn(2, 3, WINDOW.length, 7, generator=torch.Generator().manual_seed(0))
    starts = torch.zeros(2, 3, WINDOW.length, dtype=torch.bool)
    starts[:, :, -1] = True
    actions, _ = carried.carried_actions(policy, windows, starts, WINDOW)
    fresh, _ = carried.carried_step(policy, windows[:, :, -1], None)
    assert torch.equal(actions[-1], fresh)
    assert len(actions) == WINDOW.learnt


def test_a_warm_up_carries_no_gradient():
    policy = carried_policy()
    windows = torch.randn(2, 3, WINDOW.length, 7, generator=torch.Generator().manual_seed(0))
    windows.requires_grad_()
    starts = torch.zeros(2, 3, WINDOW.length, dtype=torch.bool)
    actions, _ = carried.carried_actions(policy, windows, starts, WINDOW)
    (grad,) = torch.autograd.grad(sum(action.sum() for action in actions), [windows])
    assert not grad[:, :, : WINDOW.warm_up].any()
    assert grad[:, :, WINDOW.warm_up :].any()


def test_windows_of_a_carried_td3_hold_consecutive_transitions():
    td3 = carried.CarriedTD3(slopes=[10.0, 10.0], seeds=[0, 1], paired=True, **SMALL)
    td3.learn(120, evaluate_every=60, episodes=1)
    batch = td3.probe_batch()
    whole, starts = batch.whole, batch.starts
    follows = (whole.observation[:, :, 1:] == whole.next_observation[:, :, :-1]).all(-1)
    assert bool((follows | starts[:, :, 1:]).all())
    assert torch.equal(batch.reward, whole.reward[:, :, WINDOW.warm_up :].flatten(1, 2))
    assert batch.reward.shape == (2, SMALL["batch_size"])


def test_learnt_steps_must_fill_a_batch():
    with pytest.raises(ValueError, match="batch_size must be a multiple of the 3 learnt steps, got 8"):
        carried.CarriedTD3(slopes=[10.0], seeds=[0], window=carried.Window(2, 3), **SMALL)


@pytest.mark.parametrize("policy", reset.POLICIES)
def test_every_arm_moves_its_targets_as_often_as_td3_says(policy, monkeypatch):
    moves, made = [], []
    move, learn = TD3._move_targets, TD3.learn
    monkeypatch.setattr(TD3, "_move_targets", lambda td3: moves.append(td3.num_updates) or move(td3))
    monkeypatch.setattr(TD3, "learn", lambda td3, *args, **kwargs: made.append(td3) or learn(td3, *args, **kwargs))
    rate, window = reset.CHOSEN["td3", policy]
    reset.run([reset.Config("td3", policy, rate, *window, 0, 1100)])
    (td3,) = made
    assert td3.num_updates >= 50
    assert moves == list(range(td3.target_delay, td3.num_updates + 1, td3.target_delay))


def made(cls, **more):
    """A small learner of the experiments, just beginning to learn."""
    slopes, seeds = [100.0] * 3, [0, 1, 2]
    learner = cls(slopes=slopes, seeds=seeds, paired=True, **SMALL, **more)
    learner.learn(60, evaluate_every=10**6)
    return learner


OVERRIDING = {
    "carried state": lambda **more: made(carried.CarriedTD3, **more),
    "turned gradients": lambda **more: made(causes.TurnedGradients, treatments=causes.GRADIENTS, **more),
    "tandem": lambda **more: made(causes.Tandem, sources=[1, 2, 0], **more),
    "parameter noise": lambda **more: made(causes.ParameterNoise, **more),
    "fixed buffer": lambda **more: made(causes.FixedBuffer, rows=np.random.default_rng(0).random(
        (3, 50, 4, 18), dtype=np.float32), **more),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERRIDING)
def test_a_broken_replica_stops_in_every_learner_and_does_nothing(name):
    learner = OVERRIDING[name]()
    with torch.no_grad():
        learner.policy.net.weights[0][1, 0, 0] = float("nan")
    learner.learn(120, evaluate_every=60, episodes=1)
    assert list(learner.failures) == [1]
    assert "gradient is NaN" in learner.failures[1]
    assert all(torch.isfinite(p).all() for module, _ in learner._trained() for p in module.parameters())
    assert not any(weight[1].any() for weight in learner.policy.net.weights)
    assert not learner.act(learner.observation, learner.num_envs).reshape(3, learner.num_envs, -1)[1].any()


def test_actions_of_noisy_parameters_that_break_stop_the_policy_behind_them():
    learner = OVERRIDING["parameter noise"]()
    with torch.no_grad():
        learner.perturbed.net.biases[-1][1, 0] = float("nan")
    learner.learn(64)
    assert learner.failures == {1: "action is NaN or infinite at step 60"}
    assert not any(weight[1].any() for weight in learner.policy.net.weights)
    assert all(weight[0].any() for weight in learner.policy.net.weights)


@pytest.mark.parametrize("name", OVERRIDING)
def test_every_learner_clips_the_gradient_of_each_replica(name):
    learner = OVERRIDING[name](max_grad_norm=1e-6)
    squares = sum((p.grad.flatten(1) ** 2).sum(1) for p in learner.policy.parameters())
    np.testing.assert_allclose(squares.sqrt().clamp(min=1e-12), 1e-6, rtol=1e-3)


def test_the_search_keeps_away_from_the_seeds_of_the_record():
    assert not {c.seed for c in reset_search.configs()} & {c.seed for c in reset.configs()}
    tried = {(c.algorithm, c.policy, c.learning_rate, c.warm_up, c.learnt) for c in reset_search.configs()}
    assert {(*arm, rate, *window) for arm, (rate, window) in reset.CHOSEN.items()} <= tried
    rates = {arm: {rate for *same, rate, _, _ in tried if tuple(same) == arm} for arm in reset.CHOSEN}
    assert all(found == set(reset_search.RATES) for found in rates.values())


def test_the_record_uses_what_the_search_found():
    assert reset_search.chosen(load_results("control_reset_search")) == reset.CHOSEN


def test_the_authors_network_is_drawn_anew_for_each_seed_and_alike_for_both_slopes():
    network = regimes.authors_network([3, 4, 3])
    decays, thresholds = (torch.cat(network[name], dim=1) for name in ("beta", "threshold"))
    assert decays.shape == thresholds.shape == (3, sum(regimes.AUTHORS))
    for values in (decays, thresholds):
        assert torch.equal(values[0], values[2])
        assert not torch.equal(values[0], values[1])
    (rows,) = regimes.run([regimes.Config("the authors' network", "bc", 2.0, seed=3, share=0.05)])
    assert len(rows) == 1


def test_decays_and_thresholds_of_the_authors_network_are_independent_and_half_lie_below_one_half():
    network = regimes.authors_network(range(regimes.SEEDS))
    decays, thresholds = (torch.cat(network[name], dim=1).flatten() for name in ("beta", "threshold"))
    assert abs(np.corrcoef(decays, thresholds)[0, 1]) < 0.05
    for values in (decays, thresholds):
        assert (values < 0.5).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert thresholds.min() == pytest.approx(regimes.LOWEST)


def test_s4_holds_where_all_slopes_end_alike_but_steep_ones_come_late():
    table = pd.concat([curves(learns_at, setting=name) for name in ("slow_actor", "default")])
    found = {result.regime: result.outcome for result in CLAIM["S4"].results(table)}
    assert found["PlanarHover, slow actor"] == "supported"
    assert found["PlanarHover, default rates"] == "supported"
    assert found["CrazyflieHover"] == "undecided"  # not in the table


def test_s5_is_excluded_where_the_slope_makes_no_difference():
    alike = curves(lambda k, step, rng: learns_at(1.0, step, rng), setting="slow_actor")
    results = CLAIM["S5"].results(pd.concat([alike, curves(learns_at, setting="default")]))
    assert [result.outcome for result in results[:2]] == ["excluded", "supported"]


def test_s6_needs_noise_to_help_the_steep_slope():
    treatments = {"own": 0.0, "gradient noise": -20.0, "parameter noise": 30.0}
    table = pd.concat(
        curves(lambda k, step, rng, more=more: learns_at(k, step, rng) + more, (100.0,), 15, treatment=name)
        for name, more in treatments.items()
    )
    assert [result.outcome for result in CLAIM["S6"].results(table)] == ["excluded", "supported"]


def test_s12_reads_both_learners():
    table = pd.concat(
        curves(learns_at, (10.0,), 15, policy=policy, algorithm=algorithm)
        for policy in reset.POLICIES
        for algorithm in ("bc", "td3")
    )
    assert [result.outcome for result in CLAIM["S12"].results(table)] == ["supported"] * 4


def test_s12_tells_the_reset_with_a_stack_from_the_one_without():
    late = {"stack and reset": 0, "reset": 6000, "carried state": 0}
    table = pd.concat(
        curves(lambda k, step, rng, late=late[policy]: learns_at(k, step - late, rng), (10.0,), 15, policy=policy,
               algorithm=algorithm)
        for policy in reset.POLICIES
        for algorithm in ("bc", "td3")
    )  # fmt: skip
    found = {result.regime: result.outcome for result in CLAIM["S12"].results(table)}
    assert found == {
        "cloning: stack and reset": "supported",
        "cloning: reset": "excluded",
        "TD3: stack and reset": "supported",
        "TD3: reset": "excluded",
    }


def test_learning_curves_show_runs_middle_and_threshold():
    ax = control_figures.plot_learning_curves(curves(learns_at, seeds=4), groups=(1.0, 100.0))
    assert sum(line.get_alpha() == 0.25 for line in ax.lines) == 8
    words = [text.get_text() for text in ax.texts]
    assert {"threshold 100", "k = 1", "k = 100"} <= set(words)
    mpl.pyplot.close(ax.figure)


@pytest.mark.parametrize("outcome", control_figures.OUTCOMES)
def test_cloning_is_drawn_open_and_td3_filled(outcome):
    table = curves(learns_at, seeds=4, setting="slow_actor")
    ax = control_figures.plot_slope_outcomes({"bc": table, "td3": table}, outcome)
    faces = [container.lines[0].get_markerfacecolor() for container in ax.containers]
    assert faces[0] == "none"
    assert faces[1] != "none"
    mpl.pyplot.close(ax.figure)


def test_pictures_of_causes_draw_every_treatment_regime_and_gain():
    runs = [
        {"regime": name, "gain": gain, "epsilon": 1e-8, "algorithm": algorithm, "slope": k, "seed": seed, "auc": 0.5}
        for name, gain in (("as it is", 1.0), ("5 layers", 3.0))
        for algorithm in ("bc", "td3")
        for k in (2.0, 100.0)
        for seed in range(3)
    ]
    gaps = cause_figures.plot_regime_gaps(pd.DataFrame(runs))
    assert [label.get_text() for label in gaps.get_yticklabels()] == ["as it is", "5 layers"]
    panels = cause_figures.plot_gain_and_epsilon(pd.DataFrame([run for run in runs if run["algorithm"] == "td3"]))
    assert [ax.get_title(loc="left") for ax in panels] == ["hidden gain 1", "hidden gain 3"]
    table = pd.concat(curves(learns_at, (2.0, 100.0), 3, treatment=name) for name in ("own", "awake"))
    treated = cause_figures.plot_causes(table)
    assert [label.get_text() for label in treated.get_yticklabels()] == ["own", "awake"]
    waking = cause_figures.plot_waking(table.assign(norm_0=0.1, norm_1=0.2, low_share=0.5), "norm")
    assert [ax.get_title(loc="left") for ax in waking] == ["layer 0", "output"]
    buffer = control_figures.plot_buffer(table.assign(low_share=0.5), slopes=(2.0, 100.0))
    for ax in (gaps, panels[0], treated, waking[0], buffer):
        mpl.pyplot.close(ax.figure)
