"""The study of the true gradient: its experiments on small cases, its figures, its explorer."""

from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from snnsg_book import load_results
from snnsg_book.explorers import TruthExplorer
from snnsg_book.studies.truth import batches, conditions, figures, learning, networks, noise, stages, steps
from snnsg_book.studies.truth.stages import cosine, reliability, typical_cosine, typical_length
from snnsg_lib.gradients import gradient_reliability, layer_gradients
from snnsg_lib.statistics import iqm

MODULES = {
    "truth": stages,
    "truth_batches": batches,
    "truth_learning": learning,
    "truth_noise": noise,
    "truth_steps": steps,
    "truth_conditions": conditions,
}


@pytest.fixture(autouse=True)
def _figures_off_screen():
    with mpl.rc_context(), plt.ioff():
        mpl.use("agg")
        yield
        plt.close("all")


def made_up(bias, noise, seeds=20, batches=200, rng=None):
    """Rows of one cell whose expected gradient has a cosine of `bias` with a truth of length 1."""
    rng = rng or np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        length = np.exp(rng.normal())
        error = noise * length**2 / (500 * batches) * np.sqrt(2 / 50)
        signal = length**2 + error * rng.standard_normal()
        rows.append(("untrained", 0, 5.0, seed, bias * length, signal, noise * length**2, 1.0, 0.9, batches))
    names = ["stage", "layer", "slope", "seed", "product", "signal", "noise", "truth", "certain", "num_batches"]
    return pd.DataFrame(rows, columns=names)


class TestNetworks:
    @pytest.mark.parametrize("depth", [2, 4, 8])
    def test_small_enough_for_differences(self, depth):
        sizes = networks.Network(depth=depth).sizes
        assert sum(a * b for a, b in pairwise(sizes)) <= 500

    def test_every_layer_fires_at_its_rate(self):
        net = networks.build(networks.Network(rate=0.15), seed=3)
        rates = net.firing_rates(networks.draw(3, 8, 0, 500)[0])
        assert list(rates.values()) == pytest.approx([0.15] * 4, abs=0.04)

    def test_training_lowers_the_loss(self):
        losses = []
        for stage in networks.STAGES:
            net = networks.build(networks.Network(depth=2, stage=stage), seed=3)
            losses.append(networks.mean_loss(net, networks.draw(3, 8, 0, 1000)).item())
        assert losses[2] < 0.6 * losses[0]

    def test_replicas_differ_in_nothing_but_their_slope(self):
        net = networks.build(networks.Network(depth=2), seed=3)
        stacked = networks.with_slopes(net, [1.0, 10.0])
        batch = networks.draw(3, 8, 0, 50)
        outputs = stacked(batch[0])
        assert torch.equal(outputs[0], outputs[1])
        assert torch.allclose(outputs[0], net(batch[0]), atol=1e-6)

    def test_moments_of_the_output_free_layers_equal_those_of_single_batches(self):
        net = networks.with_slopes(networks.build(networks.Network(depth=2), seed=3), [2.0, 20.0])
        moments = networks.Moments(net, 3, range(4), size=50)
        grads = [layer_gradients(net, networks.mean_loss, networks.draw(3, 4, index, 50)) for index in range(4)]
        stacked = torch.stack([g[0].double() for g in grads])
        assert torch.allclose(moments.mean[0], stacked.mean(0), atol=1e-8)
        assert torch.allclose(moments.noise(0), 50 * stacked.var(0).sum((1, 2)), rtol=1e-5)
        assert list(moments.mean) == [0, 1]


