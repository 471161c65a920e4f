"""Statistics of few runs, against rliable and against cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from snnsg_lib.statistics import (
    bootstrap_interval,
    iqm,
    mean_intervals,
    paired_difference,
    probability_of_improvement,
    split_half_reliability,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("num_runs", [1, 2, 3, 4, 7, 10, 30])
def test_iqm_and_probability_of_improvement_agree_with_rliable(rng, num_runs):
    from rliable import metrics

    x, y = rng.integers(0, 5, (num_runs, 3)).astype(float), rng.standard_normal((num_runs + 1, 3)).round(1)
    assert iqm(x) == pytest.approx(metrics.aggregate_iqm(x), abs=1e-14)
    assert iqm(y) == pytest.approx(metrics.aggregate_iqm(y), abs=1e-14)
    assert probability_of_improvement(x, y) == pytest.approx(metrics.probability_of_improvement(x, y), abs=1e-14)


def test_bootstrap_interval_is_that_of_the_rliable_statistic(rng):
    from rliable import metrics  # rliable's own resampling needs a package that does not load beside pandas 3

    x = rng.standard_normal(40)
    assert bootstrap_interval(x) == pytest.approx(bootstrap_interval(x, lambda sample: metrics.aggregate_iqm(sample)))


def test_bootstrap_interval_of_a_mean_is_the_textbook_one(rng):
    x = rng.standard_normal(400)
    half = 1.96 * x.std() / 20
    assert bootstrap_interval(x, np.mean, num_resamples=5000) == pytest.approx(
        (x.mean() - half, x.mean() + half), abs=0.01
    )


def test_stray_run_does_not_move_the_iqm():
    assert iqm([1.0, 1.0, 1.0, 1.0, 1e6]) == 1.0


def test_iqm_along_an_axis(rng):
    x = rng.standard_normal((8, 5))
    np.testing.assert_allclose(iqm(x, axis=0), [iqm(column) for column in x.T])


@pytest.mark.parametrize("bad", [[], [1.0, float("nan")], [float("inf"), 1.0]])
def test_nan_inf_and_nothing_are_never_averaged(bad):
    for act in (iqm, bootstrap_interval, split_half_reliability, lambda x: probability_of_improvement(x, [1.0])):
        with pytest.raises(ValueError, match=r"must (be finite|hold at least one value)"):
            act(bad)


def test_interval_of_constant_data_has_no_width():
    assert bootstrap_interval([3.0] * 12) == (3.0, 3.0)


def test_interval_covers_the_truth_about_as_often_as_it_says(rng):
    hits = [
        low <= 0 <= high
        for low, high in (bootstrap_interval(rng.standard_normal(20), num_resamples=300) for _ in range(300))
    ]
    assert 0.88 <= np.mean(hits) <= 0.99


def test_interval_repeats_with_its_seed_and_leaves_the_global_state(rng):
    x = rng.standard_normal(15)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert bootstrap_interval(x, rng=5) == bootstrap_interval(x, rng=5) != bootstrap_interval(x, rng=6)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_pairing_removes_what_the_seeds_have_in_common(rng):
    seeds = 10 * rng.standard_normal(20)
    x, y = seeds + 1 + 0.1 * rng.standard_normal(20), seeds + 0.1 * rng.standard_normal(20)
    paired = paired_difference(x, y)
    assert paired.low < 1 < paired.high
    assert paired.low > 0.8
    low, high = bootstrap_interval((x, y), lambda a, b: iqm(a) - iqm(b), num_resamples=300)
    assert low < 0 < high


def test_torn_pairs_are_an_error():
    x = pd.Series([1.0, 2.0], index=[0, 1])
    with pytest.raises(ValueError, match="same index"):
        paired_difference(x, pd.Series([1.0, 2.0], index=[1, 0]))
    with pytest.raises(ValueError, match="equal length"):
        paired_difference(x, [1.0, 2.0, 3.0])


def test_probability_of_improvement_by_hand_and_with_interval(rng):
    assert probability_of_improvement([1, 2, 3], [0, 2]) == pytest.approx((1 + 1 + 1 + 0 + 0.5 + 1) / 6)
    x, y = rng.standard_normal(20) + 3, rng.standard_normal(20)
    low, high = bootstrap_interval((x, y), probability_of_improvement, num_resamples=300)
    assert 0.9 < low <= high <= 1


def test_split_halves_agree_for_signal_and_not_for_noise(rng):
    signal = rng.standard_normal(200)
    noise = rng.standard_normal((10, 200))
    assert split_half_reliability(np.tile(signal, (10, 1))) == pytest.approx(1)
    assert abs(split_half_reliability(noise)) < 0.2
    # Equal variances of signal and noise: ten repetitions have the reliability 1 / (1 + 1/10).
    assert split_half_reliability(signal + noise) == pytest.approx(1 / 1.1, abs=0.03)
    assert split_half_reliability(np.ones((4, 3))) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bootstrap_interval([1.0, 2.0], confidence=1.0), "confidence must be < 1"),
        (lambda: bootstrap_interval([1.0, 2.0], confidence=0.0), "confidence must be"),
        (lambda: bootstrap_interval([1.0, 2.0], num_resamples=10), "num_resamples must be an integer >= 100"),
        (lambda: bootstrap_interval([1.0]), "at least two values"),
        (lambda: bootstrap_interval(np.ones((3, 3))), "one-dimensional"),
        (lambda: probability_of_improvement(np.ones((2, 2)), np.ones((2, 3))), "equal tasks"),
        (lambda: split_half_reliability(np.ones((1, 3))), "repetitions >= 2"),
        (lambda: split_half_reliability(np.ones((3, 3)), num_splits=0), "num_splits must be an integer >= 1"),
    ],
)
def test_bad_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_many_mean_intervals_at_once_are_those_taken_one_by_one():
    values = np.random.default_rng(0).normal(size=(3, 20))
    values[2, :5] = np.nan
    together = mean_intervals(values, num_resamples=4000)
    for row, interval in zip(values, together, strict=True):
        alone = bootstrap_interval(row[np.isfinite(row)], np.mean, num_resamples=4000)
        assert interval == pytest.approx(alone, abs=0.06)


def test_mean_intervals_of_nothing_are_nan_and_of_one_seed_refused():
    assert np.isnan(mean_intervals([[np.nan, np.nan], [1.0, 1.0]])).tolist() == [[True, True], [False, False]]
    with pytest.raises(ValueError, match="seeds"):
        mean_intervals([[1.0]])
