"""What bad episodes leave in the replay buffer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def buffer_contents(curves: pd.DataFrame, by: Sequence[str] = ("slope", "seed")) -> pd.DataFrame:
    """Return the table with what bad episodes have left in the replay buffer at each evaluation.

    It follows from what was collected between evaluations, as long as the buffer has thrown nothing away: TD3 keeps
    100,000 transitions, more than a run of the book takes. Ages are good to half a period, as a period counts as if
    its transitions had all come in its middle.

    Parameters
    ----------
    curves : DataFrame
        Columns `by`, step and low_share, one row for each evaluation of a run from its first to its last.
    by : sequence of str
        Columns that tell runs apart.

    Returns
    -------
    DataFrame
        All of `curves`, and `buffer_share`, the share of the transitions in the buffer that belong to bad episodes, and
        `buffer_age`, how many environment steps ago these were collected, on average; NaN where there are none.
    """
    import pandas as pd

    rows = curves.sort_values("step")
    return pd.concat([_contents(run) for _, run in rows.groupby(list(by))])


def _contents(run: pd.DataFrame) -> pd.DataFrame:
    """`buffer_contents` of one run."""
    step, share = run["step"].to_numpy(dtype=float), run["low_share"].to_numpy(dtype=float)
    period = np.diff(step, prepend=0.0)
    known = np.where(np.isnan(share), 0.0, period)  # only episodes that ended within the run count
    bad = known * np.nan_to_num(share)
    with np.errstate(invalid="ignore"):
        collected = np.cumsum(bad * (step - period / 2)) / np.cumsum(bad)
        return run.assign(buffer_share=np.cumsum(bad) / np.cumsum(known), buffer_age=step - collected)
