"""The Python side of the Lyapunov explorer."""

import math
import re

import numpy as np
import pytest
import torch
from page_scripts import ask, sentence, sentences
from vectors import random_state

from snnsg_book.explorers import LyapunovExplorer, lyapunov
from snnsg_book.explorers.lyapunov import NUM_STEPS, QR_INTERVAL, TRANSIENT


@pytest.mark.parametrize(
    "state", [{}, {"gain": 4, "slope": 1, "size": 24}, {"tau_mem": 1, "tau_syn": 1}, {"gain": 0, "drive": 0, "size": 2}]
)
def test_exponents_add_up_to_what_the_leaks_alone_would_give(state):
    explorer = LyapunovExplorer(**state)
    growth = explorer.growth()
    assert growth.exponents.shape == (2 * explorer.size,)
    assert growth.expected == pytest.approx(-explorer.size * (1 / explorer.tau_mem + 1 / explorer.tau_syn))
    assert growth.exponents.sum() == pytest.approx(growth.expected, abs=1e-9)


def test_the_perturbation_grows_by_the_first_exponent():
    for slope in (1, 10, 100):
        growth = LyapunovExplorer(slope=slope).growth()
        counted = (growth.log_size[-1] - growth.log_size[TRANSIENT]) / (NUM_STEPS - TRANSIENT)
        assert counted == pytest.approx(growth.exponents[0], abs=1e-9)


def test_exponents_are_those_of_explicit_jacobians():
    explorer = LyapunovExplorer(size=3, tau_mem=4, slope=3)
    net, growth = explorer.network(), explorer.growth()
    _, recording = net(explorer.inputs(), record=True)
    before = torch.cat([torch.zeros(1, 3), recording.mem[0][:-1, 0].detach()]).double()
    weight = (net.current_scale * net.recurrent_weight.detach()).T
    rows = np.linalg.qr(lyapunov.drawn(1)["tangents"][:6, :6].T)[0]
    sums, eye = np.zeros(6), torch.eye(3, dtype=torch.float64)
    for t, mem in enumerate(before):
        through = weight * net.surrogate.derivative(mem - 1)
        top = torch.cat([net.alpha * eye, through], 1)
        bottom = torch.cat([net.alpha * eye, net.beta * eye + through], 1)
        rows = torch.cat([top, bottom]).numpy() @ rows
        if (t + 1) % QR_INTERVAL == 0:
            rows, triangle = np.linalg.qr(rows)
            sums += np.log(np.abs(np.diag(triangle))) * (t >= TRANSIENT)
    assert growth.exponents == pytest.approx(sums / (NUM_STEPS - TRANSIENT), abs=1e-9)


def test_without_coupling_a_perturbation_dies_as_in_a_neuron_alone():
    # Equal draws for every gain; what is left of the finite time is small.
    explorer = LyapunovExplorer(gain=0, tau_mem=8, tau_syn=2)
    assert explorer.growth().exponents[0] == pytest.approx(-1 / 8, abs=0.01)
    assert explorer.growth().exponents[-1] == pytest.approx(-1 / 2, abs=0.01)


def test_the_shallow_slope_keeps_a_perturbation_alive_and_the_steep_one_kills_it():
    first = [LyapunovExplorer(slope=slope).growth().exponents[0] for slope in (1, 5, 25, 100)]
    assert first == sorted(first, reverse=True)
    assert first[0] > 0 > first[2]
    assert "grows by a factor e" in sentence(LyapunovExplorer(slope=1))
    assert "in a neuron alone it shrinks so in 5" in sentence(LyapunovExplorer(slope=100))


def test_drawn_numbers_have_mean_zero_and_variance_one_and_differ_between_draws():
    numbers = lyapunov.drawn(3)
    assert abs(numbers["noise"].mean()) < 0.05
    assert numbers["noise"].std() == pytest.approx(1, abs=0.02)
    assert numbers["weights"].std() == pytest.approx(1, abs=0.05)
    assert abs(np.corrcoef(numbers["weights"].ravel(), lyapunov.drawn(4)["weights"].ravel())[0, 1]) < 0.1


def test_a_smaller_network_is_a_part_of_the_larger_one():
    small, large = (LyapunovExplorer(size=size).network().recurrent_weight for size in (5, 20))
    assert torch.allclose(small * math.sqrt(5), large[:5, :5] * math.sqrt(20))


@pytest.mark.parametrize(
    ("control", "value"),
    [("slope", 0.5), ("gain", -1), ("tau_mem", 0.5), ("tau_syn", 11), ("size", 25), ("size", 2.5), ("seed", 0)],
)
def test_controls_are_checked_by_name(control, value):
    with pytest.raises(ValueError, match=rf"{control} must be .*, got {re.escape(repr(value))}"):
        LyapunovExplorer(**{control: value})


# Far ends: silent and saturated, uncoupled, equal and unequal time constants, two neurons and twenty-four.
EXTREMES = [
    {"gain": 4, "slope": 1, "size": 24, "tau_mem": 20, "tau_syn": 10, "drive": 2},
    {"gain": 4, "slope": 1, "size": 24, "tau_mem": 1, "tau_syn": 1},
    {"gain": 0, "slope": 100, "size": 2, "tau_mem": 1, "tau_syn": 10, "drive": 0},
    {"gain": 2.5, "slope": 5, "size": 24, "tau_mem": 2, "tau_syn": 1, "seed": 9},
]


def test_the_page_finds_the_spikes_exponents_and_growth_of_the_library():
    rng = np.random.default_rng(0)
    states = [{}, *EXTREMES, *(random_state(LyapunovExplorer, rng) for _ in range(8))]
    shown = [LyapunovExplorer(**state) for state in states]
    answers = ask("lyapunov", [["simulate", one.state] for one in shown])
    for one, found in zip(shown, answers, strict=True):
        expected = one.growth()
        np.testing.assert_array_equal(np.reshape(found["spikes"], expected.spk.shape), expected.spk)
        np.testing.assert_allclose(found["exponents"], expected.exponents, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found["sizes"], expected.log_size, rtol=0, atol=1e-6)
        assert found["expected"] == pytest.approx(expected.expected, abs=1e-12)


def test_sum_of_exponents_is_that_of_the_leaks_in_the_page():
    rng = np.random.default_rng(1)
    answers = ask("lyapunov", [["simulate", random_state(LyapunovExplorer, rng)] for _ in range(30)])
    assert max(abs(found["sum"] - found["expected"]) for found in answers) < 1e-9


def test_every_control_changes_the_sentence():
    changes = [{"gain": 1}, {"slope": 3}, {"tau_mem": 9}, {"tau_syn": 4}, {"size": 12}, {"drive": 1.5}, {"seed": 2}]
    assert len(set(sentences(*(LyapunovExplorer(**change) for change in ({}, *changes))))) == len(changes) + 1


def test_sentence_says_exponent_fate_and_sum():
    words, growth = sentence(LyapunovExplorer()), LyapunovExplorer().growth()
    assert f"the largest exponent is {growth.exponents[0]:.3f} per step".replace("-", "−") in words
    assert f"shrinks by a factor e in {-1 / growth.exponents[0]:.2g} steps" in words
    assert "All 40 exponents add up to −14.0000; N ln(αβ) is −14.0000." in words
