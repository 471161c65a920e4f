"""Interquartile means, bootstrap intervals and comparisons of runs.

The choice follows Agarwal et al. (2021), "Deep reinforcement learning at the edge of the statistical precipice": few
seeds, so intervals rather than single numbers, and a mean that a stray run does not move.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snnsg_lib.checks import check_int, check_number
from snnsg_lib.extras import extra

with extra("experiments"):
    from scipy import stats


class Interval(NamedTuple):
    """The ends of a confidence interval."""

    low: float
    high: float


class Comparison(NamedTuple):
    """A difference between two conditions, with its confidence interval."""

    difference: float
    low: float
    high: float


def iqm(x: ArrayLike, axis: int | None = None) -> Any:
    """Return the interquartile mean: the mean of what is left without the lowest and the highest quarter.

    Parameters
    ----------
    x : array
        Finite values; a failed run has none and must be left out by name, not as NaN.
    axis : int, optional
        None takes all values together. A quarter is rounded down: of ten values two go at either end.

    Returns
    -------
    float, or array without `axis`

    Raises
    ------
    ValueError
        x is empty or holds NaN or Inf.
    """
    values = _finite("x", x)
    result = stats.trim_mean(values, 0.25, axis=axis)
    return float(result) if np.ndim(result) == 0 else result


def bootstrap_interval(
    values: ArrayLike | tuple[ArrayLike, ...],
    statistic: Callable[..., Any] = iqm,
    confidence: float = 0.95,
    num_resamples: int = 2000,
    rng: np.random.Generator | int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of a statistic.

    Parameters
    ----------
    values : array, (n,), or tuple of such arrays
        One value a seed. Several samples are resampled independently and passed to `statistic` side by side.
    statistic : callable
        Takes the samples, and `axis` if it can work on many resamples at once.
    confidence : float
        In (0, 1).
    num_resamples : int
        At least 100.
    rng : Generator or seed

    Returns
    -------
    Interval
        (low, high). Equal values give an interval of no width.

    Raises
    ------
    ValueError
        Fewer than two values in a sample, NaN or Inf.
    """
    check_confidence(confidence)
    check_int("num_resamples", num_resamples, low=100)
    samples = tuple(check_sample("values", sample) for sample in (values if isinstance(values, tuple) else (values,)))
    # "percentile" rather than SciPy's default BCa: it is defined for constant samples and for statistics at a bound.
    result = stats.bootstrap(
        samples,
        statistic,
        n_resamples=num_resamples,
        confidence_level=confidence,
        method="percentile",
        vectorized="axis" in inspect.signature(statistic).parameters,
        rng=np.random.default_rng(rng),
    )
    return Interval(float(result.confidence_interval.low), float(result.confidence_interval.high))


def mean_intervals(values: ArrayLike, num_resamples: int = 1000, rng: np.random.Generator | int = 0) -> NDArray:
    """Return the 95 % percentile bootstrap intervals of many means at once: the curve of a figure in one call.

    Parameters
    ----------
    values : array, (groups, seeds)
        NaN where a group has no value of a seed; a resample takes the mean of what it holds.
    num_resamples : int
        At least 100.
    rng : Generator or seed

    Returns
    -------
    array, (groups, 2)
        Low and high; NaN for a group without values.
    """
    check_int("num_resamples", num_resamples, low=100)
    table = np.asarray(values, dtype=float)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"values must have shape (groups, seeds) with two seeds or more, got {table.shape}")
    intervals = np.full((len(table), 2), np.nan)
    filled = np.isfinite(table).any(axis=1)
    result = stats.bootstrap(
        (table[filled],),
        _mean_of_what_is_there,
        axis=1,
        n_resamples=num_resamples,
        batch=50,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(rng),
    )
    intervals[filled] = np.stack(result.confidence_interval, axis=1)
    return intervals


def _mean_of_what_is_there(values: NDArray, axis: int) -> NDArray:
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0).sum(axis) / there.sum(axis)


class Survival(NamedTuple):
    """A survival curve: from each of `times` on, this share has not arrived, within (low, high)."""

    times: NDArray
    share: NDArray
    low: NDArray
    high: NDArray


