"""Figures on gradients in depth."""

from .direction import plot_bias_and_variance, plot_cosines, plot_decrease
from .layers import plot_conditions, plot_layers, plot_widths

__all__ = [
    "plot_bias_and_variance",
    "plot_conditions",
    "plot_cosines",
    "plot_decrease",
    "plot_layers",
    "plot_widths",
]
