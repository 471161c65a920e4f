"""Controls for `flossing_tasks`, one factor at a time: other gains, slopes, learning rates, and longer training.

Networks, trials, rows and arms as there, with recurrent weights times 2 and 8 besides; every cell differs from one of
that table in one thing, training for four times as many steps also in the longer delay of XOR.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .tasks import STEPS, Config
from .tasks import run as run

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 20
LONGER = 4
ARMS = ("none", "before", "gain", "slope")


def configs(quick: bool = False) -> list[Config]:
    """Controls x 20 seeds, long training first; one short delay with larger weights and without if quick."""
    if quick:
        return [Config("copy", 20, arm, seed, steps=90) for arm in ("none", "gain 8") for seed in range(6)]
    far = [("copy", 80), ("xor", 36), ("copy", 100), ("xor", 48)]
    cells = [Config(task, delay, arm, steps=LONGER * STEPS[task]) for task, delay in far for arm in ARMS]
    near = [("xor", 24), ("copy", 80), ("xor", 36), ("copy", 45), ("copy", 20)]
    cells += [Config(task, delay, arm, steps=STEPS[task]) for task, delay in near for arm in ("gain 2", "gain 8")]
    cells += [
        Config(task, delay, arm, slope=slope, steps=STEPS[task])
        for task, delay in (("copy", 80), ("xor", 24), ("copy", 20))
        for slope in (1.0, 25.0)
        for arm in ("none", "before")
    ]
    cells += [Config("copy", 20, arm, learning_rate=2e-3) for arm in ("none", "before", "gain")]
    cells += [Config("copy", 20, arm) for arm in ("gain and floss", "during", "both")]
    return [replace(cell, seed=seed) for cell in cells for seed in range(20)]


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether larger weights have the larger exponent before training, and the more spikes."""
    return all(_larger_is_livelier(table) for table in (quick, stored))


def _larger_is_livelier(table: pd.DataFrame) -> bool:
    first = table[table.step == 0].groupby("arm")[["exponent", "rate"]].mean()
    return bool((first.loc["gain 8"] > first.loc["none"]).all())