def survival(times: ArrayLike, arrived: ArrayLike, confidence: float = 0.95) -> Survival:
    """Return the Kaplan-Meier estimate of the share of runs that have not arrived yet.

    A run that never arrives stays in the share: it is censored when it ends, not left out.

    Parameters
    ----------
    times : array, (n,)
        When each run arrived, or ended without.
    arrived : array of bool, (n,)
        Which of the two.
    confidence : float
        In (0, 1), of the intervals (log-log, Greenwood's variance); where they are not defined, the last one goes on.

    Returns
    -------
    Survival
        Begins at time 0 with a share of 1.
    """
    values, reached = check_sample("times", times), np.asarray(arrived, dtype=bool)
    if reached.shape != values.shape:
        raise ValueError(f"arrived must be as long as times, {values.shape}, got {reached.shape}")
    curve = stats.ecdf(stats.CensoredData.right_censored(values, ~reached)).sf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # undefined at a share of 0 or 1
        interval = curve.confidence_interval(confidence, method="log-log")
    low, high = [1.0], [1.0]
    for lower, upper in zip(interval.low.probabilities, interval.high.probabilities, strict=True):
        low.append(low[-1] if np.isnan(lower) else float(lower))
        high.append(high[-1] if np.isnan(upper) else float(upper))
    start = np.concatenate(([0.0], curve.quantiles)), np.concatenate(([1.0], curve.probabilities))
    return Survival(*start, np.array(low), np.array(high))


def paired_difference(
    x: ArrayLike,
    y: ArrayLike,
    statistic: Callable[..., Any] = iqm,
    confidence: float = 0.95,
    num_resamples: int = 2000,
    rng: np.random.Generator | int = 0,
) -> Comparison:
    """Return the statistic of x - y, with an interval from resampling the pairs.

    Parameters
    ----------
    x, y : array or Series, (n,)
        The same seeds in the same order; two Series must agree in their index.
    statistic, confidence, num_resamples, rng
        As in `bootstrap_interval`.
    """
    first, second = check_sample("x", x), check_sample("y", y)
    if first.shape != second.shape:
        raise ValueError(f"x and y must be of equal length, got {len(first)} and {len(second)}")
    if hasattr(x, "index") and hasattr(y, "index") and not x.index.equals(y.index):  # type: ignore[union-attr]
        raise ValueError("x and y must have the same index: the pairs would be torn apart")
    difference = first - second
    interval = bootstrap_interval(difference, statistic, confidence, num_resamples, rng)
    return Comparison(float(statistic(difference)), *interval)


def probability_of_improvement(x: ArrayLike, y: ArrayLike) -> float:
    """Return the probability that a run of x beats a run of y, ties counted half.

    Parameters
    ----------
    x, y : array, (runs,) or (runs, tasks)
        With several tasks the mean over them. The interval is
        `bootstrap_interval((x, y), probability_of_improvement)`.
    """
    first, second = _finite("x", x), _finite("y", y)
    if first.ndim != second.ndim or first.ndim not in (1, 2) or first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"x and y must be (runs,) or (runs, tasks) with equal tasks, got {first.shape} and {second.shape}"
        )
    wins = (first[:, None] > second[None]) + 0.5 * (first[:, None] == second[None])
    return float(wins.mean())


def split_half_reliability(
    values: ArrayLike, num_splits: int = 100, rng: np.random.Generator | int = 0, corrected: bool = True
) -> float:
    """Return how well one half of the repetitions predicts the other, from 1 (no noise) to about 0 (nothing but noise).

    Parameters
    ----------
    values : array, (repetitions, items)
        For instance seeds x slopes, or batches x components of a gradient. At least two repetitions and two items.
    num_splits : int
        Random splits into halves; the mean correlation between the halves' means is taken.
    rng : Generator or seed
    corrected : bool
        Spearman-Brown: from the reliability r of half the repetitions to that of all of them, 2 r / (1 + r). Only
        for r > 0; noise alone may give a small negative r, which stays as it is.

    Returns
    -------
    float
        0 where a half does not vary over the items.
    """
    array = _finite("values", values)
    if array.ndim != 2 or min(array.shape) < 2:
        raise ValueError(f"values must be (repetitions >= 2, items >= 2), got shape {array.shape}")
    check_int("num_splits", num_splits, low=1)
    generator = np.random.default_rng(rng)
    orders = [generator.permutation(len(array)) for _ in range(num_splits)]
    half = len(array) // 2
    r = float(np.mean([_correlation(array[o[:half]].mean(0), array[o[half : 2 * half]].mean(0)) for o in orders]))
    return 2 * r / (1 + r) if corrected and r > 0 else r


def _correlation(a: NDArray, b: NDArray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless `confidence` lies in (0, 1)."""
    check_number("confidence", confidence, above=0.0, high=1.0)
    if confidence == 1.0:
        raise ValueError("confidence must be < 1, got 1.0")


def _finite(name: str, x: ArrayLike) -> NDArray:
    values = np.asarray(x, dtype=float)
    if values.size == 0:
        raise ValueError(f"{name} must hold at least one value, got none")
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite, got {np.count_nonzero(~np.isfinite(values))} NaN or Inf of {values.size}"
        )
    return values


def check_sample(name: str, x: ArrayLike) -> NDArray:
    """Return `x` as a one-dimensional array of two finite values or more, else raise ValueError."""
    values = _finite(name, x)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"{name} must be one-dimensional with at least two values, got shape {values.shape}")
    return values
