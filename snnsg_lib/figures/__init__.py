"""Figures of the book: parameters or tables in, Axes out; nothing is computed at length or shown."""

from snnsg_lib.figures.depth import plot_conditions, plot_layer_bars, plot_layers, plot_widths
from snnsg_lib.figures.direction import plot_bias_and_variance, plot_cosines, plot_decrease
from snnsg_lib.figures.neuron import plot_neuron
from snnsg_lib.figures.spike import plot_accuracy, plot_bptt, plot_staircase
from snnsg_lib.figures.style import new_axes, slope_axis, slope_colormap, slope_colour, slope_norm, use_style
from snnsg_lib.figures.surrogates import plot_population, plot_slope_widths, plot_spike, plot_surrogates

__all__ = [
    "new_axes",
    "plot_accuracy",
    "plot_bias_and_variance",
    "plot_bptt",
    "plot_conditions",
    "plot_cosines",
    "plot_decrease",
    "plot_layer_bars",
    "plot_layers",
    "plot_neuron",
    "plot_population",
    "plot_slope_widths",
    "plot_spike",
    "plot_staircase",
    "plot_surrogates",
    "plot_widths",
    "slope_axis",
    "slope_colormap",
    "slope_colour",
    "slope_norm",
    "use_style",
]
