"""What the lines of these figures are made of: the statistics by which the claims are decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from snnsg_book.style import middles_and_intervals
from snnsg_lib.statistics import success_rate_interval

if TYPE_CHECKING:
    import pandas as pd


def middles(table: pd.DataFrame, by: Sequence[str], column: str) -> pd.DataFrame:
    """Interquartile mean over seeds with its 95 % bootstrap interval: columns middle, low, high for each group.

    Parameters
    ----------
    table : DataFrame
        One value of `column` for each `seed` in each group; several are averaged.
    by : sequence of str
        Columns that make the groups; they become the index.
    column : str
    """
    per_seed = table[column].groupby([table[name] for name in (*by, "seed")]).mean().unstack("seed")
    middle, low, high = middles_and_intervals(per_seed.to_numpy(dtype=float)).T
    return per_seed.assign(middle=middle, low=low, high=high)[["middle", "low", "high"]]


def solved_shares(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Share of networks whose `solved` is True with its exact 95 % interval: columns middle, low, high for each group.

    Parameters
    ----------
    table : DataFrame
        One row for each network in each group.
    by : sequence of str
        Columns that make the groups; they become the index.
    """
    counts = table.solved.groupby([table[name] for name in by]).agg(["sum", "count"])
    low, high = np.array([success_rate_interval(int(k), int(n)) for k, n in counts.to_numpy()]).T
    return counts.assign(middle=counts["sum"] / counts["count"], low=low, high=high)[["middle", "low", "high"]]
