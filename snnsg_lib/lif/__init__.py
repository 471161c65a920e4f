"""Leaky integrate-and-fire over a whole sequence, equal to snnTorch's Leaky, RLeaky and RSynaptic."""

from snnsg_lib.lif.feedforward import lif_scan
from snnsg_lib.lif.recurrent import rlif_scan

__all__ = ["lif_scan", "rlif_scan"]
