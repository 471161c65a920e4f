"""Intervals that know how sure their ends are, and power, against simulation and against the plain bootstrap."""

import numpy as np
import pytest

from snnsg_lib.statistics import bootstrap_interval, interval_of_resamples, iqm, iqm_interval, power, resampled_counts
from snnsg_lib.statistics.resampling import IQM_VARIANCE


@pytest.fixture
def values():
    return np.random.default_rng(3).standard_normal(20)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 12, 20, 33])
def test_weights_of_a_resample_give_its_interquartile_mean(n):
    values = np.random.default_rng(n).standard_normal(n)
    found = iqm_interval(values, num_resamples=2500)
    ordered = np.sort(values)
    for drawn, counts in zip(found.resamples[:200], resampled_counts(n, 2500)[:200], strict=True):
        assert drawn == pytest.approx(iqm(np.repeat(ordered, counts)))
    assert found.estimate == iqm(values)


def test_interval_is_that_of_the_plain_bootstrap(values):
    found, plain = iqm_interval(values), bootstrap_interval(values, num_resamples=100_000)
    assert found.low == pytest.approx(plain.low, abs=5 * found.low_error)
    assert found.high == pytest.approx(plain.high, abs=5 * found.high_error)


def test_errors_tell_how_far_other_random_numbers_move_the_ends(values):
    runs = [iqm_interval(values, rng=seed) for seed in range(30)]
    for end, error in ((1, 3), (2, 4)):
        moved = np.std([run[end] for run in runs], ddof=1)
        assert np.mean([run[error] for run in runs]) == pytest.approx(moved, rel=0.5)


def test_equal_values_give_no_width_and_no_error():
    found = iqm_interval([0.1] * 11)
    assert found.high - found.low == pytest.approx(0, abs=1e-12)
    assert (found.low_error, found.high_error) == (0.0, 0.0)


@pytest.mark.parametrize("direction", ["above", "below", "within"])
@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 20), (0.3, 30), (0.7, 20)])
def test_power_is_the_share_of_simulated_studies_that_decide(direction, effect, seeds):
    margin = {"above": 0.1, "below": 1.0, "within": 1.0}[direction]
    sd, rng = 0.4, np.random.default_rng(0)
    cut = seeds // 4
    middles = np.sort(rng.normal(effect, sd, (20_000, seeds)), axis=1)[:, cut : seeds - cut].mean(axis=1)
    reach = 1.96 * sd * np.sqrt(IQM_VARIANCE / seeds)
    decided = {
        "above": middles - reach > margin,
        "below": middles + reach < margin,
        "within": np.abs(middles) + reach < margin,
    }[direction]
    assert power(margin, effect, sd, seeds, direction) == pytest.approx(decided.mean(), abs=0.02)


def test_power_grows_with_seeds_and_is_small_on_the_margin():
    assert power(0.1, 0.1, 1.0, 20) == pytest.approx(0.025)
    assert power(0.1, 0.2, 0.1, 40) > power(0.1, 0.2, 0.1, 20) > power(0.1, 0.15, 0.1, 20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: power(0.1, 0.2, 0.0, 20), "sd must be finite and > 0"),
        (lambda: power(0.1, 0.2, 1.0, 1), "seeds must be an integer >= 2"),
        (lambda: power(0.1, 0.2, 1.0, 20, "near"), "direction must be one of"),
        (lambda: power(np.nan, 0.2, 1.0, 20), "margin must be finite"),
        (lambda: iqm_interval([1.0]), "at least two values"),
        (lambda: iqm_interval([1.0, 2.0], num_resamples=100), "num_resamples must be an integer >= 2500"),
        (lambda: interval_of_resamples(0.0, np.zeros(10)), "number of resamples must be an integer >= 2500"),
        (lambda: iqm_interval([1.0, 2.0], confidence=1.0), "confidence must be < 1"),
    ],
)
def test_bad_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
