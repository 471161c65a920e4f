"""T41, T42, T45 to T47 and T77, our own: the published test of flossing, and why tasks differ in what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsg_book.claim import Claim, paired
from snnsg_book.regime import Pilot, Regime

if TYPE_CHECKING:
    import pandas as pd

LARGER = {"against weights × 4": "gain", "against weights × 8": "gain 8"}
PUBLISHED = {10: 0.0, 14: 0.0, 18: 0.46, 22: 0.23, 26: 0.11}  # what flossing adds, of all answers, by the delay

PILOTS = {
    14: Pilot(0.0, 0.001, "flossing_published at delay 10, where both arms solve the task"),
    18: Pilot(
        PUBLISHED[18], 0.18, "the published gain; SD of flossing_published at delay 14, where networks differ most"
    ),
}


def gain_as_published(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Accuracy with adaptive flossing minus that without, both after 3,001 training steps."""
    after = rows[rows.trained == rows.epochs].drop_duplicates(["arm", "seed"], keep="last")
    flossed, other = paired(after, "accuracy", {"arm": "flossed"}, {"arm": "none"})
    return flossed - other


def gain_at_equal_steps(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Accuracy with adaptive flossing minus that without, both after 4,501 gradient steps, flossing included."""
    last = rows.sort_values("step").drop_duplicates(["arm", "seed"], keep="last")
    flossed, other = paired(last, "accuracy", {"arm": "flossed"}, {"arm": "none"})
    return flossed - other


def mixing_by_larger_weights(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """How much better XOR is read off weights times 4 than off flossed ones, three steps after the second bit."""
    later = rows[rows.step == 18]
    larger, flossed = paired(later, "both", {"arm": "gain"}, {"arm": "before"})
    return larger - flossed


def memory_of_flossed_networks(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """How much better the bit is read off flossed weights than off those of the regime, steps 39 to 63."""
    later = rows[rows.step.between(39, 63)].groupby(["arm", "seed"], as_index=False)["first"].mean()
    flossed, larger = paired(later, "first", {"arm": "before"}, {"arm": LARGER[regime.name]})
    return flossed - larger


def memory_that_flossing_takes(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """How much better a bit of two steps ago is read off networks that were not flossed."""
    untouched, flossed = paired(rows[rows.lag == 2], "right", {"arm": "none"}, {"arm": "flossed 75"})
    return untouched - flossed


FLOSSING_CONTROL_CLAIMS = (
    Claim(
        id="T41",
        sentence="As published: flossing lets a binary network solve the XOR of a stream that it cannot solve without.",
        source="Ours, after the figures published with the talk",
        statistic="accuracy with adaptive flossing minus that without, after 3,001 training steps each",
        regimes=tuple(
            Regime(f"delay {delay}", gain / 2 or 0.05, "above" if gain > 0 else "within", (("delay", delay),))
            for delay, gain in PUBLISHED.items()
        ),
        table="flossing_published",
        measure=gain_as_published,
    ),
    Claim(
        id="T42",
        sentence="As T41, where networks without flossing get its steps for training.",
        source="Ours, a control for T41",
        statistic="accuracy with adaptive flossing minus that without, after 4,501 gradient steps each",
        regimes=tuple(
            Regime(f"delay {delay}", gain / 2, "above", (("delay", delay),))
            for delay, gain in PUBLISHED.items()
            if gain
        ),
        table="flossing_published",
        measure=gain_at_equal_steps,
    ),
    Claim(
        id="T77",
        sentence="As T41, with a surrogate whose exponents before flossing are about those published.",
        source="Ours, after the figures published with the talk",
        statistic="accuracy with adaptive flossing minus that without, after 3,001 training steps each",
        regimes=tuple(
            Regime(
                f"delay {delay}, sharpness {sharpness:g}",
                PUBLISHED[delay] / 2 or 0.05,
                "above" if PUBLISHED[delay] else "within",
                (("delay", delay), ("sharpness", sharpness)),
                PILOTS[delay],
            )
            for sharpness in (0.5, 1.0)
            for delay in (14, 18)
        ),
        table="flossing_published_forms",
        measure=gain_as_published,
    ),
    Claim(
        id="T45",
        sentence="Large weights mix: without any training, XOR can be read off them better than off flossed ones.",
        source="Ours: why XOR takes to large weights",
        statistic="accuracy of a linear probe for XOR, weights times 4 minus flossed, three steps after the second bit",
        regimes=(Regime("XOR, delay 24", 0.05, "above", (("task", "xor"),)),),
        table="flossing_memory",
        seeds=20,
        measure=mixing_by_larger_weights,
    ),
    Claim(
        id="T46",
        sentence="Flossed networks remember for longer: without any training, an old bit can be read off them better.",
        source="Ours: why the longest copy takes to flossing",
        statistic="accuracy of a linear probe for the bit in the copy of 80 steps, flossed minus larger weights, mean"
        " of steps 39 to 63",
        regimes=tuple(Regime(name, 0.02, "above", (("task", "copy"),)) for name in LARGER),
        table="flossing_memory",
        seeds=20,
        measure=memory_of_flossed_networks,
        notes=(
            "Changed after its table was seen, by an audit, on 28 November 2026: until then the regime against weights"
            " times 8, which remember for longer than those times 4, was left out.",
        ),
    ),
    Claim(
        id="T47",
        sentence="Flossing nearly all exponents of a binary network takes away what it remembers.",
        source="Ours: what became of T41",
        statistic="accuracy of a linear probe for the bit of two steps ago, not flossed minus flossed",
        regimes=(Regime("75 exponents", 0.1, "above"),),
        table="flossing_stream",
        measure=memory_that_flossing_takes,
    ),
)
