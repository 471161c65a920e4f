"""Surrogate gradients in spiking neural networks: the library behind the interactive book."""

__version__ = "0.1.0"
