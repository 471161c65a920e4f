"""Figures on Lyapunov exponents say what their numbers say."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from snnsg_book.studies.flossing import figures
from snnsg_book.style import slope_colour

mpl.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def line_through(line):
    """Slope of a straight line on the axes."""
    x, y = line.get_data()
    return (y[-1] - y[0]) / (x[-1] - x[0])


def test_spectrum_shows_the_mean_over_trials_of_every_slope_in_its_colour():
    table = pd.DataFrame({"slope": [1, 1, 1, 1, 10, 10], "m": [1, 2] * 3, "exponent": [0.2, -1, 0.4, -2, -0.1, -0.3]})
    ax = figures.plot_lyapunov_spectrum(table)
    shallow, steep = ax.lines[1:]
    assert shallow.get_ydata().tolist() == pytest.approx([0.3, -1.5])
    assert steep.get_ydata().tolist() == [-0.1, -0.3]
    assert [line.get_color() for line in (shallow, steep)] == [slope_colour(1), slope_colour(10)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["k = 1", "k = 10"]


def test_uncoupled_spectrum_has_half_of_the_neurons_at_each_leak_slower_first():
    table = pd.DataFrame({"slope": 1.0, "m": range(1, 9), "exponent": -0.3})
    for rates in ((-0.2, -0.5), (-0.5, -0.2)):
        ax = figures.plot_lyapunov_spectrum(table, uncoupled=rates)
        step = ax.patches[0].get_data()
        assert step.values.tolist() == [-0.2, -0.5]
        assert step.edges.tolist() == [0.5, 4.5, 8.5]
        assert "without coupling" in {text.get_text() for text in ax.texts}


def test_distance_of_two_orbits_runs_beside_its_exponent():
    other = np.zeros((30, 2))
    orbit = np.stack([1e-6 * np.exp(0.4 * np.arange(100)).clip(max=1e6), np.zeros(100)], axis=1)
    left, right = figures.plot_two_orbits(orbit, other, 0.4)
    assert len(left.lines[0].get_xdata()) == 100
    distance, line = right.lines
    assert len(distance.get_xdata()) == 30
    assert line_through(line) == pytest.approx(line_through(distance)) == pytest.approx(0.4)


def test_gradients_are_drawn_backwards_with_the_exponent_beside_them():
    norms = {1.0: np.exp(0.1 * np.arange(50))[::-1], 10.0: 3 * np.exp(-0.2 * np.arange(50))[::-1]}
    ax = figures.plot_gradients_over_time(norms, {1.0: 0.1, 10.0: -0.2})
    for gradient, line in (ax.lines[:2], ax.lines[2:]):
        assert gradient.get_ydata() == pytest.approx(line.get_ydata())
    assert ax.lines[2].get_ydata()[0] == pytest.approx(3)
    assert ax.get_yscale() == "log"


def test_a_gradient_that_rounding_made_zero_leaves_the_line_finite():
    norms = {10.0: np.array([0.0, 0.0, 1e-3, 1e-2, 1e-1])}
    ax = figures.plot_gradients_over_time(norms, {10.0: -np.log(10)})
    assert ax.lines[1].get_ydata() == pytest.approx(0.1 ** np.arange(1, 6))


def test_leading_exponents_have_a_line_and_a_label_per_gain():
    rows = [(g, k, seed, g / k + seed) for g in (1.0, 2.0) for k in (1, 10, 100) for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["gain", "slope", "seed", "exponent"])
    ax = figures.plot_leading_exponents(table, alone=-0.2)
    assert ax.lines[0].get_ydata() == pytest.approx([1.5, 0.6, 0.51])
    words = {text.get_text() for text in ax.texts}
    assert {"g = 1", "g = 2", "a neuron alone", "0: neither grows nor dies"} <= words
    one = figures.plot_leading_exponents(table, gains=[2.0])
    assert {text.get_text() for text in one.texts} == {"g = 2", "0: neither grows nor dies"}