class TestCosines:
    def test_of_a_batch_follow_from_mean_and_spread(self):
        table = made_up(bias=0.8, noise=100.0)
        assert cosine(table, 100).mean() == pytest.approx(0.8 / 2**0.5, abs=0.02)
        assert cosine(table).mean() == pytest.approx(0.8, abs=0.01)

    def test_typical_cosine_recovers_a_bias_that_single_seeds_cannot_tell(self):
        table = made_up(bias=0.8, noise=3e5, seeds=40)
        assert cosine(table).isna().any() or cosine(table).std() > 0.1
        (row,) = typical_cosine(table).itertuples()
        assert row.low < 0.8 < row.high
        assert row.mean == pytest.approx(0.8, abs=0.1)

    def test_typical_cosine_does_not_depend_on_how_lengths_spread(self):
        assert typical_cosine(made_up(bias=0.9, noise=1.0))["mean"][0] == pytest.approx(0.9, abs=0.01)

    def test_of_a_batch_is_that_of_endless_examples_times_the_root_of_the_reliability(self):
        table = made_up(bias=0.8, noise=100.0)
        assert np.allclose(cosine(table, 64), cosine(table) * reliability(table, 64) ** 0.5)

    def test_reliability_is_that_of_split_halves(self):
        net = networks.with_slopes(networks.build(networks.Network(depth=2), seed=3), [2.0, 50.0])
        moments = networks.Moments(net, 3, range(40))
        halves = []
        for index in range(12):
            batch = networks.draw(3, 8, index, 200)
            halves.append(gradient_reliability(net, networks.mean_loss, batch, num_splits=2)[0])
        rows = pd.DataFrame({"signal": moments.signal(0), "noise": moments.noise(0)})
        assert reliability(rows, 100).to_numpy() == pytest.approx(torch.stack(halves).mean(0).numpy(), abs=0.08)

    def test_typical_length_is_free_of_noise(self):
        (row,) = typical_length(
            made_up(bias=0.8, noise=3e5, seeds=40).assign(truth=lambda t: t["product"])
        ).itertuples()
        assert row.low < 1 / 0.8 < row.high

    def test_a_truth_that_is_lost_in_noise_tells_no_angle(self):
        table = made_up(bias=0.8, noise=100.0)
        lost = table.assign(certain=1e-9, product=1e9)
        assert cosine(lost, 64).isna().all()
        for measure in (typical_cosine, typical_length):
            pd.testing.assert_frame_equal(measure(pd.concat([table, lost])), measure(table))

    @pytest.mark.parametrize("slope", [1.0, 5.0, 25.0])
    def test_extrapolation_over_batch_sizes_finds_the_bias_that_mean_and_spread_give(self, slope):
        # 1 / cosine^2 is a straight line over 1 / batch, and the bias stands at its end.
        measured, table = load_results("truth_batches"), load_results("truth")
        measured = measured[(measured.slope == slope) & (measured.batch >= 100)]
        table = table[(table.slope == slope) & (table.stage == "untrained") & table.seed.isin(measured.seed.unique())]
        typical = typical_cosine(table, by=["layer"]).set_index("layer")["mean"]
        for layer, rows in measured.groupby("layer"):
            ends = [
                np.polyfit(1 / of_seed.batch, of_seed.cosine**-2, 1, w=of_seed.cosine**3 * of_seed.batch**0.5)[1]
                for _, of_seed in rows.groupby("seed")
            ]
            assert iqm(np.array(ends)) ** -0.5 == pytest.approx(typical[layer], abs=0.05)


class TestLearning:
    def test_fixed_length_steps_forget_the_length_of_the_gradient(self):
        parameter, grad = torch.zeros(2, 3, 4), torch.randn(2, 3, 4)
        grad[1] = 1000 * grad[0]
        rule = learning.FixedLength([parameter], torch.tensor([0.1, 0.1]).reshape(-1, 1, 1))
        rule.step([grad])
        assert torch.allclose(parameter[0], parameter[1])
        assert parameter[0].square().mean().sqrt().item() == pytest.approx(0.1, rel=1e-5)

    def test_adam_equals_that_of_torch(self):
        ours, theirs = torch.zeros(2, 3), torch.zeros(2, 3, requires_grad=True)
        rule = learning.Adam([ours], torch.tensor([0.1, 0.1]).reshape(-1, 1, 1))
        reference = torch.optim.Adam([theirs], lr=0.1, eps=1e-12)
        for _ in range(5):
            grad = torch.randn(2, 3)
            rule.step([grad])
            theirs.grad = grad
            reference.step()
        assert torch.allclose(ours, theirs.detach(), atol=1e-6)

    @pytest.mark.parametrize("task", ["teacher", "patterns"])
    def test_profile_is_steepest_where_slopes_are_equally_reliable(self, task):
        found = learning.reliable_slopes(learning.Task(task, 3))
        assert len(found) == 4
        assert set(found) <= set(networks.SLOPES)

    def test_arms_of_a_seed_start_alike_and_see_the_same_batches(self):
        configs = [learning.Config(updates=1, seed=3, slope=slope) for slope in (1.0, 50.0)]
        (first,), (second,) = learning.run(configs)
        assert first["loss"] == second["loss"]


@pytest.mark.parametrize("name", sorted(MODULES))
def test_stored_tables_agree_with_themselves(name):
    table = load_results(name)
    assert MODULES[name].agrees(table, table)


