"""Configurations: frozen dataclasses, one for each run."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any


def grid(base: Any, **fields: Any) -> list[Any]:
    """Return one config for each combination of the given values; the last field varies fastest.

    Parameters
    ----------
    base : frozen dataclass instance
        Gives every field that is not named.
    **fields : iterable or single value
        The values of a field; a string or a number stands for itself. Values that are tuples come in a list.

    Examples
    --------
    >>> len(grid(Config(), seed=range(30), slope=[1, 10, 100]))
    90
    """
    known = fields_of(base)
    for name in fields:
        if name not in known:
            raise ValueError(f"{type(base).__name__} has no field {name!r}; its fields are {', '.join(known)}")
    axes = [_axis(values) for values in fields.values()]
    for name, axis in zip(fields, axes, strict=True):
        if not axis:
            raise ValueError(f"{name} must have at least one value, got none")
    return [
        dataclasses.replace(base, **dict(zip(fields, map(plain, values), strict=True)))
        for values in itertools.product(*axes)
    ]


def plain(value: Any) -> Any:
    """Return Python's own type for a number of NumPy's or a tensor without axes."""
    if isinstance(value, bool | str | None | tuple):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


def _axis(values: Any) -> list[Any]:
    return list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]


def _is_frozen(config: Any) -> bool:
    return config.__dataclass_params__.frozen


def fields_of(config: Any) -> list[str]:
    """Return the names of a config's fields; TypeError if it is no frozen dataclass."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type) or not _is_frozen(config):
        raise TypeError(f"a config must be an instance of a frozen dataclass, got {config!r}")
    return [field.name for field in dataclasses.fields(config)]


def checked_configs(configs: Sequence[Any]) -> list[Any]:
    """Return the configs as a list of one frozen class with fields that JSON can hold, else TypeError or ValueError."""
    configs = list(configs)
    if not configs:
        raise ValueError("configs must hold at least one config, got none")
    for config in configs:
        if type(config) is not type(configs[0]):
            raise TypeError(
                f"configs must all be of one class, got {type(configs[0]).__name__} and {type(config).__name__}"
            )
        for name in fields_of(config):
            _check_field(name, getattr(config, name))
    return configs


def _check_field(name: str, value: Any) -> None:
    if isinstance(value, tuple):
        for item in value:
            _check_field(name, item)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    elif type(value) not in (str, int, float, bool, type(None)):
        raise TypeError(f"{name} must be a str, int, float, bool, None or a tuple of those, got {value!r}")
