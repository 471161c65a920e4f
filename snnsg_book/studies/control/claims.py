"""S4 to S6 and S12: the slope in behavioural cloning and in online reinforcement learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsg_book.claim import Claim, Regime, paired

from .outcomes import outcomes

if TYPE_CHECKING:
    import pandas as pd

HOVER = "PlanarHover, slow actor"
DEFAULT = "PlanarHover, default rates"
CRAZYFLIE = "CrazyflieHover"
SETTINGS = {HOVER: "slow_actor", DEFAULT: "default", CRAZYFLIE: "crazyflie"}


def cloning(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Best minus worst final return over the slopes of a seed; or updates to the threshold, k=100 over k=2."""
    runs = outcomes(rows, ["slope", "seed"])
    if regime.name.endswith("speed"):
        steep, shallow = paired(runs, "speed", {"slope": 100.0}, {"slope": 2.0})
        return steep / shallow
    final = runs.pivot(index="seed", columns="slope", values="final").dropna()
    return final.max(axis=1) - final.min(axis=1)


def preference(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Mean area under the learning curves of k=1, 2, 5, 10 over that of k=50, 100, for each seed."""
    auc = outcomes(rows, ["slope", "seed"]).pivot(index="seed", columns="slope", values="auc").dropna()
    return auc[[1.0, 2.0, 5.0, 10.0]].mean(axis=1) / auc[[50.0, 100.0]].mean(axis=1)


def help_of_noise(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve at k=100, with the treatment that names the regime minus without."""
    runs = outcomes(rows.assign(setting="slow_actor"), ["treatment", "slope", "seed"])
    treated, own = ({"treatment": name, "slope": 100.0} for name in (regime.name, "own"))
    with_noise, without = paired(runs, "auc", treated, own)
    return with_noise - without


def reset_against_state(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve, the reset that the regime names minus a carried state with discarded warm-up."""
    runs = outcomes(rows.assign(setting="slow_actor"), ["policy", "seed"])
    arm = regime.name.partition(": ")[2]
    reset, stateful = paired(runs, "auc", {"policy": arm}, {"policy": "carried state"})
    return reset - stateful


CLAIMS = (
    Claim(
        id="S4",
        sentence="In behavioural cloning the final return hardly depends on the slope; how soon it is reached does.",
        source="First seed, supervised learning results",
        statistic="final return, best slope minus worst, as a share of the highest return (claimed below 0.05);"
        " updates to the threshold, k=100 over k=2 (claimed above 1.25)",
        regimes=tuple(
            Regime(f"{name}: {what}", margin, direction, where=(("setting", setting),))
            for name, setting in SETTINGS.items()
            for what, margin, direction in (("final return", 0.05, "below"), ("speed", 1.25, "above"))
        ),
        table="bc_slopes",
        seeds=20,
        measure=cloning,
    ),
    Claim(
        id="S5",
        sentence="Online TD3 learns far better with shallow slopes than with steep ones.",
        source="First seed, reinforcement learning results",
        statistic="area under the learning curve, mean of k=1, 2, 5, 10 over mean of k=50, 100",
        regimes=tuple(Regime(name, margin=1.1, where=(("setting", setting),)) for name, setting in SETTINGS.items()),
        table="td3_slopes",
        seeds=20,
        measure=preference,
    ),
    Claim(
        id="S6",
        sentence="The gradient noise of a shallow slope helps by exploring, as noise on the parameters does.",
        source="First seed, reinforcement learning results",
        statistic="area under the learning curve of TD3 at k=100 on PlanarHover with a slow actor, as a share of the"
        " highest return: with noise (or with the transitions that a run with k=2 collected) minus without",
        regimes=tuple(Regime(name, margin=0.02) for name in ("gradient noise", "parameter noise", "data of the other")),
        table="control_causes",
        seeds=15,
        measure=help_of_noise,
    ),
    Claim(
        id="S12",
        sentence="Stacked observations and a reset between actions do the work of a warm-up.",
        source="First seed, surrogate gradients across learning regimes",
        statistic="area under the learning curve on PlanarHover, as a share of the highest return: a reset, with the"
        " stack and without, minus a carried state with a discarded warm-up (claimed not worse by more than 0.05);"
        " each with the learning rate, and the carried state with the window, that served it best on other seeds",
        regimes=tuple(
            Regime(f"{name}: {arm}", margin=-0.05, where=(("algorithm", algorithm),))
            for name, algorithm in (("cloning", "bc"), ("TD3", "td3"))
            for arm in ("stack and reset", "reset")
        ),
        table="control_reset",
        seeds=15,
        measure=reset_against_state,
    ),
)
