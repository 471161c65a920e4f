"""Figures on spikes and surrogate functions."""

from .neuron import plot_neuron
from .spike import plot_accuracy, plot_bptt, plot_staircase
from .surrogates import plot_population, plot_slope_widths, plot_spike, plot_surrogates

__all__ = [
    "plot_accuracy",
    "plot_bptt",
    "plot_neuron",
    "plot_population",
    "plot_slope_widths",
    "plot_spike",
    "plot_staircase",
    "plot_surrogates",
]
