"""S14 to S18: what the paper advises, or says in passing, of slopes in cloning and in TD3. Entered after the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnsg_book.claim import AFTER, Claim
from snnsg_book.regime import Estimate, Regime
from snnsg_lib.statistics import NUM_RESAMPLES, interval_of_resamples, paired_shares, resampled_counts

from .outcomes import outcomes

if TYPE_CHECKING:
    import pandas as pd

HOVER = "PlanarHover, slow actor"
DEFAULT = "PlanarHover, default rates"
CRAZYFLIE = "CrazyflieHover"
SETTINGS = {HOVER: "slow_actor", DEFAULT: "default", CRAZYFLIE: "crazyflie"}
SHALLOW, STEEP = [1.0, 2.0, 5.0, 10.0], [50.0, 100.0]


def by_slope(rows: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """One column of `outcomes`: a row for each seed, a column for each slope."""
    return outcomes(rows, ["slope", "seed"]).pivot(index="seed", columns="slope", values=outcome).dropna()


def steep_over_shallow(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Mean area under the learning curves of k=50, 100 over that of k=1, 2, 5, 10, for each seed."""
    auc = by_slope(rows, "auc")
    return auc[STEEP].mean(axis=1) / auc[SHALLOW].mean(axis=1)


def shallow_over_intermediate(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Updates to the threshold: k=1 over k=10."""
    speed = by_slope(rows, "speed")
    return speed[1.0] / speed[10.0]


def final_returns(rows: pd.DataFrame, regime: Regime) -> pd.DataFrame:
    """Final return of each seed (row) at each shallow and each steep slope (column)."""
    return by_slope(rows, "final")[SHALLOW + STEEP]


def ratio_of_spreads(finals: pd.DataFrame, num_resamples: int = NUM_RESAMPLES) -> Estimate:
    """Standard deviation over seeds, mean of the shallow slopes over mean of the steep ones; seeds are resampled."""
    values = finals.to_numpy() - finals.to_numpy().mean(axis=0)
    n = len(values)
    counts = resampled_counts(n, num_resamples).astype(float)
    means, squares = counts @ values / n, counts @ values**2 / n
    spreads = np.sqrt((squares - means**2).clip(0))
    shallow = [column in SHALLOW for column in finals.columns]
    ratio = spreads[:, shallow].mean(axis=1) / spreads[:, np.logical_not(shallow)].mean(axis=1)
    own = values.std(axis=0)
    return Estimate(*interval_of_resamples(own[shallow].mean() / own[np.logical_not(shallow)].mean(), ratio))


def more_fall_back(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """1 for a seed in which a larger share of the shallow runs than of the steep ones falls back, -1 if smaller."""
    collapsed = by_slope(rows, "collapsed").astype(float)
    return np.sign(collapsed[SHALLOW].mean(axis=1) - collapsed[STEEP].mean(axis=1))


def lead_among_seeds(signs: pd.Series) -> tuple[float, float, float]:
    """Share of seeds that speak for the claim minus the share that speak against it, with its exact interval."""
    return paired_shares(signs)


def shift_between_regimes(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """log10 of the slope with the largest area under the learning curve: that in cloning over that in TD3."""
    cloning, trying = (
        by_slope(rows[rows["table"] == table], "auc").idxmax(axis=1) for table in ("bc_slopes", "td3_slopes")
    )
    return np.log10(cloning / trying).dropna()


def _regimes(margin: float) -> tuple[Regime, ...]:
    return tuple(Regime(name, margin, where=(("setting", setting),)) for name, setting in SETTINGS.items())


ADVICE_CLAIMS = (
    Claim(
        id="S14",
        sentence="In supervised learning, steep slopes (k=50 to 100) are the ones to use.",
        source="The paper, practical recommendations",
        statistic="cloning: area under the learning curve, mean of k=50, 100 over mean of k=1, 2, 5, 10",
        regimes=_regimes(1.0),
        table="bc_slopes",
        seeds=20,
        measure=steep_over_shallow,
        notes=(AFTER,),
    ),
    Claim(
        id="S15",
        sentence="In supervised learning, shallow slopes add noise and need more updates.",
        source="The paper, supervised learning results",
        statistic="cloning: updates to the threshold return, k=1 over k=10, a ratio",
        regimes=_regimes(1.1),
        table="bc_slopes",
        seeds=20,
        measure=shallow_over_intermediate,
        notes=(AFTER,),
    ),
    Claim(
        id="S16",
        sentence="In reinforcement learning, shallow slopes vary more in final performance across runs.",
        source="The paper, reinforcement learning results",
        statistic="TD3: standard deviation of the final return over seeds, mean of k=1, 2, 5, 10 over mean of k=50,"
        " 100",
        regimes=_regimes(1.0),
        table="td3_slopes",
        seeds=20,
        measure=final_returns,
        estimator=ratio_of_spreads,
        notes=(AFTER,),
    ),
    Claim(
        id="S17",
        sentence="In reinforcement learning, training with shallow slopes is less stable.",
        source="The paper, reinforcement learning results (bad intermediate updates)",
        statistic="TD3: share of seeds in which more of the shallow runs (k=1, 2, 5, 10) than of the steep ones (k=50,"
        " 100) fall back below half of their best, minus share with fewer; exact interval",
        regimes=_regimes(0.05),
        table="td3_slopes",
        seeds=20,
        measure=more_fall_back,
        estimator=lead_among_seeds,
        notes=(AFTER,),
    ),
    Claim(
        id="S18",
        sentence="The best slope differs between the regimes: steeper in supervised than in reinforcement learning.",
        source="The paper, key findings (learning regime dependence)",
        statistic="log10 of the slope with the largest area under the learning curve, cloning over TD3; 0.3 is a factor"
        " of two",
        regimes=_regimes(0.3),
        table="bc_slopes",
        beside=("td3_slopes",),
        seeds=20,
        measure=shift_between_regimes,
        notes=(AFTER,),
    ),
)
