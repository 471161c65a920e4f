"""Checks of arguments that every floor shares: each error names the argument, the allowed range and the value."""

from __future__ import annotations

import math
from numbers import Integral, Real


def check_number(
    name: str, value: object, *, low: float = -math.inf, high: float = math.inf, above: float = -math.inf
) -> float:
    """Return `value` as a finite float in [low, high] and > above, else raise TypeError or ValueError.

    Parameters
    ----------
    name : str
        The argument as its caller knows it; it opens the message.
    value : object
        What was given. A bool is not a number here.
    low, high, above : float
        Inclusive bounds and an exclusive lower bound.
    """
    allowed = _range_in_words(low, high, above)
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, {allowed}, got {value!r}")
    number = float(value)
    if not (math.isfinite(number) and low <= number <= high and number > above):
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return number


def check_int(name: str, value: object, *, low: int = 0, high: float = math.inf) -> int:
    """Return `value` as an int in [low, high], else raise TypeError or ValueError."""
    allowed = f"an integer >= {low}" if high == math.inf else f"an integer in [{low}, {high}]"
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be {allowed}, got {value!r}")
    if not low <= int(value) <= high:
        raise ValueError(f"{name} must be {allowed}, got {value!r}")
    return int(value)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of `choices`, else raise TypeError or ValueError."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {choices}, got {value!r}")
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}")
    return value


def _range_in_words(low: float, high: float, above: float) -> str:
    parts = ["finite"]
    if above > -math.inf:
        parts.append(f"> {above:g}")
    if low > -math.inf and high < math.inf:
        parts.append(f"in [{low:g}, {high:g}]")
    elif low > -math.inf:
        parts.append(f">= {low:g}")
    elif high < math.inf:
        parts.append(f"<= {high:g}")
    return parts[0] + (" and " + " and ".join(parts[1:]) if parts[1:] else "")
