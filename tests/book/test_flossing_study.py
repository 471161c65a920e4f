"""The experiments on exponents and flossing measure what they say, and their figures show it."""

import math

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from snnsg_book.studies.flossing import figures, networks
from snnsg_book.studies.flossing.figures.tasks import ARMS
from snnsg_book.studies.flossing.spectra import _kicks, distances, tangent_growth
from snnsg_book.studies.flossing.tasks import SCHEDULES, flossing_steps, of_runs, with_cost

mpl.use("Agg")
SEEDS = [1000, 1001]


@pytest.fixture(scope="module")
def inputs():
    return networks.draw("copy", 20, 4, networks.streams(SEEDS, 8)).inputs


def test_every_flossed_arm_takes_sixty_flossing_steps():
    assert {flossing_steps(arm, 400) for arm in SCHEDULES} == {60}
    assert [flossing_steps("during", step) for step in (40, 55, 70, 110, 125)] == [0, 15, 30, 30, 45]
    assert flossing_steps("none", 400) == 0


def runs(accuracy=0.95):
    """Two arms on one clock: a training step takes 1 ms, a flossing step 2.5 ms."""
    rows = []
    for arm in ("none", "before"):
        for seed in (0, 1):
            for step in range(0, 401, 25):
                flossed = flossing_steps(arm, step)
                row = {"seconds": 1e-3 * (step - flossed + 2.5 * flossed), "rate": 0.1, "exponent": -0.3}
                row |= {"arm": arm, "task": "copy", "delay": 45, "slope": 5.0, "learning_rate": 5e-4, "steps": 400}
                rows.append(row | {"seed": seed, "step": step, "accuracy": accuracy if step >= 200 else 0.5})
    return pd.DataFrame(rows)


def test_a_flossing_step_costs_what_the_clock_of_its_cell_says():
    cost = with_cost(runs()).set_index(["arm", "seed", "step"])["cost"]
    assert cost["none", 0, 400] == pytest.approx(400)
    assert cost["before", 0, 50] == pytest.approx(125)
    assert cost["before", 1, 400] == pytest.approx(340 + 150)


def test_equal_time_ends_the_flossed_runs_earlier():
    by_steps, by_time = (of_runs(runs(), equal).set_index(["arm", "seed"]) for equal in ("steps", "time"))
    assert by_steps.loc[("before", 0), "step"] == 400
    assert by_time.loc[("before", 0), "step"] == 300  # 400 - 90, at the last row before
    assert by_time.loc[("none", 0), "step"] == 400
    assert by_steps.loc[("before", 0), "reached"] == 200
    assert by_steps.loc[("before", 0), "reached_cost"] == pytest.approx(290)
    assert of_runs(runs(0.6))["reached"].isna().all()


def test_slope_without_growth_has_an_exponent_of_zero_and_changes_nothing(inputs):
    net = networks.build(SEEDS)
    net.surrogate.slope = networks.slope_without_growth(net, inputs)
    assert networks.exponents(net, inputs).abs().max() < 1e-3
    net = networks.build(SEEDS)
    networks.slope_without_growth(net, inputs)
    assert net.surrogate.slope == 5.0


def test_match_rate_changes_the_rate_by_the_biases_alone(inputs):
    net, wanted = networks.build(SEEDS), torch.tensor([0.3, 0.2])
    before = net.recurrent_weight.clone()
    networks.match_rate(net, wanted, inputs)
    torch.testing.assert_close(net.firing_rates(inputs)[0], wanted, atol=0.02, rtol=0)
    assert torch.equal(net.recurrent_weight, before)


def test_tangents_of_neurons_alone_fade_as_their_leaks_say(inputs):
    net = networks.build(SEEDS, gain=0.0)
    rates = tangent_growth(net, inputs, SEEDS).diff(dim=0)
    assert rates[-1].tolist() == pytest.approx([-1 / networks.MEMBRANE] * 2, abs=0.01)


