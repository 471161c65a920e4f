"""The experiments on gradients in depth and their figures: what they assume, on small cases."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from snnsg_book import load_results
from snnsg_book.explorers import DepthExplorer
from snnsg_book.studies.depth import conditions, direction, downhill, figures, layers, networks, widths
from snnsg_book.studies.depth.direction import noise_free_cosine
from snnsg_book.style import summary
from snnsg_lib.gradients import cosine_similarity, gradient_norms
from snnsg_lib.statistics import bootstrap_interval


@pytest.fixture(autouse=True)
def _figures_off_screen():
    with mpl.rc_context(), plt.ioff():
        mpl.use("agg")
        yield
        plt.close("all")


class TestNetworks:
    @pytest.mark.parametrize("setup", networks.SETUPS)
    def test_replicas_differ_in_nothing_but_their_slope(self, setup):
        net = networks.build(networks.NETWORKS[setup], seed=3, slopes=[1.0, 10.0, 100.0])
        assert all(torch.equal(weight[0], weight[2]) for weight in net.weights)
        assert net.surrogates[0].slope.flatten().tolist() == [1.0, 10.0, 100.0]

    @pytest.mark.parametrize("rate", [0.05, 0.15])
    def test_every_layer_of_the_controlled_network_fires_at_its_rate(self, rate):
        network = networks.Network(rate=rate)
        rates = networks.build(network, 3, [10.0]).firing_rates(networks.draw_batch(network, 3, 5)[0])
        assert [float(found) for found in rates.values()] == pytest.approx([rate] * 4, abs=0.02)

    def test_a_batch_depends_on_seed_and_number_alone(self):
        network = networks.NETWORKS["controlled"]
        first, again, other = (networks.draw_batch(network, 3, index) for index in (0, 0, 1))
        assert torch.equal(first[0], again[0])
        assert torch.equal(first[1], again[1])
        assert not torch.equal(first[0], other[0])

    def test_the_reference_is_the_gradient_of_slope_100(self):
        grads, reference = networks.with_reference(networks.NETWORKS["authors"], 3, [1.0, 100.0], 2)
        cosines = cosine_similarity(grads[1], reference[1])
        assert all(cosine[1].item() == pytest.approx(1.0) for cosine in cosines.values())
        assert cosines[0][0].item() < 0.5

    def test_a_config_has_the_same_rows_alone_and_in_company(self):
        configs = [layers.Config("authors", "peak", seed=3, slope=slope) for slope in (1.0, 100.0)]
        together = layers.run(configs)
        for config, rows in zip(configs, together, strict=True):
            (alone,) = layers.run([config])
            for row, expected in zip(alone, rows, strict=True):
                assert row == pytest.approx(expected, rel=1e-3)


class TestNoiseFreeCosine:
    def table(self, cosine, length, seeds=20, noise=0.01, rng=None):
        rng = rng or np.random.default_rng(0)
        rows = []
        for seed in range(seeds):
            for slope, product, signal in ((1.0, cosine * 2 * length, 4.0), (100.0, length**2, length**2)):
                draw = noise * rng.standard_normal(2)
                rows.append(("controlled", 0, slope, seed, product + draw[0], signal + draw[1]))
        return pd.DataFrame(rows, columns=["setup", "layer", "slope", "seed", "product", "signal"])

    def test_recovers_the_cosine_within_its_interval(self):
        found = noise_free_cosine(self.table(cosine=0.6, length=0.5)).set_index("slope")
        assert found.low[1.0] < 0.6 < found.high[1.0]
        assert found["mean"][1.0] == pytest.approx(0.6, abs=0.02)

    def test_is_silent_where_the_reference_is_nothing_but_noise(self):
        assert noise_free_cosine(self.table(cosine=0.6, length=0.0)).empty


class TestStoredTables:
    @pytest.mark.parametrize(
        ("name", "module"),
        [
            ("depth", layers), ("depth_conditions", conditions), ("direction", direction),
            ("downhill", downhill), ("widths", widths),
        ],
    )  # fmt: skip
    def test_agree_with_themselves_and_have_twenty_seeds(self, name, module):
        table = load_results(name)
        assert module.agrees(table, table)
        assert table.seed.nunique() >= 20

    def test_a_part_of_a_table_shares_its_provenance_rather_than_copying_it(self):
        table = load_results("depth_conditions")
        assert table[table.layer == 0].attrs["configs"] is table.attrs["configs"]

    def test_area_normalization_rescales_the_peak_table(self):
        table = load_results("depth").set_index(["setup", "seed", "slope", "layer", "normalization"])["norm"].unstack()
        ratio = table["area"] / table["peak"]
        slope, layer = (ratio.index.get_level_values(name).to_numpy() for name in ("slope", "layer"))
        assert np.allclose(ratio, (slope / 2) ** (4 - layer), rtol=1e-3)

    def test_the_output_layer_does_not_know_the_slope(self):
        table = load_results("depth")
        networks = ["setup", "normalization", "seed"]
        norms = table[table.layer == 4].pivot_table(index=networks, columns="slope", values="norm")
        assert np.allclose(norms.max(axis=1), norms.min(axis=1), rtol=1e-4)


class TestFigures:
    def test_summary_is_the_mean_with_its_bootstrap_interval(self):
        table = pd.DataFrame({"layer": 0, "seed": range(20), "cosine": np.arange(20.0), "norm": 10.0 ** np.arange(20)})
        row = summary(table, ["layer"], "cosine").loc[0]
        low, high = bootstrap_interval(np.arange(20.0), np.mean, num_resamples=5000)
        assert row["mean"] == 9.5
        assert (row.low, row.high) == pytest.approx((low, high), abs=0.4)
        assert summary(table, ["layer"], "norm").loc[0, "mean"] == pytest.approx(10**9.5)

    def test_layers_are_labelled_with_their_slopes(self):
        table = load_results("depth")
        ax = figures.plot_layers(table[(table.setup == "controlled") & (table.normalization == "peak")])
        labels = [text.get_text() for text in ax.texts]
        assert labels == [f"k = {k}" for k in (1, 2, 5, 10, 25, 50, 100)]
        assert ax.get_yscale() == "log"

    def test_cosines_stand_over_their_noise_floor(self):
        table = load_results("direction")
        axes = figures.plot_cosines(table[table.setup == "controlled"])
        assert len(axes) == 4
        assert all("noise floor" in [text.get_text() for text in ax.texts] for ax in axes)

    def test_figures_draw_the_stored_tables(self):
        table = load_results("direction")
        table = table[table.setup == "authors"]
        drawn = [
            figures.plot_bias_and_variance(table, noise_free_cosine(table)),
            figures.plot_decrease(load_results("downhill")),
            figures.plot_conditions(load_results("depth_conditions")),
            figures.plot_widths(load_results("widths")),
        ]
        assert [len(axes) for axes in drawn] == [4, 4, 3, 2]

    def test_unknown_measures_are_refused(self):
        with pytest.raises(ValueError, match="column must be one of"):
            figures.plot_layers(load_results("depth"), "colour")


class TestDepthExplorer:
    def test_layers_at_stored_slopes_are_those_of_the_table(self):
        table = load_results("depth_conditions")
        rows = table[(table.depth == 4) & (table.num_steps == 20) & (table.rate == 0.15)]
        rows = rows[~rows.detach_reset & (rows.normalization == "area") & (rows.slope == 25)]
        layers = DepthExplorer(slope=25, normalization="area", reset="attached").layers()
        assert len(layers) == 5
        for layer, found in enumerate(layers):
            of_layer = rows[rows.layer == layer]
            assert found.share[0] == pytest.approx(of_layer.share.mean(), abs=1e-3)
            assert found.cosine[0] == pytest.approx(of_layer.cosine.mean(), abs=1e-3)
            assert found.cosine[1] <= found.cosine[0] <= found.cosine[2]

    def test_area_and_peak_agree_at_slope_two_with_a_detached_reset(self):
        peak, area = (DepthExplorer(slope=2, normalization=name).layers() for name in ("peak", "area"))
        assert peak == area

    @pytest.mark.parametrize(
        ("control", "value", "error"),
        [
            ("slope", 0, ValueError),
            ("slope", "steep", TypeError),
            ("depth", "3", ValueError),
            ("reset", "off", ValueError),
        ],
    )
    def test_a_wrong_value_names_control_range_and_value(self, control, value, error):
        with pytest.raises(error, match=rf"{control} must be .*, got {value!r}"):
            DepthExplorer(**{control: value})


def test_shallow_gradients_are_larger_in_the_first_layer_of_the_authors_network():
    (sample,) = networks.sample_gradients(networks.NETWORKS["authors"], 3, [1.0, 100.0], 1)
    norms = gradient_norms(sample)
    assert norms[0][0] > 100 * norms[0][1]
