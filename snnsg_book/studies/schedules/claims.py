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
    final = arms(rows, "final").reindex(columns=["meant", "meant, change alone"]).dropna()
    return final["meant"] - final["meant, change alone"]


def steep_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the adaptive schedule."""
    return ratio(arms(rows, "speed"), "k = 100", "meant")


def final_difference(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: adaptive minus best fixed slope, as a share of the latter."""
    final = arms(rows, "final")
    best = best_fixed(final, largest=True)
    return ((final["meant"] - best) / best).dropna()


def share_of_best(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve, adaptive over best fixed slope, of the learner that the regime names."""
    learner = "bc" if regime.name.endswith("cloning") else "td3"
    auc = arms(rows[rows["table"].str.contains(learner)], "auc")
    return (auc["meant"] / best_fixed(auc, largest=True)).dropna()


def best_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: best fixed slope over the adaptive schedule."""
    speed = arms(rows, "speed")
    return (best_fixed(speed, largest=False) / speed["meant"]).dropna()


def linear_over_rescaled(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: the linear interval schedule as it is, over that whose moments follow the slope."""
    return ratio(arms(rows, "speed"), "interval, linear", "interval, rescaled")


def gain_of_rescaling(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: the adaptive schedule whose moments follow the slope, minus that as it is."""
    final = arms(rows, "final").reindex(columns=["meant, rescaled", "meant"]).dropna()
    return final["meant, rescaled"] - final["meant"]


def gain_of_the_floor(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: the adaptive schedule that counts from a crash over that which counts from 0."""
    return ratio(arms(rows, "auc"), "meant", "adaptive")


def gain_of_one_change(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: the adaptive schedule with the change that names the regime over that without."""
    return ratio(arms(rows, "auc"), regime.name.rpartition(", ")[2], "adaptive")


def gain_of_following_moments(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: the schedule as meant with moments that follow, over that as it is."""
    return ratio(arms(rows, "auc"), "meant, rescaled", "meant")


def steep_over_coded(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the schedule as coded, without its trend or, if the regime says so, with."""
    return ratio(arms(rows, "speed"), "k = 100", "coded, with trend" if regime.name.endswith("trend") else "coded")


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
        source="The paper, interval scheduling and Figure 4",
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
        source="The paper, adaptive scheduling",
        statistic="TD3: final return of the adaptive schedule minus that with a weight of 0 on the reward, as a share"
        " of the highest return",
        regimes=regimes(0.05, settings=FOUND),
        table="schedules_meant_td3",
        seeds=20,
        measure=kept_by_the_reward,
    ),
    Claim(
        id="S9",
        sentence="A scheduled slope reaches a return of 100 at least one and a half times as soon as a steep slope.",
        source="The paper, Figure 4; its abstract gives a factor of 2.1",
        statistic="TD3: steps to the threshold return, k=100 over the adaptive schedule, a ratio (censored at the"
        " budget)",
        regimes=regimes(1.5),
        table="schedules_meant_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=steep_over_adaptive,
    ),
    Claim(
        id="S10",
        sentence="In the end, scheduled agents fly as well as those with the best fixed slope.",
        source="The paper, Figure 5",
        statistic="TD3: final return of the adaptive schedule minus that of the best fixed slope, as a share of the"
        " latter",
        regimes=regimes(0.05, "within"),
        table="schedules_meant_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=final_difference,
    ),
    Claim(
        id="S11",
        sentence="Where the best slope is unknown, an adaptive slope loses little against the best fixed one.",
        source="The paper, practical recommendations",
        statistic="area under the learning curve of the adaptive schedule over that of the best fixed slope,"
        " cloning and TD3 apart",
        regimes=tuple(
            Regime(f"{name}, {learner}", 0.9, where=(("setting", setting),))
            for name, setting in FOUND.items()
            for learner in ("cloning", "TD3")
        ),
        table="schedules_meant_td3",
        beside=("schedules_meant_bc", "bc_slopes", "td3_slopes"),
        seeds=20,
        measure=share_of_best,
    ),
    Claim(
        id="T21",
        sentence="An adaptive slope is faster than the best fixed slope, too.",
        source="This book, what Figure 4 leaves out",
        statistic="TD3: steps to the threshold return, best fixed slope over the adaptive schedule, a ratio (censored"
        " at the budget)",
        regimes=regimes(1.0),
        table="schedules_meant_td3",
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
        table="schedules_meant_bc",
        seeds=20,
        measure=gain_of_rescaling,
    ),
    Claim(
        id="T48",
        sentence="Counting the reward from a crash instead of from zero makes the adaptive schedule learn sooner.",
        source="This book",
        statistic="TD3: area under the learning curve, adaptive schedule with the floor at the return of a crash and"
        " short means, over that with the floor at 0 and means over ten evaluations",
        regimes=regimes(1.0),
        table="schedules_meant_td3",
        beside=("schedules_td3",),
        seeds=20,
        measure=gain_of_the_floor,
    ),
    Claim(
        id="T64",
        sentence="Short means alone slow the adaptive schedule down.",
        source="This book, T48 taken apart after its table was seen",
        statistic="TD3: area under the learning curve, the adaptive schedule with one of its two changes over that"
        " without",
        regimes=tuple(
            Regime(f"{name}, short means alone", 0.95, "below", where=(("setting", setting),))
            for name, setting in FOUND.items()
        ),
        table="schedules_normalisation",
        beside=("schedules_td3",),
        seeds=20,
        measure=gain_of_one_change,
    ),
    Claim(
        id="T66",
        sentence="In TD3, too, Adam's memory is what the adaptive schedule as meant suffers from.",
        source="This book, after T48 and before its run",
        statistic="TD3: area under the learning curve, the schedule as meant with rescaled moments over that as it is",
        regimes=regimes(1.05, settings=FOUND),
        table="schedules_normalisation",
        beside=("schedules_meant_td3",),
        seeds=20,
        measure=gain_of_following_moments,
    ),
    Claim(
        id="T49",
        sentence="The schedule as its authors coded it trains faster than slope 100 throughout.",
        source="This book, the published code",
        statistic="TD3: steps to the threshold return, k=100 over the schedule as coded, a ratio (censored at the"
        " budget)",
        regimes=tuple(
            Regime(f"{name}, {form}", 1.1, where=(("setting", setting),))
            for name, setting in SETTINGS.items()
            for form in ("cube", "cube and trend")
        ),
        table="schedules_meant_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=steep_over_coded,
    ),
    Claim(
        id="T23",
        sentence="A schedule that was searched for beats the paper's adaptive schedule and the best fixed slope.",
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
