"""The networks of the book, with an optional leading replica axis."""

from .conversion import from_snntorch
from .mlp import SpikingMLP
from .rates import DeadLayerWarning, firing_rates, scale_to_rate
from .recurrent import RecurrentLIF

__all__ = ["DeadLayerWarning", "RecurrentLIF", "SpikingMLP", "firing_rates", "from_snntorch", "scale_to_rate"]
