"""Exact intervals of success rates and of paired comparisons, against published values and by counting every case."""

import numpy as np
import pytest
from scipy import stats

from snnsg_lib.statistics import paired_shares, success_rate_interval


def signs(plus, minus, n):
    return np.repeat([1, -1, 0], [plus, minus, n - plus - minus])


def test_success_rate_interval_is_that_of_clopper_and_pearson():
    assert success_rate_interval(0, 20) == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert success_rate_interval(10, 20) == pytest.approx((0.2720, 0.7280), abs=1e-4)
    beta = stats.beta.ppf([0.025, 0.975], [3, 4], [18, 17])
    assert success_rate_interval(3, 20) == pytest.approx(tuple(beta))


def test_estimate_is_the_difference_of_the_two_success_rates():
    first, second = np.array([1, 1, 1, 0, 0, 1]), np.array([0, 1, 0, 0, 1, 1])
    assert paired_shares(first - second).difference == pytest.approx(first.mean() - second.mean())


@pytest.mark.parametrize("n", [5, 8, 12])
def test_interval_covers_every_difference_at_least_as_often_as_it_says(n):
    outcomes = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    intervals = np.array([paired_shares(signs(b, c, n))[1:] for b, c in outcomes])
    counts = np.array([(b, c, n - b - c) for b, c in outcomes])
    grid = np.linspace(0, 1, 24)  # off the values of the nuisance parameter that the interval looks at
    for first, second in [(p, q) for p in grid for q in grid if p + q <= 1]:
        chances = stats.multinomial.pmf(counts, n, [first, second, max(0.0, 1 - first - second)])
        holds = (intervals[:, 0] <= first - second + 1e-6) & (first - second - 1e-6 <= intervals[:, 1])
        assert chances[holds].sum() >= 0.95 - 1e-4


def test_without_ties_the_interval_is_not_below_that_of_a_sign_test():
    # All pairs discordant: the difference is 2 p - 1, and the exact interval of p is a special case of the nuisance.
    for plus in (2, 6, 10):
        low, high = paired_shares(signs(plus, 12 - plus, 12))[1:]
        narrow = success_rate_interval(plus, 12)
        assert low <= 2 * narrow.low - 1 + 1e-3
        assert high >= 2 * narrow.high - 1 - 1e-3


@pytest.mark.parametrize(("plus", "minus"), [(5, 0), (6, 1), (3, 2)])
def test_ends_are_where_the_exact_test_just_rejects(plus, minus):
    """The test written out again, one outcome and one share of ties after the other."""
    n = 10
    low = paired_shares(signs(plus, minus, n)).low

    def score(b, c, difference):
        q = np.roots([2 * n, -(b + c) + (2 * n - b + c) * difference, -c * difference * (1 - difference)]).real.max()
        return (b - c - n * difference) / max(n * (2 * q + difference * (1 - difference)), 1e-12) ** 0.5

    def worst(difference):
        seen = score(plus, minus, difference) - 1e-9
        as_much = [(b, c) for b in range(n + 1) for c in range(n + 1 - b) if score(b, c, difference) >= seen]
        chances = []
        for ties in np.linspace(0, 1 - abs(difference), 60):
            shares = [(1 - ties + difference) / 2, (1 - ties - difference) / 2, ties]
            chances.append(sum(stats.multinomial.pmf([b, c, n - b - c], n, shares) for b, c in as_much))
        return max(chances)

    assert worst(low - 0.005) <= 0.0255
    assert worst(low + 0.005) >= 0.0245


def test_exchanging_the_two_conditions_turns_the_interval_round():
    there, back = paired_shares(signs(9, 2, 20)), paired_shares(signs(2, 9, 20))
    assert there == pytest.approx((-back.difference, -back.high, -back.low))


def test_bounds_are_reached_where_every_pair_says_the_same():
    assert paired_shares(np.ones(10))[::2] == (1.0, 1.0)
    assert paired_shares(-np.ones(10))[1] == -1.0
    difference, low, high = paired_shares(np.zeros(20))
    assert difference == 0
    assert low == pytest.approx(-high)
    assert high > 0.15  # twenty ties are no proof of equality


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_shares([0.5, 1]), "signs must be -1, 0 or 1, got"),
        (lambda: paired_shares([1]), "at least two values"),
        (lambda: paired_shares([1, 0], confidence=1.0), "confidence must be < 1"),
        (lambda: success_rate_interval(3, 2), r"successes must be an integer in \[0, 2\]"),
        (lambda: success_rate_interval(0, 0), "n must be an integer >= 1"),
    ],
)
def test_bad_share_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
