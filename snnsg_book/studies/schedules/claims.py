"""S7 to S11, S19: slopes that change while training. T21 to T25, T48, T49, T64, T66: what repairs and beats them."""

from __future__ import annotations

from dataclasses import replace

from snnsg_book.claim import AFTER, JOINED, Claim, Retired
from snnsg_book.regime import Joint, Pilot, Regime

from .measures import (
    best_over_adaptive,
    final_difference,
    found_over_known,
    gain_of_following_moments,
    gain_of_one_change,
    gain_of_rescaling,
    gain_of_the_floor,
    kept_by_the_reward,
    linear_over_rescaled,
    picked_over_adaptive,
    share_of_best,
    steep_over_adaptive,
    steep_over_coded,
    steep_over_interval,
)

HOVER = "PlanarHover, slow actor"
DEFAULT = "PlanarHover, default rates"
CRAZYFLIE = "CrazyflieHover"
SETTINGS = {HOVER: "slow_actor", DEFAULT: "default", CRAZYFLIE: "crazyflie"}
FOUND = {HOVER: "slow_actor", CRAZYFLIE: "crazyflie"}
AREA = {"slow_actor": 0.095, "default": 0.446, "crazyflie": 0.075}  # SD over seeds: adaptive over best fixed slope
SPEED = {"slow_actor": 0.275, "default": 0.148, "crazyflie": 0.192}  # SD over seeds: k=100 over adaptive
RUNS = (
    "Changed after its table was seen: until 28 November 2026 it read runs whose schedule counted the reward from 0. A"
    " crash earns more than that, so the slope left 1 at once. The runs made since count from the return of a crash."
)


def regimes(margin: float, direction: str = "above", settings: dict[str, str] = SETTINGS) -> tuple[Regime, ...]:
    """One regime for each setting."""
    return tuple(Regime(name, margin, direction, (("setting", setting),)) for name, setting in settings.items())


def piloted(margin: float, effect: float, spread: dict[str, float], direction: str = "above") -> dict[str, Regime]:
    """One regime for each setting, with the spread of earlier runs, by the setting's name."""
    source = "SD of schedules_td3 beside td3_slopes"
    return {
        name: Regime(name, margin, direction, (("setting", setting),), Pilot(effect, spread[setting], source))
        for name, setting in SETTINGS.items()
    }


def against_both(prefix: str = "") -> tuple[Joint, ...]:
    """In each setting, better than the adaptive schedule and than the best fixed slope."""
    return tuple(
        Joint(
            name,
            tuple(
                Regime(f"{prefix}against {other}", 1.0, where=(("setting", setting),))
                for other in ("adaptive", "best fixed slope")
            ),
        )
        for name, setting in FOUND.items()
    )


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
        notes=(RUNS,),
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
        notes=(
            RUNS,
            "Until then it spoke of half the training, with the margin of 1.5 that it still has.",
        ),
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
        notes=(RUNS,),
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
        notes=(
            RUNS,
            "Until then it took the smaller of cloning and TD3 in each seed, which is harder than what is claimed.",
        ),
    ),
    Claim(
        id="S19",
        sentence="A scheduled slope saves the sweep: it trains about as fast as the slope that a sweep picks.",
        source="The paper, key findings (hyperparameter optimisation)",
        statistic="TD3: steps to the threshold return, the slope that is fastest in one other seed (mean over all other"
        " seeds) over the adaptive schedule, a ratio (censored at the budget); claimed not slower by more than a tenth",
        regimes=regimes(0.9),
        table="schedules_meant_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=picked_over_adaptive,
        notes=(AFTER,),
    ),
    Claim(
        id="T21",
        sentence="An adaptive slope is faster than the best fixed slope, too.",
        source="This book, what Figure 4 leaves out",
        statistic="TD3: steps to the threshold return, best fixed slope over the adaptive schedule, a ratio (censored"
        " at the budget)",
        regimes=regimes(1.0, settings=FOUND),
        table="schedules_meant_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=best_over_adaptive,
        notes=(
            RUNS,
            "The regime of the default rates is retired, for want of seeds; with it this claim was open.",
        ),
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
        notes=(RUNS,),
    ),
    Claim(
        id="T48",
        sentence="Counting the reward from a crash instead of from zero makes the adaptive schedule learn sooner.",
        source="This book",
        statistic="TD3: area under the learning curve, adaptive schedule with the floor at the return of a crash and"
        " short means, over that with the floor at 0 and means over ten evaluations",
        regimes=tuple(piloted(1.0, 1.1, AREA).values()),
        table="schedules_meant_td3",
        beside=("schedules_td3",),
        seeds=20,
        measure=gain_of_the_floor,
        notes=("Its power was computed after its run. At the default rates it was 0.15: open was built in there.",),
    ),
    Claim(
        id="T64",
        sentence="Short means alone slow the adaptive schedule down.",
        source="This book, T48 taken apart after its table was seen",
        statistic="TD3: area under the learning curve, the adaptive schedule with one of its two changes over that"
        " without",
        regimes=tuple(
            replace(regime, name=f"{name}, short means alone")
            for name, regime in piloted(0.95, 0.86, AREA, "below").items()
            if name in FOUND
        ),
        table="schedules_normalisation",
        beside=("schedules_td3",),
        seeds=20,
        measure=gain_of_one_change,
        notes=("Registered when the table of T48 was known, before its own; its power was computed after its run.",),
    ),
    Claim(
        id="T66",
        sentence="In TD3, too, Adam's memory is what the adaptive schedule as meant suffers from.",
        source="This book, after T48 and before its run",
        statistic="TD3: area under the learning curve, the schedule as meant with rescaled moments over that as it is",
        regimes=tuple(regime for name, regime in piloted(1.05, 1.16, AREA).items() if name in FOUND),
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
            replace(regime, name=f"{name}, {form}")
            for name, regime in piloted(1.1, 1.3, SPEED).items()
            for form in ("cube", "cube and trend")
        ),
        table="schedules_meant_td3",
        beside=("td3_slopes",),
        seeds=20,
        measure=steep_over_coded,
        notes=("Its power was computed after its run.",),
    ),
    Claim(
        id="T23",
        sentence="A schedule that was searched for beats the paper's adaptive schedule and the best fixed slope.",
        source="This book",
        statistic="TD3: area under the learning curve of the winner of the search, over that of the other",
        regimes=against_both(),
        table="schedules_confirm",
        beside=("schedules_td3", "td3_slopes"),
        seeds=20,
        measure=found_over_known,
        notes=(JOINED,),
    ),
    Claim(
        id="T24",
        sentence="Larger initial weights, found by the same search, beat both from the usual start.",
        source="This book",
        statistic="TD3: area under the learning curve with the winning initialisation, over that of the other from the"
        " usual one",
        regimes=against_both("initialisation "),
        table="schedules_confirm",
        beside=("schedules_td3", "td3_slopes"),
        seeds=20,
        measure=found_over_known,
        notes=(JOINED,),
    ),
)
RETIRED = (
    Retired(
        "T21",
        "PlanarHover, default rates: 0.96 [0.88, 1.03], claimed above 1, with 30 seeds",
        "All slopes end alike there: about 1,240 seeds would decide.",
        "2026-11-28",
    ),
)
