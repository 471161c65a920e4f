"""Results by layer: a dictionary {layer: value} that also knows how the model calls its layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")


class ByLayer(dict[int, Value]):
    """{layer: value}; equal to a plain dictionary of the same values.

    Attributes
    ----------
    names : dict of int to str
        Name of each layer in the model, e.g. ``"conv1"``; empty where the values came without names.
    """

    def __init__(self, values: Mapping[int, Value] | Iterable[tuple[int, Value]] = (), names: Any = None):
        super().__init__(values)
        self.names: dict[int, str] = dict(names or {})


def names_of(values: Mapping[int, Any]) -> dict[int, str]:
    """Names that come with a dictionary by layer, an empty dictionary without them."""
    return getattr(values, "names", {})
