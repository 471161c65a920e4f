"""The bars of the paper's Figures 4 and 5, and what our runs come to when they are counted in the same way.

The bars were read by eye (half an epoch, three points of return); they carry no error bars. Their return is the largest
of the curve over training, which a lucky evaluation raises; the mean of the last three evaluations stands beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsg_book.studies.control.outcomes import HIGHEST_RETURN, outcomes, task_of
from snnsg_lib.statistics import bootstrap_interval, iqm

from .comparisons import with_arm

if TYPE_CHECKING:
    import pandas as pd

# Arm: (epochs to a return of 100, best return) of TD3. Van den Berghe et al. (2025), Figures 4 and 5.
PUBLISHED = {
    "k = 2": (22.5, 483.0),
    "k = 50": (40.7, 188.0),
    "k = 100": (41.9, 177.0),
    "interval": (30.5, 396.0),
    "adaptive": (22.5, 449.0),
}
# Which of our arms stands for which of theirs.
OURS = {
    "k = 2": "k = 2",
    "k = 50": "k = 50",
    "k = 100": "k = 100",
    "interval, linear": "interval",
    "meant": "adaptive",
    "coded": "adaptive",
}


def beside_the_published(*tables: pd.DataFrame) -> pd.DataFrame:
    """Return how each arm compares with slope 2, in the paper and here.

    Parameters
    ----------
    *tables : DataFrame
        Learning curves of one setting: `td3_slopes`, `schedules_td3`, `schedules_meant_td3`.

    Returns
    -------
    DataFrame
        arm, measure (``"time"`` to the threshold, ``"best"`` and ``"final"`` return), published, here, low and high:
        each over that of slope 2. Ours are interquartile means of ratios of paired seeds with 95 % intervals; a run
        that never arrives counts with its whole budget.
    """
    import pandas as pd

    curves = pd.concat([with_arm(table)[["setting", "arm", "seed", "step", "episode_return"]] for table in tables])
    runs = outcomes(curves, ["arm", "seed"]).set_index(["arm", "seed"])
    highest = HIGHEST_RETURN[task_of(curves["setting"].iloc[0])]
    runs["best"] = curves.groupby(["arm", "seed"])["episode_return"].max() / highest
    measures = {"time": ("speed", 0), "best": ("best", 1), "final": ("final", 1)}
    rows = []
    for measure, (column, place) in measures.items():
        wide = runs[column].unstack("arm")
        for arm, theirs in OURS.items():
            ratio = (wide[arm] / wide["k = 2"]).dropna()
            published = PUBLISHED[theirs][place] / PUBLISHED["k = 2"][place]
            rows.append((arm, measure, published, iqm(ratio), *bootstrap_interval(ratio)))
    return pd.DataFrame(rows, columns=["arm", "measure", "published", "here", "low", "high"])
