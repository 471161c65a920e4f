"""Interquartile means, bootstrap intervals, success rates with exact intervals, comparisons of runs, their power."""

from .intervals import (
    Comparison,
    Interval,
    Survival,
    bootstrap_interval,
    iqm,
    mean_intervals,
    paired_difference,
    probability_of_improvement,
    split_half_reliability,
    survival,
)
from .resampling import NUM_RESAMPLES, ResampledInterval, interval_of_resamples, iqm_interval, power, resampled_counts
from .shares import paired_shares, success_rate_interval

__all__ = [
    "NUM_RESAMPLES",
    "Comparison",
    "Interval",
    "ResampledInterval",
    "Survival",
    "bootstrap_interval",
    "interval_of_resamples",
    "iqm",
    "iqm_interval",
    "mean_intervals",
    "paired_difference",
    "paired_shares",
    "power",
    "probability_of_improvement",
    "resampled_counts",
    "split_half_reliability",
    "success_rate_interval",
    "survival",
]
