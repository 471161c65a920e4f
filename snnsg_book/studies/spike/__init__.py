"""Spikes and surrogate functions: figures alone."""
