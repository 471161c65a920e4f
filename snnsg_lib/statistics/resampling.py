"""Intervals that tell how far they depend on the random numbers of the bootstrap, and the power of a comparison."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnsg_lib.checks import check_choice, check_int, check_number
from snnsg_lib.extras import extra

from .intervals import check_confidence, check_sample, iqm

with extra("experiments"):
    from scipy import stats

NUM_RESAMPLES, BATCHES = 50_000, 25
IQM_VARIANCE = 1.195  # of the interquartile mean of normal values, over that of their mean, in large samples
TOLERANCE = 1e-12  # resamples of equal values differ in their last bits


class ResampledInterval(NamedTuple):
    """A statistic, the ends of its interval, the standard error of each end, and the statistic of each resample.

    The errors are those of the bootstrap alone: how far an end moves if other resamples are drawn.
    """

    estimate: float
    low: float
    high: float
    low_error: float
    high_error: float
    resamples: NDArray


def iqm_interval(
    values: ArrayLike, confidence: float = 0.95, num_resamples: int = NUM_RESAMPLES, rng: int = 0
) -> ResampledInterval:
    """Return the interquartile mean with its percentile bootstrap interval, and how sure the ends of that are.

    The interval is that of `bootstrap_interval` with many resamples, in a fraction of the time: the resamples of `rng`
    are drawn once for each number of values.

    Parameters
    ----------
    values : array, (n,)
        One value a seed.
    confidence : float
        In (0, 1).
    num_resamples : int
        At least 2,500.
    rng : int
        Seed.

    Raises
    ------
    ValueError
        Fewer than two values, NaN or Inf.
    """
    sample = np.sort(check_sample("values", values))
    counts = _iqm_counts(len(sample), num_resamples, rng).astype(float)
    return interval_of_resamples(iqm(sample), counts @ sample / counts[0].sum(), confidence)


def interval_of_resamples(estimate: float, resamples: ArrayLike, confidence: float = 0.95) -> ResampledInterval:
    """Return the percentile interval of resampled statistics; batches of them tell how sure its ends are.

    Parameters
    ----------
    estimate : float
        The statistic of the sample itself.
    resamples : array, (num_resamples,)
        The statistic of each resample, in the order in which they were drawn; at least 2,500.
    confidence : float
        In (0, 1).
    """
    check_confidence(confidence)
    drawn = check_sample("resamples", resamples)
    check_int("number of resamples", len(drawn), low=100 * BATCHES)
    ends = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = np.quantile(drawn, ends)
    batches = np.quantile(drawn[: len(drawn) // BATCHES * BATCHES].reshape(BATCHES, -1), ends, axis=1)
    errors = batches.std(axis=1, ddof=1) / np.sqrt(BATCHES)
    errors[errors < TOLERANCE * max(abs(low), abs(high))] = 0.0
    return ResampledInterval(estimate, float(low), float(high), float(errors[0]), float(errors[1]), drawn)


@functools.lru_cache(maxsize=8)
def resampled_counts(n: int, num_resamples: int = NUM_RESAMPLES, rng: int = 0) -> NDArray:
    """Return how often each of `n` values is in each resample, shape (num_resamples, n), read-only."""
    return _counted(_drawn(n, num_resamples, rng), n)


@functools.lru_cache(maxsize=8)
def _iqm_counts(n: int, num_resamples: int, rng: int) -> NDArray:
    """How often each value, in ascending order, is in the middle half of each resample."""
    ordered = np.sort(_drawn(n, num_resamples, rng), axis=1)
    return _counted(ordered[:, n // 4 : n - n // 4], n)


def _drawn(n: int, num_resamples: int, rng: int) -> NDArray:
    check_int("n", n, low=2)
    check_int("num_resamples", num_resamples, low=100 * BATCHES)
    # Small integers: they are drawn and sorted several times as fast.
    return np.random.default_rng(rng).integers(0, n, (num_resamples, n), dtype=np.min_scalar_type(n - 1))


def _counted(drawn: NDArray, n: int) -> NDArray:
    rows = len(drawn)
    places = (drawn + n * np.arange(rows)[:, None]).ravel()
    counts = np.bincount(places, minlength=rows * n).reshape(rows, n).astype(np.int16)
    counts.flags.writeable = False
    return counts


def power(margin: float, effect: float, sd: float, seeds: int, direction: str = "above") -> float:
    """Return the probability that a 95 % interval of the interquartile mean passes its margin.

    Parameters
    ----------
    margin : float
        What the whole interval has to pass.
    effect : float
        The true value.
    sd : float
        Standard deviation of the value over seeds, > 0, from a pilot.
    seeds : int
        At least 2.
    direction : {"above", "below", "within"}
        Where the interval has to lie: above the margin, below it, or between -margin and +margin.

    Returns
    -------
    float
        In the normal approximation, for normal values: the interquartile mean has 1.195 times the variance of a mean.
    """
    for name, value in (("margin", margin), ("effect", effect)):
        check_number(name, value)
    check_number("sd", sd, above=0.0)
    check_int("seeds", seeds, low=2)
    check_choice("direction", direction, ("above", "below", "within"))
    error = sd * np.sqrt(IQM_VARIANCE / seeds)
    reach = stats.norm.ppf(0.975)
    if direction == "within":
        inside = [stats.norm.cdf((margin - side * effect) / error - reach) for side in (-1, 1)]
        return float(max(0.0, sum(inside) - 1))
    distance = effect - margin if direction == "above" else margin - effect
    return float(stats.norm.cdf(distance / error - reach))
