"""Leaky integrate-and-fire over a whole sequence, equal to snnTorch's Leaky, RLeaky and RSynaptic."""

from .feedforward import lif_scan
from .recurrent import rlif_scan

__all__ = ["lif_scan", "rlif_scan"]
