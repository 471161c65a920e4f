"""L1 to L4 (the second seed), and T31 to T37, our own: surrogate Lyapunov exponents and flossing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from snnsg_book.claim import Claim, Regime, paired, per_seed

if TYPE_CHECKING:
    import pandas as pd

RATES = (5e-4, 2e-3)
LONG = (("copy", 45), ("copy", 80), ("xor", 24), ("xor", 36))
LONGEST_TIME_CONSTANT = 2.0  # steps, of the membranes in all these networks


def explained(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """R^2 of ln |dL/dh_0| against exponent times duration, over the networks of each seed."""
    growth = rows.exponent * rows.duration
    pairs = rows.assign(growth=growth).groupby("seed")[["growth", "log_gradient"]]
    return pairs.corr().xs("growth", level=1)["log_gradient"] ** 2


def largest(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The largest exponent after and before flossing, by seed."""
    first = rows[(rows.measure == "spectrum") & (rows["index"] == 1)]
    return paired(first, "value", {"stage": "after"}, {"stage": "before"})


def what_is_left_of_the_largest(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """|largest exponent| after flossing over that before."""
    after, before = largest(rows)
    return after.abs() / before.abs()


def slowest_time_scale(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """1 / |largest exponent| after flossing over the longest time constant of a neuron."""
    after, _ = largest(rows)
    return 1 / after.abs() / LONGEST_TIME_CONSTANT


def what_is_left_of_all_that_are_flossed(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Mean |exponent| of those that are flossed, after flossing over before."""
    flossed = rows[(rows.measure == "spectrum") & (rows["index"] <= rows.num_exponents)]
    sizes = flossed.value.abs().groupby([flossed.seed, flossed.stage]).mean().unstack()
    return sizes["after"] / sizes["before"]


def lead_of_the_spikes(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Ln of the growth of a distance between two networks, minus that of a tangent vector, after 48 steps."""
    last = rows[(rows["index"] == 48) & (rows.stage == "before")]
    return np.log(per_seed(last, "value", measure="network")) - per_seed(last, "value", measure="tangent")


def final_accuracy(rows: pd.DataFrame, first: str, second: str, equal: str = "steps") -> pd.Series:
    """Final accuracy of one arm minus that of another, by seed, at equal gradient steps or equal time."""
    from ..tasks import of_runs

    runs = of_runs(rows[rows.arm.isin([first, second])], equal)
    ours, other = paired(runs, "accuracy", {"arm": first}, {"arm": second})
    return ours - other


def gain_of_flossing(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final accuracy: flossed before training minus not flossed, at equal time."""
    return final_accuracy(rows, "before", "none", "time")


def gain_of_flossing_at_the_best_rates(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """As `gain_of_flossing`, each of the two at the learning rate that is best for it on average."""
    from ..tasks import of_runs

    runs = of_runs(rows, "time")
    best = {}
    for arm in ("before", "none"):
        of_arm = runs[runs.arm == arm]
        rate = of_arm.groupby("learning_rate").accuracy.mean().idxmax()
        best[arm] = per_seed(of_arm, "accuracy", learning_rate=rate)
    return (best["before"] - best["none"]).dropna()


def lead_over_larger_weights(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final accuracy: flossed before training minus recurrent weights times 4."""
    return final_accuracy(rows, "before", "gain")


def lead_over_equal_activity(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final accuracy: flossed before training minus biases raised to the same firing rate."""
    return final_accuracy(rows, "before", "rate")


def slope_instead_of_weights(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final accuracy: the slope without growth minus flossed weights."""
    return final_accuracy(rows, "slope", "before")


def both_signs(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """The smaller one of the exponent at slope 0.1 and minus the exponent at slope 25."""
    curve = rows[~rows.found.astype(bool)]
    return np.minimum(per_seed(curve, "exponent", slope=0.1), -per_seed(curve, "exponent", slope=25.0))


def _flossed(name: str, margin: float, direction: str, **where: float) -> Regime:
    cell = {"slope": 5.0, "gain": 1.0, "num_exponents": 1, **where}
    return Regime(name, margin, direction, tuple(cell.items()))


def regimes_of(cells: tuple[tuple[str, int], ...], margin: float) -> tuple[Regime, ...]:
    """One regime above `margin` for each (task, delay), at slope 5."""
    return tuple(
        Regime(
            f"{'XOR' if task == 'xor' else task}, delay {delay}",
            margin,
            "above",
            (("task", task), ("delay", delay), ("slope", 5.0)),
        )
        for task, delay in cells
    )


def _long(margin: float) -> tuple[Regime, ...]:
    slow = (("learning_rate", RATES[0]),)
    return tuple(replace(regime, where=regime.where + slow) for regime in regimes_of(LONG, margin))


FLOSSING_CLAIMS = (
    Claim(
        id="L1",
        sentence="The largest surrogate Lyapunov exponent predicts how large an error gradient is after a long time.",
        source="Second seed, abstract",
        statistic="R^2 of ln |dL/dh0| against exponent times duration, over the networks of one seed",
        regimes=(
            Regime("untrained networks", 0.9, "above", (("stage", "untrained"),)),
            Regime("during training", 0.9, "above", (("stage", "during"),)),
            Regime("trained networks", 0.9, "above", (("stage", "trained"),)),
        ),
        table="lyapunov_gradient",
        measure=explained,
    ),
    Claim(
        id="L2",
        sentence="Flossing, a penalty on the exponents through a differentiable QR, brings them to zero.",
        source="Second seed, abstract",
        statistic="absolute largest exponent after flossing over that before, as a ratio",
        regimes=(
            _flossed("one exponent", 0.2, "below"),
            _flossed("16 exponents", 0.2, "below", num_exponents=16),
        ),
        table="flossing_spectra",
        measure=what_is_left_of_the_largest,
    ),
    Claim(
        id="L3",
        sentence="Flossed networks carry gradients over times longer than the time constants of their neurons.",
        source="Second seed, abstract",
        statistic="time scale of the slowest tangent mode after flossing over the longest time constant of a neuron",
        regimes=(_flossed("slope 5", 2.0, "above"), _flossed("slope 1", 2.0, "above", slope=1.0)),
        table="flossing_spectra",
        measure=slowest_time_scale,
    ),
    Claim(
        id="L4",
        sentence="Flossing makes tasks with long delays learnable, and faster.",
        source="Second seed, abstract",
        statistic="final accuracy with flossing minus that without, at equal wall-clock time",
        regimes=_long(0.1),
        table="flossing_tasks",
        seeds=20,
        measure=gain_of_flossing,
    ),
    Claim(
        id="T31",
        sentence="Flossing still helps when it and plain training each have their own best learning rate.",
        source="Ours, a control for L4",
        statistic="final accuracy with flossing minus that without, at equal time, each at the better of two rates",
        regimes=regimes_of(LONG, 0.1),
        table="flossing_tasks",
        seeds=20,
        measure=gain_of_flossing_at_the_best_rates,
    ),
    Claim(
        id="T32",
        sentence="Flossing does more than recurrent weights that are four times as large.",
        source="Ours, a control for L4",
        statistic="final accuracy, flossed before training minus weights times 4, at equal gradient steps",
        regimes=_long(0.1),
        table="flossing_tasks",
        seeds=20,
        measure=lead_over_larger_weights,
    ),
    Claim(
        id="T33",
        sentence="Flossing does more than making the neurons fire as often as flossing does.",
        source="Ours, a control for L4",
        statistic="final accuracy, flossed before training minus biases raised to its rate, at equal gradient steps",
        regimes=_long(0.1),
        table="flossing_tasks",
        seeds=20,
        measure=lead_over_equal_activity,
    ),
    Claim(
        id="T34",
        sentence="A slope at which the largest exponent is 0 serves as well as flossed weights, and costs less.",
        source="Ours: the two halves of the book together",
        statistic="final accuracy, slope without growth minus weights flossed before, at equal gradient steps",
        regimes=_long(-0.1),
        table="flossing_tasks",
        seeds=20,
        measure=slope_instead_of_weights,
    ),
    Claim(
        id="T35",
        sentence="Flossing 16 or 32 exponents brings all of these to zero, not the largest alone.",
        source="Ours, a closer look at L2",
        statistic="mean absolute value of the flossed exponents after flossing over that before, as a ratio",
        regimes=tuple(_flossed(f"{count} exponents", 0.2, "below", num_exponents=count) for count in (16, 32)),
        table="flossing_spectra",
        measure=what_is_left_of_all_that_are_flossed,
    ),
    Claim(
        id="T36",
        sentence="One and the same network explodes at a shallow slope and vanishes at a steep one.",
        source="Ours: the two halves of the book together",
        statistic="smaller one of the exponent at slope 0.1 and minus that at slope 25, per step",
        regimes=tuple(Regime(f"gain {gain:g}", 0.05, "above", (("gain", gain),)) for gain in (1.0, 2.0, 4.0)),
        table="lyapunov_slopes",
        seeds=20,
        measure=both_signs,
    ),
    Claim(
        id="T37",
        sentence="Where the surrogate says that a push dies, the spikes may keep it alive, if it is not small.",
        source="Ours: tangents are those of the surrogate, not of the network",
        statistic="ln of the growth of a distance (push of 0.1) minus that of a tangent, 48 steps, before flossing",
        regimes=(_flossed("slope 5", 1.0, "above"),),
        table="flossing_spectra",
        measure=lead_of_the_spikes,
    ),
)
