"""The networks of the book, with an optional leading replica axis."""

from snnsg_lib.networks.mlp import SpikingMLP
from snnsg_lib.networks.rates import DeadLayerWarning, scale_to_rate
from snnsg_lib.networks.recurrent import RecurrentLIF

__all__ = ["DeadLayerWarning", "RecurrentLIF", "SpikingMLP", "scale_to_rate"]