def test_a_silent_network_forgets_a_push_of_any_size_as_its_tangents_do(inputs):
    net = networks.build(SEEDS, gain=0.0)
    with torch.no_grad():
        net.input_bias.fill_(-10.0)
    predicted = tangent_growth(net, inputs, SEEDS)
    for kick in (0.1, 0.01):
        paths = distances(net, inputs, SEEDS, kick)
        start = kick * torch.cat(_kicks(inputs, net.num_neurons, SEEDS), dim=-1).norm(dim=-1)
        measured = (paths / start).log().mean(-1)
        torch.testing.assert_close(measured[:10].double(), predicted[:10].double(), atol=0.05, rtol=0)


def test_gradient_at_the_start_is_that_of_a_moved_state():
    net = networks.build([1000], slope=1.0)
    trials = networks.draw("copy", 6, 1, networks.streams([1000], 8))
    found = networks.log_gradients(net, trials).exp().item()
    syn, mem = (torch.zeros(1, 1, networks.NEURONS, requires_grad=True) for _ in range(2))
    grads = torch.autograd.grad(trials.loss(net(trials.inputs, syn=syn, mem=mem)).sum(), (syn, mem))
    assert found == pytest.approx(math.hypot(*(grad.norm().item() for grad in grads)), rel=1e-5)


def test_dots_of_the_gradient_are_drawn_at_exponent_times_duration():
    rows = {"stage": "untrained", "slope": 5.0, "duration": 23, "exponent": [-0.3, -0.1], "log_gradient": [-7.0, -2.0]}
    (ax,) = figures.plot_exponents_and_gradients(pd.DataFrame(rows))
    np.testing.assert_allclose(ax.collections[0].get_offsets(), [(-6.9, -7.0), (-2.3, -2.0)])


def spectra():
    rows = [
        {"measure": name, "stage": stage, "index": index, "value": 2.0 if name == "network" else -1.0, "seed": seed}
        for name in ("spectrum", "epochs", "tangent", "network", "apart", "apart 0.01", "apart 0.001")
        for stage in ("before", "after")
        for index in (1, 2, 4)
        for seed in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(slope=5.0, gain=1.0, num_exponents=1)


def test_distances_are_drawn_as_logarithms_beside_tangents_and_pairs_by_the_size_of_the_push():
    axes = figures.plot_tangent_and_network(spectra())
    assert [line.get_label() for line in axes[2].lines[::2]] == ["push 0.1", "push 0.01", "push 0.001"]
    (tangent, network) = (ax.lines[1].get_ydata() for ax in axes[:2])
    np.testing.assert_allclose(tangent, -1.0)
    np.testing.assert_allclose(network, math.log(2))


def test_spectra_are_drawn_before_and_after_with_the_flossed_ones_marked():
    (ax,) = figures.plot_flossed_spectra(spectra())
    assert [line.get_label() for line in ax.lines[1:]] == ["before", "after"]
    table = spectra()
    assert len(figures.plot_flossing(table[table.stage == "after"]).lines) == 2


def test_arms_have_names_and_each_its_own_look():
    looks = {(look["color"], look["linestyle"], look["marker"]) for look in ARMS.values()}
    assert len(looks) == len(ARMS)
    (ax,) = figures.plot_training(runs(), ["none", "before"])
    assert [text.get_text() for text in ax.figure.legends[0].get_texts()] == ["no flossing", "flossed before"]
    assert ax.lines[0].get_ydata()[[0, -1]].tolist() == [0, 1]  # the share that is right in 90 %, not the accuracy
    (ax,) = figures.plot_training(runs(), ["none", "before"], "exponent")
    assert ax.lines[1].get_ydata() == pytest.approx(-0.3)
    ended = of_runs(runs())
    (ax,) = figures.plot_delays(ended, ["none", "before"])
    assert ax.get_title() == "copy"
    (ax,) = figures.plot_arms_and_rates(ended)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["flossed before", "no flossing"]


def test_rings_mark_the_slope_without_growth():
    rows = [
        {"gain": 1.0, "seed": seed, "slope": slope, "exponent": value, "found": slope == 0.4}
        for seed in (0, 1)
        for slope, value in ((0.1, 0.1), (0.4, 0.0), (5.0, -0.3))
    ]
    ax = figures.plot_exponent_and_slope(pd.DataFrame(rows))
    np.testing.assert_allclose(ax.collections[-1].get_offsets(), [(0.4, 0.0)])
