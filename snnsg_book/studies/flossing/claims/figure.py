"""T70 to T73, our own: the talk's published Figure 1, tried with three forms of a surrogate of its sharpness.

Written on 28 November 2026 before the run, after a throw-away look at other seeds: exponents as drawn of several forms,
and one flossed exponent over 150 steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnsg_book.claim import Claim, per_seed
from snnsg_book.regime import Regime

if TYPE_CHECKING:
    import pandas as pd

FORMS = ("fast sigmoid", "arctangent", "tanh")
PUBLISHED = {0.5: (-0.22, 10), 1.0: (-0.49, 110)}  # sharpness: the largest exponent as drawn, steps to zero; by eye
ARRIVED = -0.02  # "at zero", per step
SMOOTHED = 5  # rows of one network's noisy path that are averaged before it is asked whether it has arrived


def from_published_exponent(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """The largest exponent before flossing minus the published one."""
    before = rows[(rows.measure == "before") & (rows["index"] == 1)]
    return per_seed(before, "value") - PUBLISHED[dict(regime.where)["sharpness"]][0]


def from_published_steps(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Log2 of the steps until the largest exponent arrives at zero (censored at the last) over the published number."""
    paths = rows[rows.measure == "epochs"].pivot(index="index", columns="seed", values="value")
    there = paths.rolling(SMOOTHED, min_periods=1, center=True).mean() > ARRIVED
    steps = there.idxmax().where(there.any(), paths.index.max()).clip(lower=1)
    return np.log2(steps / PUBLISHED[dict(regime.where)["sharpness"]][1])


def left_of_the_plateau(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Mean |exponent| of those that are flossed, after flossing over before."""
    flossed = rows[rows.measure.isin(("before", "after")) & (rows["index"] <= rows.num_exponents)]
    sizes = flossed.value.abs().groupby([flossed.seed, flossed.measure]).mean().unstack()
    return sizes["after"] / sizes["before"]


def step_behind_the_plateau(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """From the last flossed exponent down to the next one, over the height of the plateau."""
    count = dict(regime.where)["num_exponents"]
    after = rows[rows.measure == "after"].pivot(index="seed", columns="index", values="value")
    return (after[count] - after[count + 1]) / (after[1] - after[count])


def _regimes(margin: float, direction: str, cells: tuple[tuple[float, int], ...], label: str) -> tuple[Regime, ...]:
    """One for each form and each (sharpness, number of flossed exponents)."""
    return tuple(
        Regime(
            f"{form}, {label.format(g=sharpness, m=count)}",
            margin,
            direction,
            (("form", form), ("sharpness", sharpness), ("num_exponents", count)),
        )
        for form in FORMS
        for sharpness, count in cells
    )


_LEFT = ((0.5, 1), (1.0, 1))

FIGURE_CLAIMS = (
    Claim(
        id="T70",
        sentence="As published: binary networks with a surrogate of sharpness 0.5 and 1 have largest exponents of -0.22"
        " and -0.49 before flossing.",
        source="Ours, after Figure 1 published with the talk",
        statistic="largest exponent as drawn minus the published one (read by eye), per step",
        regimes=_regimes(0.1, "within", _LEFT, "sharpness {g:g}"),
        table="flossing_figure",
        measure=from_published_exponent,
    ),
    Claim(
        id="T71",
        sentence="As published: flossing takes the largest exponent to zero in about 10 steps at sharpness 0.5 and in"
        " about 110 at sharpness 1.",
        source="Ours, after Figure 1 published with the talk",
        statistic="log2 of the steps until the largest exponent, smoothed, is above -0.02 (censored at 500) over the"
        " published number: within a factor of two",
        regimes=_regimes(1.0, "within", _LEFT, "sharpness {g:g}"),
        table="flossing_figure",
        measure=from_published_steps,
    ),
    Claim(
        id="T72",
        sentence="As published: the exponents that are flossed, 1, 16 or 32, make a plateau near zero.",
        source="Ours, after Figure 1 published with the talk",
        statistic="mean absolute value of the flossed exponents after 500 flossing steps over that before, as a ratio",
        regimes=_regimes(0.2, "below", ((1.0, 1), (1.0, 16), (1.0, 32)), "{m} flossed"),
        table="flossing_figure",
        measure=left_of_the_plateau,
    ),
    Claim(
        id="T73",
        sentence="As published: behind the plateau of flossed exponents there is a sharp step.",
        source="Ours, after Figure 1 published with the talk",
        statistic="from the last flossed exponent to the next, over the height of the plateau, after 500 steps",
        regimes=_regimes(1.0, "above", ((1.0, 16), (1.0, 32)), "{m} flossed"),
        table="flossing_figure",
        measure=step_behind_the_plateau,
    ),
)