def test_extrapolated_cosines_equal_those_measured_batch_by_batch():
    table, measured = load_results("truth"), load_results("truth_batches")
    table = table[(table.condition == "main") & table.seed.isin(measured.seed.unique())]
    for (stage, layer, slope, batch), rows in measured.groupby(["stage", "layer", "slope", "batch"]):
        if batch in (100, 1000):
            cell = table[(table.stage == stage) & (table.layer == layer) & (table.slope == slope)]
            assert cosine(cell, batch).mean() == pytest.approx(rows.cosine.mean(), abs=0.12)


def test_what_is_changed_is_told_in_words():
    table = load_results("truth_conditions")
    words = conditions.changed(table)
    assert words[table["depth"] == 8].unique().tolist() == ["depth 8"]
    assert words.nunique() == 12
    assert words.index.equals(table.index)


class TestFigures:
    def test_draw_the_stored_tables(self):
        table = load_results("truth")
        main = table[(table.condition == "main") & (table.stage == "untrained")]
        measured = load_results("truth_batches")
        noise, steps = load_results("truth_noise"), load_results("truth_steps")
        drawn = [
            figures.plot_truth(main),
            figures.plot_lengths(main),
            figures.plot_batches(main, measured[measured.stage == "untrained"]),
            figures.plot_best_slopes(table[table.condition == "main"]),
            figures.plot_matching(noise[(noise["shape"] == "still") & (noise.family == "Sigmoid")]),
            figures.plot_plateau(steps[steps.stage == "untrained"]),
            figures.plot_learning(load_results("truth_learning")),
        ]
        tasks = load_results("truth_learning")["task"].nunique()
        assert [np.size(axes) for axes in drawn] == [4, 4, 2, 3, 3, 4, 3 * tasks]

    def test_draw_the_stored_conditions(self):
        table, main = load_results("truth_conditions"), load_results("truth")
        axes = figures.plot_truth_conditions(*(t[t["stage"] == "untrained"] for t in (table, main)))
        assert [len(ax.lines) for ax in axes] == [4, 2, 3, 3, 3, 3]

    @pytest.mark.parametrize("batch", [64, np.inf])
    def test_draw_a_panel_for_each_condition_there_is(self, batch):
        table = load_results("truth")
        main = table[table["stage"] == "untrained"]
        shallow = main.assign(condition="depth", depth=2).query("layer < 2")
        sharp = main.assign(condition="family", family="Triangular")
        axes = figures.plot_truth_conditions(pd.concat([shallow, sharp]), main, batch, layer=-1)
        assert [ax.get_title() for ax in axes] == ["surrogate", "hidden layers"]
        assert [len(ax.lines) for ax in axes] == [2, 2]


class TestExplorer:
    def test_angles_at_stored_slopes_are_those_of_the_table(self):
        table = load_results("truth")
        rows = table[(table.condition == "main") & (table.stage == "trained")]
        typical = typical_cosine(rows, 500, ["layer", "slope"]).set_index(["layer", "slope"])["mean"]
        for slope in (1.0, 10.0, 50.0):
            angle = TruthExplorer(slope=slope, batch=500, layer="1", stage="trained").angles().total
            assert np.cos(np.radians(angle)) == pytest.approx(typical[1, slope], abs=0.02)

    def test_more_examples_take_noise_away_and_leave_the_bias(self):
        few, many = (TruthExplorer(slope=20, batch=batch).angles() for batch in (10, 20_000))
        assert few.bias == many.bias <= many.total < few.total

    def test_no_stored_slope_points_better_than_the_best(self):
        explorer = TruthExplorer(batch=1000, layer="2")
        best = explorer.best_slope()
        assert all(explorer.angles(best).total <= explorer.angles(slope).total for slope in networks.SLOPES)

    def test_arrow_of_one_batch_is_never_nearer_than_that_of_endless_examples(self):
        for stage in ("untrained", "early", "trained"):
            angles = TruthExplorer(slope=1, stage=stage).angles()
            assert 0 <= angles.bias <= angles.total <= 90

    @pytest.mark.parametrize(
        ("control", "value", "error"),
        [("slope", 0, ValueError), ("batch", 64, ValueError), ("layer", "4", ValueError), ("stage", "old", ValueError)],
    )
    def test_a_wrong_value_names_control_range_and_value(self, control, value, error):
        with pytest.raises(error, match=rf"{control} must be .*, got {value!r}"):
            TruthExplorer(**{control: value})
