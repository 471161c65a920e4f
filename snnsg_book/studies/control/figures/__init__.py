"""Figures on cloning and reinforcement learning."""

from .causes import plot_causes, plot_gain_and_epsilon, plot_regime_gaps, plot_waking
from .learning import plot_buffer, plot_learning_curves, plot_slope_outcomes

__all__ = [
    "plot_buffer",
    "plot_causes",
    "plot_gain_and_epsilon",
    "plot_learning_curves",
    "plot_regime_gaps",
    "plot_slope_outcomes",
    "plot_waking",
]
