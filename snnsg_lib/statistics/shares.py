"""Success rates and paired comparisons of runs that succeed or do not: exact intervals, for few seeds."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from snnsg_lib.checks import check_int

from .intervals import Comparison, Interval, check_confidence, check_sample

NUISANCE = 201  # values of the share of pairs that are no ties, from the least that is possible to 1


def success_rate_interval(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Return the exact interval of a success rate (Clopper & Pearson 1934).

    Parameters
    ----------
    successes, n : int
        Of `n` >= 1 runs, so many have succeeded.
    confidence : float
        In (0, 1).
    """
    check_confidence(confidence)
    check_int("n", n, low=1)
    check_int("successes", successes, low=0, high=n)
    found = stats.binomtest(int(successes), int(n)).proportion_ci(confidence, method="exact")
    return Interval(float(found.low), float(found.high))


def paired_shares(signs: ArrayLike, confidence: float = 0.95) -> Comparison:
    """Return the share of pairs that speak for a condition minus the share that speak against it, with exact interval.

    For success rates a pair is 1 where the first run alone succeeds, -1 where the second alone does, else 0: the result
    is the difference of the two success rates. For times a pair is 1 where the first run arrives sooner.

    Parameters
    ----------
    signs : array, (n,)
        1, -1, or 0 for a tie.
    confidence : float
        In (0, 1).

    Returns
    -------
    Comparison
        Its interval covers the true difference at least so often, for every n and all true shares. Each end is where
        the exact unconditional test, ordered by the score statistic, just rejects on one side with half of the error,
        as in Clopper and Pearson's interval; the share of ties, which is not known, is taken at its worst.

    Raises
    ------
    ValueError
        Fewer than two pairs, or a value other than -1, 0 and 1.

    References
    ----------
    Tango (1998), Statistics in Medicine 17, for the statistic; Hsueh, Liu & Chen (2001), Biometrics 57, for the test.
    """
    check_confidence(confidence)
    pairs = check_sample("signs", signs)
    if not np.isin(pairs, (-1, 0, 1)).all():
        raise ValueError(f"signs must be -1, 0 or 1, got {sorted({*pairs.tolist()} - {-1, 0, 1})}")
    n, plus, minus = len(pairs), int((pairs > 0).sum()), int((pairs < 0).sum())
    tail = (1 - confidence) / 2
    low, high = _lowest_difference(plus, minus, n, tail), -_lowest_difference(minus, plus, n, tail)
    return Comparison((plus - minus) / n, low, high)


@functools.lru_cache(maxsize=1024)
def _lowest_difference(plus: int, minus: int, n: int, tail: float) -> float:
    """The smallest difference of shares under which so much in favour has a probability above `tail`."""
    if minus == n:
        return -1.0
    outcomes = np.array([(b, c, n - b - c) for b in range(n + 1) for c in range(n + 1 - b)], dtype=float)
    ways = special.gammaln(n + 1) - special.gammaln(outcomes + 1).sum(1)
    seen = int(np.flatnonzero((outcomes[:, 0] == plus) & (outcomes[:, 1] == minus))[0])

    def probability(difference: float) -> float:
        score = _score(outcomes[:, 0], outcomes[:, 1], n, difference)
        as_much = score >= score[seen] - 1e-9
        discordant = np.linspace(abs(difference), 1, NUISANCE)
        shares = np.stack(((discordant + difference) / 2, (discordant - difference) / 2, 1 - discordant), axis=1)
        logs = np.log(shares.clip(1e-300)) @ outcomes[as_much].T + ways[as_much]
        return float(np.exp(logs).sum(1).max())

    low, high = -1.0, (plus - minus) / n
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (low, middle) if probability(middle) > tail else (middle, high)
    return low


def _score(b: NDArray, c: NDArray, n: int, difference: float) -> NDArray:
    """Tango's statistic: (b - c) / n minus `difference`, over its standard error if `difference` were true."""
    linear = (2 * n - b + c) * difference - b - c
    share = (np.sqrt((linear**2 + 8 * n * c * difference * (1 - difference)).clip(0)) - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    distance = b - c - n * difference
    return np.where(np.abs(distance) < 1e-12, 0.0, distance / np.sqrt(np.maximum(variance, 1e-12)))
