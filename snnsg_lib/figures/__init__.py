"""Figures of the book: parameters or tables in, Axes out; nothing is computed at length or shown."""

from snnsg_lib.figures.causes import plot_causes, plot_gain_and_epsilon, plot_regime_gaps, plot_waking
from snnsg_lib.figures.control import buffer_contents, plot_buffer, plot_learning_curves, plot_slope_outcomes
from snnsg_lib.figures.depth import plot_conditions, plot_layer_bars, plot_layers, plot_widths
from snnsg_lib.figures.direction import plot_bias_and_variance, plot_cosines, plot_decrease
from snnsg_lib.figures.flight import plot_flight, plot_flight_spikes
from snnsg_lib.figures.flossing import (
    plot_arms_and_rates,
    plot_delays,
    plot_exponent_and_slope,
    plot_exponents_and_gradients,
    plot_flossed_spectra,
    plot_flossing,
    plot_tangent_and_network,
    plot_training,
)
from snnsg_lib.figures.flossing_controls import (
    plot_larger_weights,
    plot_memory,
    plot_published_test,
    plot_stream_memory,
)
from snnsg_lib.figures.lyapunov import (
    plot_gradients_over_time,
    plot_leading_exponents,
    plot_lyapunov_spectrum,
    plot_perturbation,
    plot_raster,
    plot_two_orbits,
)
from snnsg_lib.figures.neuron import plot_neuron
from snnsg_lib.figures.schedules import (
    plot_arms,
    plot_gains,
    plot_price_of_a_sweep,
    plot_slope_paths,
    plot_survival,
)
from snnsg_lib.figures.spike import plot_accuracy, plot_bptt, plot_staircase
from snnsg_lib.figures.style import new_axes, slope_axis, slope_colormap, slope_colour, slope_norm, use_style
from snnsg_lib.figures.surrogates import plot_population, plot_slope_widths, plot_spike, plot_surrogates
from snnsg_lib.figures.truth import (
    plot_batches,
    plot_best_slopes,
    plot_learning,
    plot_matching,
    plot_plateau,
    plot_truth,
)
from snnsg_lib.figures.truth_conditions import plot_lengths, plot_truth_conditions

__all__ = [
    "buffer_contents",
    "new_axes",
    "plot_accuracy",
    "plot_arms",
    "plot_arms_and_rates",
    "plot_batches",
    "plot_best_slopes",
    "plot_bias_and_variance",
    "plot_bptt",
    "plot_buffer",
    "plot_causes",
    "plot_conditions",
    "plot_cosines",
    "plot_decrease",
    "plot_delays",
    "plot_exponent_and_slope",
    "plot_exponents_and_gradients",
    "plot_flight",
    "plot_flight_spikes",
    "plot_flossed_spectra",
    "plot_flossing",
    "plot_gain_and_epsilon",
    "plot_gains",
    "plot_gradients_over_time",
    "plot_larger_weights",
    "plot_layer_bars",
    "plot_layers",
    "plot_leading_exponents",
    "plot_learning",
    "plot_learning_curves",
    "plot_lengths",
    "plot_lyapunov_spectrum",
    "plot_matching",
    "plot_memory",
    "plot_neuron",
    "plot_perturbation",
    "plot_plateau",
    "plot_population",
    "plot_price_of_a_sweep",
    "plot_published_test",
    "plot_raster",
    "plot_regime_gaps",
    "plot_slope_outcomes",
    "plot_slope_paths",
    "plot_slope_widths",
    "plot_spike",
    "plot_staircase",
    "plot_stream_memory",
    "plot_surrogates",
    "plot_survival",
    "plot_tangent_and_network",
    "plot_training",
    "plot_truth",
    "plot_truth_conditions",
    "plot_two_orbits",
    "plot_waking",
    "plot_widths",
    "slope_axis",
    "slope_colormap",
    "slope_colour",
    "slope_norm",
    "use_style",
]
