"""Interquartile means, bootstrap intervals, success rates with exact intervals, and comparisons of runs."""

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
from .shares import paired_shares, success_rate_interval

__all__ = [
    "Comparison",
    "Interval",
    "Survival",
    "bootstrap_interval",
    "iqm",
    "mean_intervals",
    "paired_difference",
    "paired_shares",
    "probability_of_improvement",
    "split_half_reliability",
    "success_rate_interval",
    "survival",
]
