"""S7 to S11: slopes that change while training."""

from __future__ import annotations

from .claim import Claim, Regime

HOVER = "PlanarHover, low actor rate"
DEFAULT = "PlanarHover, default rates"
CRAZYFLIE = "CrazyflieHover"

SCHEDULE_CLAIMS = (
    Claim(
        id="S7",
        sentence="Raising the slope from 1 to 100 at a fixed interval trains faster than slope 100 throughout.",
        source="First seed, interval scheduling and Figure 4",
        statistic="steps to the threshold return, k=100 over the interval schedule, a ratio (censored at the budget)",
        regimes=(Regime(HOVER, margin=1.1), Regime(DEFAULT, margin=1.1), Regime(CRAZYFLIE, margin=1.1)),
        table="schedules",
        seeds=20,
    ),
    Claim(
        id="S8",
        sentence="In the adaptive schedule, the weight on the reward itself keeps what was learnt.",
        source="First seed, adaptive scheduling",
        statistic="final return of the adaptive schedule minus that without its proportional term, as a share of the"
        " best return",
        regimes=(Regime(HOVER, margin=0.05), Regime(CRAZYFLIE, margin=0.05)),
        table="schedule_weights",
        seeds=15,
    ),
    Claim(
        id="S9",
        sentence="A scheduled slope reaches a return of 100 in half the training that a steep slope needs.",
        source="First seed, Figure 4; the paper's abstract gives a factor of 2.1",
        statistic="steps to the threshold return, k=100 over the adaptive schedule, a ratio (censored at the budget)",
        regimes=(Regime(HOVER, margin=1.5), Regime(DEFAULT, margin=1.5), Regime(CRAZYFLIE, margin=1.5)),
        table="schedules",
        seeds=20,
    ),
    Claim(
        id="S10",
        sentence="In the end, scheduled agents fly as well as those with the best fixed slope.",
        source="First seed, Figure 5",
        statistic="final return of the adaptive schedule minus that of the best fixed slope, as a share of the latter",
        regimes=(
            Regime(HOVER, margin=0.05, direction="within"),
            Regime(DEFAULT, margin=0.05, direction="within"),
            Regime(CRAZYFLIE, margin=0.05, direction="within"),
        ),
        table="schedules",
        seeds=20,
    ),
    Claim(
        id="S11",
        sentence="Where the best slope is unknown, an adaptive slope loses little against the best fixed one.",
        source="First seed, practical recommendations",
        statistic="area under the learning curve of the adaptive schedule over that of the best fixed slope, the"
        " smaller of cloning and TD3",
        regimes=(Regime(HOVER, margin=0.9), Regime(CRAZYFLIE, margin=0.9)),
        table="schedules",
        seeds=20,
    ),
)
