"""The networks of the book, with an optional leading replica axis."""

from snnsg_lib.networks.conversion import from_snntorch
from snnsg_lib.networks.mlp import SpikingMLP
from snnsg_lib.networks.rates import DeadLayerWarning, firing_rates, scale_to_rate
from snnsg_lib.networks.recurrent import RecurrentLIF

__all__ = ["DeadLayerWarning", "RecurrentLIF", "SpikingMLP", "firing_rates", "from_snntorch", "scale_to_rate"]
