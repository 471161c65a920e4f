"""S1 to S3: what the slope does to gradients (Figures 1 to 3 of the first seed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .claim import Claim, Regime, paired, per_seed

if TYPE_CHECKING:
    import pandas as pd


def narrowing(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Share of membrane potentials with more than 1 % of the peak gradient: k=1 over k=100, log10."""
    shallow, steep = paired(rows, "active_share", {"slope": 1.0}, {"slope": 100.0})
    return np.log10(shallow / steep)


def reach(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Gradient norm in the first hidden layer over that in the output layer: k=1 against k=100, log10."""
    shallow, steep = paired(rows, "norm", {"slope": 1.0, "layer": 0}, {"slope": 100.0, "layer": 0})
    return np.log10(shallow / steep)


def first_layer_cosine(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Cosine between the gradients of slope 1 and slope 100 in the first hidden layer."""
    return per_seed(rows, "cosine", slope=1.0, layer=0)


GRADIENT_CLAIMS = (
    Claim(
        id="S1",
        sentence="A steeper surrogate lets the gradient through in a narrower range of membrane potentials.",
        source="First seed, Figure 1",
        statistic="log10 of the share of neurons with more than 1 % of the peak gradient, k=1 over k=100",
        regimes=(Regime("population of membrane potentials", margin=0.3),),
        table="widths",
        measure=narrowing,
    ),
    Claim(
        id="S2",
        sentence="A shallower surrogate carries larger gradients to the first hidden layer of a deep network.",
        source="First seed, Figure 2",
        statistic="log10 of the gradient norm in the first hidden layer, k=1 over k=100",
        regimes=(
            Regime("the authors' set-up", margin=1.0, where=(("setup", "authors"),)),
            Regime("controlled firing rate", margin=1.0, where=(("setup", "rate"),)),
        ),
        table="depth",
        seeds=20,
        measure=reach,
    ),
    Claim(
        id="S3",
        sentence="Far from the output, the gradient of a shallow surrogate is unrelated to that of slope 100.",
        source="First seed, Figure 3",
        statistic="cosine of the gradients with k=1 and k=100 in the first hidden layer",
        regimes=(
            Regime("the authors' set-up", margin=0.3, direction="within", where=(("setup", "authors"),)),
            Regime("controlled firing rate", margin=0.3, direction="within", where=(("setup", "rate"),)),
        ),
        table="direction",
        seeds=20,
        measure=first_layer_cosine,
    ),
)
