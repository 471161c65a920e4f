"""T41 to T47, our own: the published test of flossing, longer training, and why tasks differ in what they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsg_book.claim import Claim, Regime, paired

from .flossing import gain_of_flossing, lead_over_larger_weights, regimes_of

if TYPE_CHECKING:
    import pandas as pd

FAR = (("copy", 80), ("copy", 100), ("xor", 36), ("xor", 48))
PUBLISHED = {10: 0.0, 14: 0.0, 18: 0.46, 22: 0.23, 26: 0.11}  # what flossing adds, of all answers, by the delay


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
    """How much better the bit is read off flossed weights than off weights times 4, steps 39 to 63."""
    later = rows[rows.step.between(39, 63)].groupby(["arm", "seed"], as_index=False)["first"].mean()
    flossed, larger = paired(later, "first", {"arm": "before"}, {"arm": "gain"})
    return flossed - larger


def memory_that_flossing_takes(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """How much better a bit of two steps ago is read off networks that were not flossed."""
    untouched, flossed = paired(rows[rows.lag == 2], "right", {"arm": "none"}, {"arm": "flossed 75"})
    return untouched - flossed


FLOSSING_CONTROL_CLAIMS = (
    Claim(
        id="T41",
        sentence="As published: flossing lets a binary network solve the XOR of a stream that it cannot solve without.",
        source="Ours, after the figures published with the second seed",
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
        id="T43",
        sentence="With four times as much training, flossing still makes long delays learnable.",
        source="Ours, L4 at longer training and longer delays",
        statistic="final accuracy with flossing minus that without, at equal wall-clock time",
        regimes=regimes_of(FAR, 0.1),
        table="flossing_controls",
        seeds=20,
        measure=gain_of_flossing,
    ),
    Claim(
        id="T44",
        sentence="With four times as much training, flossing does more than weights times four.",
        source="Ours, T32 at longer training and longer delays",
        statistic="final accuracy, flossed before training minus weights times 4, at equal gradient steps",
        regimes=regimes_of(FAR, 0.1),
        table="flossing_controls",
        seeds=20,
        measure=lead_over_larger_weights,
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
        statistic="accuracy of a linear probe for the bit, flossed minus weights times 4, mean of steps 39 to 63",
        regimes=(Regime("copy, delay 80", 0.02, "above", (("task", "copy"),)),),
        table="flossing_memory",
        seeds=20,
        measure=memory_of_flossed_networks,
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
