"""Which configs are replicas of one network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any


def by_network(configs: Iterable[Any], run: Callable[[Any, list[float]], list[list[dict]]]) -> list[list[dict]]:
    """Run neighbouring configs that differ in nothing but their slope together, as replicas of one network.

    Parameters
    ----------
    configs : iterable of dataclass
        With a field `slope`.
    run : callable
        ``run(config, slopes)`` returns the rows of each slope.
    """
    rows = []
    for _, group in groupby(configs, key=lambda config: {**vars(config), "slope": None}):
        members = list(group)
        rows += run(members[0], [config.slope for config in members])
    return rows


def in_groups(
    configs: Sequence[Any], key: Callable[[Any], Any], train: Callable[[Any, list[Any]], Sequence[Any]]
) -> list[Any]:
    """Train configs of equal key together and return the outcomes in the order of `configs`.

    Parameters
    ----------
    configs : sequence
    key : callable
        What configs must share to be replicas of one network.
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
