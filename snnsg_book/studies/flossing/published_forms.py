"""`flossing_published` with the surrogate whose exponents come closest to the talk's Figure 1, at both its sharpnesses.

Before flossing, an arctangent of sharpness 0.5 and 1 gives binary networks about the largest exponents that are
published, the fast sigmoid of `flossing_published` much lower ones (`flossing_figure`). Delays 18, where flossing is
published to decide between right and wrong, and 14, where our flossed networks begin to learn. Rows as there.

It takes about 13 minutes of one processor for each ten networks, 1 3/4 hours in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snnsg_book.replicas import all_but, in_groups

from . import published
from .sharpness import FORMS

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 10


@dataclass(frozen=True)
class Config(published.Config):
    """One network, with its surrogate."""

    form: str = "arctangent"
    sharpness: float = 0.5


def configs(quick: bool = False) -> list[Config]:
    """Sharpnesses x delays x two arms x 10 seeds; few steps of one cell of each arm if quick."""
    if quick:
        return [Config(18, arm, seed, epochs=1, block=8) for arm in ("none", "flossed") for seed in range(2)]
    cells = [(sharpness, delay) for sharpness in (0.5, 1.0) for delay in (18, 14)]
    return [
        Config(delay, arm, seed, sharpness=sharpness)
        for sharpness, delay in cells
        for arm in ("flossed", "none")
        for seed in range(10)
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Train configs that differ in nothing but their seed as replicas of one network."""
    return in_groups(configs, all_but("seed"), _run)


def _run(config: Config, group: list[Config]) -> list[list[dict]]:
    seeds = [member.seed for member in group]
    net = published.build(seeds)
    net.surrogate = FORMS[config.form](config.sharpness)
    return published.train(net, config, seeds)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the first flossing steps have raised the largest exponent in every network."""
    chosen = table[table.sharpness == 0.5]
    return published.holds(chosen)
