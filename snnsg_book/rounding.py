"""Fewer digits for stored tables: enough for any figure, and small files."""

from __future__ import annotations

from torch import Tensor


def rounded(value: float | Tensor, digits: int = 5) -> float | None:
    """Return `value` with so many significant digits; None, which is a missing value in a table, for NaN."""
    number = float(value)
    return None if number != number else float(f"{number:.{digits}g}")
