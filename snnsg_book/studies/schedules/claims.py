"""S7 to S11: slopes that change while training; T21 to T25: what repairs them, and what beats them.

Runs under schedules are compared with runs of fixed slopes, seed by seed. "The best fixed slope" of a seed is the one
that is best on average over all other seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsg_book.claim import Claim, Regime
from snnsg_book.studies.control.outcomes import outcomes

from .comparisons import best_fixed, with_arm

if TYPE_CHECKING:
    import pandas as pd

HOVER = "PlanarHover, slow actor"
DEFAULT = "PlanarHover, default rates"
CRAZYFLIE = "CrazyflieHover"
SETTINGS = {HOVER: "slow_actor", DEFAULT: "default", CRAZYFLIE: "crazyflie"}
FOUND = {HOVER: "slow_actor", CRAZYFLIE: "crazyflie"}


def arms(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of `outcomes`: a row for each seed, a column for each arm."""
    runs = outcomes(with_arm(rows), ["arm", "seed"])
    return runs.pivot(index="seed", columns="arm", values=column)


def ratio(wide: pd.DataFrame, first: str, second: str) -> pd.Series:
    """The first arm over the second, for the seeds that both have."""
    both = wide.reindex(columns=[first, second]).dropna()
    return both[first] / both[second]


def steep_over_interval(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the linear interval schedule."""
    return ratio(arms(rows, "speed"), "k = 100", "interval, linear")


def kept_by_the_reward(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: the adaptive schedule minus that whose weight on the reward is 0."""
    final = arms(rows, "final").reindex(columns=["adaptive", "change alone"]).dropna()
    return final["adaptive"] - final["change alone"]


def steep_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the adaptive schedule."""
    return ratio(arms(rows, "speed"), "k = 100", "adaptive")


def final_difference(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: adaptive minus best fixed slope, as a share of the latter."""
    final = arms(rows, "final")
    best = best_fixed(final, largest=True)
    return ((final["adaptive"] - best) / best).dropna()


def smaller_share_of_best(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve, adaptive over best fixed slope: the smaller of cloning and TD3."""
    import pandas as pd

    shares = []
    for learner in ("bc", "td3"):
        auc = arms(rows[rows["table"].str.contains(learner)], "auc")
        shares.append(auc["adaptive"] / best_fixed(auc, largest=True))
    return pd.concat(shares, axis=1, join="inner").dropna().min(axis=1)


def best_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: best fixed slope over the adaptive schedule."""
    speed = arms(rows, "speed")
    return (best_fixed(speed, largest=False) / speed["adaptive"]).dropna()


def linear_over_rescaled(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: the linear interval schedule as it is, over that whose moments follow the slope."""
    return ratio(arms(rows, "speed"), "interval, linear", "interval, rescaled")


def gain_of_rescaling(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: the adaptive schedule whose moments follow the slope, minus that as it is."""
    final = arms(rows, "final").reindex(columns=["adaptive, rescaled", "adaptive"]).dropna()
    return final["adaptive, rescaled"] - final["adaptive"]


def found_over_known(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: what the search found, over the adaptive schedule or the best fixed slope."""
    role = "initialisation" if "initialisation" in regime.name else "schedule"
    found = rows[(rows["table"] == "schedules_confirm") & (rows["role"] == role)].assign(schedule="found")
    known = rows[rows["table"] != "schedules_confirm"]
    auc, won = arms(known, "auc"), arms(found, "auc")["found"]
    against = auc["adaptive"] if "adaptive" in regime.name else best_fixed(auc, largest=True)
    return (won / against).dropna()


def regimes(margin: float, direction: str = "above", settings: dict[str, str] = SETTINGS) -> tuple[Regime, ...]:
    """One regime for each setting."""
    return tuple(Regime(name, margin, direction, (("setting", setting),)) for name, setting in settings.items())


CLAIMS = (
    Claim(
        id="S7",
        sentence="Raising the slope from 1 to 100 at a fixed interval trains faster than slope 100 throughout.",
        source="First seed, interval scheduling and Figure 4",
        statistic="TD3: steps to the threshold return, k=100 over the linear interval schedule, a ratio (censored at"
        " the budget)",
        regimes=regimes(1.1),
        table="schedules_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=steep_over_interval,
    ),
    Claim(
        id="S8",
        sentence="In the adaptive schedule, the weight on the reward itself keeps what was learnt.",
        source="First seed, adaptive scheduling",
        statistic="TD3: final return of the adaptive schedule minus that with a weight of 0 on the reward, as a share"
        " of the highest return",
        regimes=regimes(0.05, settings=FOUND),
        table="schedules_ablation",
        beside=("schedules_td3",),
        seeds=15,
        measure=kept_by_the_reward,
    ),
    Claim(
        id="S9",
        sentence="A scheduled slope reaches a return of 100 in half the training that a steep slope needs.",
        source="First seed, Figure 4; the paper's abstract gives a factor of 2.1",
        statistic="TD3: steps to the threshold return, k=100 over the adaptive schedule, a ratio (censored at the"
        " budget)",
        regimes=regimes(1.5),
        table="schedules_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=steep_over_adaptive,
    ),
    Claim(
        id="S10",
        sentence="In the end, scheduled agents fly as well as those with the best fixed slope.",
        source="First seed, Figure 5",
        statistic="TD3: final return of the adaptive schedule minus that of the best fixed slope, as a share of the"
        " latter",
        regimes=regimes(0.05, "within"),
        table="schedules_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=final_difference,
    ),
    Claim(
        id="S11",
        sentence="Where the best slope is unknown, an adaptive slope loses little against the best fixed one.",
        source="First seed, practical recommendations",
        statistic="area under the learning curve of the adaptive schedule over that of the best fixed slope, the"
        " smaller of cloning and TD3",
        regimes=regimes(0.9, settings=FOUND),
        table="schedules_bc",
        beside=("bc_slopes", "schedules_td3", "td3_slopes"),
        seeds=20,
        measure=smaller_share_of_best,
    ),
    Claim(
        id="T21",
        sentence="An adaptive slope is faster than the best fixed slope, too.",
        source="This book, what Figure 4 leaves out",
        statistic="TD3: steps to the threshold return, best fixed slope over the adaptive schedule, a ratio (censored"
        " at the budget)",
        regimes=regimes(1.0),
        table="schedules_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=best_over_adaptive,
    ),
    Claim(
        id="T22",
        sentence="What stops a linear interval schedule is the memory of Adam: it is faster if the moments follow.",
        source="This book",
        statistic="TD3: steps to the threshold return, the linear interval schedule as it is over that with rescaled"
        " moments, a ratio (censored at the budget)",
        regimes=regimes(1.1),
        table="schedules_td3",
        seeds=20,
        measure=linear_over_rescaled,
    ),
    Claim(
        id="T25",
        sentence="In cloning, too, the memory of Adam is what an adaptive slope suffers from.",
        source="This book",
        statistic="cloning: final return of the adaptive schedule with rescaled moments minus that as it is, as a share"
        " of the highest return",
        regimes=regimes(0.05),
        table="schedules_bc",
        seeds=20,
        measure=gain_of_rescaling,
    ),
    Claim(
        id="T23",
        sentence="A schedule that was searched for beats the seed's adaptive schedule and the best fixed slope.",
        source="This book",
        statistic="TD3: area under the learning curve of the winner of the search, over that of the other",
        regimes=tuple(
            Regime(f"{name}, against {other}", 1.0, where=(("setting", setting),))
            for name, setting in FOUND.items()
            for other in ("adaptive", "best fixed slope")
        ),
        table="schedules_confirm",
        beside=("schedules_td3", "td3_slopes"),
        seeds=20,
        measure=found_over_known,
    ),
    Claim(
        id="T24",
        sentence="Larger initial weights, found by the same search, beat both from the usual start.",
        source="This book",
        statistic="TD3: area under the learning curve with the winning initialisation, over that of the other from the"
        " usual one",
        regimes=tuple(
            Regime(f"{name}, initialisation against {other}", 1.0, where=(("setting", setting),))
            for name, setting in FOUND.items()
            for other in ("adaptive", "best fixed slope")
        ),
        table="schedules_confirm",
        beside=("schedules_td3", "td3_slopes"),
        seeds=20,
        measure=found_over_known,
    ),
)
