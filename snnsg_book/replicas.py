"""Which configs are replicas of one network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any


def in_groups(
    configs: Sequence[Any], key: Callable[[Any], Any], train: Callable[[Any, list[Any]], Sequence[Any]]
) -> list[Any]:
    """Train configs of equal key together and return the outcomes in the order of `configs`.

    Parameters
    ----------
    configs : sequence
    key : callable
        What configs must share to be replicas of one network, such as `all_but("slope")`.
    train : callable
        ``train(key, group)`` returns one outcome for each config of the group.
    """
    groups: dict[Any, list[int]] = {}
    for index, config in enumerate(configs):
        groups.setdefault(key(config), []).append(index)
    outcomes: list[Any] = [None] * len(configs)
    for shared, indices in groups.items():
        for index, outcome in zip(indices, train(shared, [configs[i] for i in indices]), strict=True):
            outcomes[index] = outcome
    return outcomes


def all_but(*own: str) -> Callable[[Any], Any]:
    """Return the key of configs that may differ in these fields and in no other, for `in_groups`.

    Parameters
    ----------
    *own : str
        Fields that each replica has for itself, such as ``"slope"``.

    Returns
    -------
    callable
        Config to config: the same with the fields `own` at their defaults. KeyError if there is no such field.
    """

    def shared(config: Any) -> Any:
        defaults = {field.name: field.default for field in dataclasses.fields(config)}
        return dataclasses.replace(config, **{name: defaults[name] for name in own})

    return shared
