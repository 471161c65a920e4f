"""Figures on spikes and surrogate functions."""

from .spike import plot_accuracy, plot_bptt, plot_staircase
from .surrogates import plot_slope_widths, plot_surrogates

__all__ = [
    "plot_accuracy",
    "plot_bptt",
    "plot_slope_widths",
    "plot_staircase",
    "plot_surrogates",
]
