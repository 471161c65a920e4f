"""Helpers that break things on purpose."""
