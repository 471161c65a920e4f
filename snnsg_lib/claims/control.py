"""S4 to S6 and S12: the slope in behavioural cloning and in online reinforcement learning."""

from __future__ import annotations

from .claim import Claim, Regime

HOVER = "PlanarHover, low actor rate"
DEFAULT = "PlanarHover, default rates"
CRAZYFLIE = "CrazyflieHover"

CONTROL_CLAIMS = (
    Claim(
        id="S4",
        sentence="After behavioural cloning, the final return hardly depends on the slope.",
        source="First seed, supervised learning results",
        statistic="final return with the best slope minus that with the worst, as a share of the expert's return",
        regimes=(
            Regime(HOVER, margin=0.05, direction="below"),
            Regime(DEFAULT, margin=0.05, direction="below"),
            Regime(CRAZYFLIE, margin=0.05, direction="below"),
        ),
        table="bc_slopes",
        seeds=20,
    ),
    Claim(
        id="S5",
        sentence="Online TD3 learns far better with a shallow slope than with a steep one.",
        source="First seed, reinforcement learning results",
        statistic="area under the learning curve, best of k=1..10 over k=100, as a ratio",
        regimes=(Regime(HOVER, margin=1.1), Regime(DEFAULT, margin=1.1), Regime(CRAZYFLIE, margin=1.1)),
        table="td3_slopes",
        seeds=20,
    ),
    Claim(
        id="S6",
        sentence="The gradient noise of a shallow slope helps exploration, as noise on the parameters does.",
        source="First seed, reinforcement learning results",
        statistic="area under the learning curve at k=100, with added gradient noise of matched cosine minus without,"
        " as a share of that without",
        regimes=(Regime(HOVER, margin=0.05), Regime(CRAZYFLIE, margin=0.05)),
        table="exploration",
        seeds=15,
    ),
    Claim(
        id="S12",
        sentence="Stacked observations and a reset between actions do the work of a warm-up.",
        source="First seed, surrogate gradients across learning regimes",
        statistic="final return with stack and reset minus that of a stateful policy with a discarded warm-up, as a"
        " share of the expert's return",
        regimes=(Regime(HOVER, margin=-0.05), Regime(CRAZYFLIE, margin=-0.05)),
        table="warm_up",
    ),
)
