"""The talk's published Figure 1: the largest exponent over the flossing steps, and the plateau of flossed exponents.

Binary networks, streams and settings of `flossing_published`. The sharpness g of the surrogate is published, 0.5 and 1
on the left of that figure and 1 on its right, its functional form is not. Three forms of height 1 are tried: the fast
sigmoid 1 / (1 + g |u|)^2, the arctangent's derivative 1 / (1 + (pi g u / 2)^2), and the derivative of a hyperbolic
tangent, sech^2(g u). Not published either: how many exponents are flossed on the left (here one) and for how long on
the right (here 500 steps, as before training).

Rows, by `measure`: ``epochs``, the largest exponent after `index` flossing steps, on the trial being flossed;
``before`` and ``after``, exponent number `index` of the 40 largest, on 4 trials of 100 steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from snnsg_book.replicas import all_but, in_groups
from snnsg_book.rounding import rounded
from snnsg_lib.lyapunov import floss, surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import ATan, FastSigmoid, Sigmoid, Surrogate

from . import networks, published

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 12
# 4 s(k u) (1 - s(k u)), the derivative of a sigmoid, is sech^2(k u / 2).
FORMS: dict[str, Callable[[float], Surrogate]] = {
    "fast sigmoid": FastSigmoid,
    "arctangent": ATan,
    "tanh": lambda sharpness: Sigmoid(2 * sharpness),
}
DELAY, LOOKED_AT, STEPS = 18, 40, 100


@dataclass(frozen=True)
class Config:
    """One network; `num_exponents` of it are flossed in `epochs` steps."""

    form: str = "arctangent"
    sharpness: float = 1.0
    num_exponents: int = 1
    seed: int = 0
    epochs: int = 500


def configs(quick: bool = False) -> list[Config]:
    """Forms x (one exponent at two sharpnesses, 16 and 32 at sharpness 1) x 12 seeds; one cell, 20 steps if quick."""
    if quick:
        return [Config(seed=seed, epochs=20) for seed in range(100, 104)]
    cells = [(form, sharpness, 1) for sharpness in (0.5, 1.0) for form in FORMS]
    cells += [(form, 1.0, count) for count in (16, 32) for form in FORMS]
    return [Config(*cell, seed) for cell in cells for seed in range(100, 112)]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Floss configs that differ in nothing but their seed as replicas of one network."""
    return in_groups(configs, all_but("seed"), _run)


def _run(config: Config, group: list[Config]) -> list[list[dict]]:
    seeds = [member.seed for member in group]
    net = published.build(seeds)
    net.surrogate = FORMS[config.form](config.sharpness)
    looked_at = published.draw(DELAY, 4, STEPS, networks.streams(seeds, 22)).inputs
    flossed = networks.streams(seeds, 21)
    rows: list[list[dict]] = [[] for _ in seeds]
    _look(rows, net, looked_at, "before")
    history = floss(
        net,
        lambda _: published.draw(DELAY, 1, published.SHORT, flossed),
        config.epochs,
        num_exponents=config.num_exponents,
        floss_lr=published.LEARNING_RATE,
        qr_interval=published.QR_INTERVAL,
        transient=published.TRANSIENT,
    )
    for epoch, step in enumerate(history):
        assert step.exponents is not None  # all of them floss
        if epoch <= 20 or epoch % 5 == 0:
            _add(rows, "epochs", epoch, step.exponents[:, 0])
    _look(rows, net, looked_at, "after")
    return rows


@torch.no_grad()
def _look(rows: list[list[dict]], net: RecurrentLIF, inputs: Tensor, measure: str) -> None:
    spectrum = surrogate_lyapunov_spectrum(net, inputs, LOOKED_AT, 1, published.TRANSIENT).mean(-2)
    for number, exponents in enumerate(spectrum.T):
        _add(rows, measure, number + 1, exponents)


def _add(rows: list[list[dict]], measure: str, index: int, values: Tensor) -> None:
    for own, value in zip(rows, values, strict=True):
        own.append({"measure": measure, "index": index, "value": rounded(value)})


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether twenty flossing steps on one exponent raise the largest one, in every network."""
    chosen = table[(table.form == "arctangent") & (table.sharpness == 1) & (table.num_exponents == 1)]
    path = chosen[(chosen.measure == "epochs") & chosen["index"].isin((0, 15))]
    ends = path.pivot(index="seed", columns="index", values="value")
    return {"flossing raises the largest exponent": bool((ends[15] > ends[0]).all())}
