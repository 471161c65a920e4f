"""Figures on surrogate Lyapunov exponents and flossing."""

from .controls import plot_larger_weights, plot_memory, plot_published_test, plot_stream_memory
from .flossing import (
    plot_exponent_and_slope,
    plot_exponents_and_gradients,
    plot_flossed_spectra,
    plot_flossing,
    plot_tangent_and_network,
)
from .lyapunov import (
    plot_gradients_over_time,
    plot_leading_exponents,
    plot_lyapunov_spectrum,
    plot_two_orbits,
)
from .sharpness import plot_published_figure
from .tasks import plot_arms_and_rates, plot_delays, plot_training

__all__ = [
    "plot_arms_and_rates",
    "plot_delays",
    "plot_exponent_and_slope",
    "plot_exponents_and_gradients",
    "plot_flossed_spectra",
    "plot_flossing",
    "plot_gradients_over_time",
    "plot_larger_weights",
    "plot_leading_exponents",
    "plot_lyapunov_spectrum",
    "plot_memory",
    "plot_published_figure",
    "plot_published_test",
    "plot_stream_memory",
    "plot_tangent_and_network",
    "plot_training",
    "plot_two_orbits",
]
