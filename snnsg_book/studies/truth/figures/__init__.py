"""Figures on the surrogate gradient against the true one."""

from .conditions import plot_lengths, plot_truth_conditions
from .stages import plot_batches, plot_best_slopes, plot_learning, plot_matching, plot_plateau, plot_truth

__all__ = [
    "plot_batches",
    "plot_best_slopes",
    "plot_learning",
    "plot_lengths",
    "plot_matching",
    "plot_plateau",
    "plot_truth",
    "plot_truth_conditions",
]
