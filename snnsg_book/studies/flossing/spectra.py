"""What flossing does to the spectrum, and what a perturbation does over time before and after it.

Networks as in `flossing_tasks`, trials of the delayed copy with delay 45, 100 flossing steps on the first 1, 16 or 32
exponents, at several slopes, and from recurrent weights that are four times as large. Rows, by `measure` and `stage`:

- ``spectrum``: exponent number `index` (all of the first 32, then every eighth of 128);
- ``epochs``: the largest exponent after `index` flossing steps, on the trials being flossed;
- ``tangent``: ln of the length of a random tangent vector after `index` steps, over that at the start: what the
  surrogate says about a perturbation;
- ``network``: distance of two copies of the network after `index` steps, over that at the start (normal, 0.1 a
  neuron): what the spikes do;
- ``apart``: share of trials in which two such copies are still apart, by 1e-5 or more; ``apart 0.01`` and
  ``apart 0.001``: after a smaller push;
- ``rate`` and ``log_gradient``: mean firing rate and ln |dL/dh_0|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from snnsg_book.rounding import rounded
from snnsg_lib.lyapunov import floss, surrogate_lyapunov_spectrum
from snnsg_lib.lyapunov.surrogate import tangent_factors
from snnsg_lib.networks import RecurrentLIF

from . import networks

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 12
DELAY, KICK, SAME = 45, 0.1, 1e-5
SMALLER = (0.01, 0.001)
SHOWN = (*range(32), *range(39, 2 * networks.NEURONS, 8))


@dataclass(frozen=True)
class Config:
    """One network; `num_exponents` of it are flossed in `epochs` steps."""

    slope: float = 5.0
    gain: float = 1.0
    num_exponents: int = 1
    seed: int = 0
    epochs: int = 100


def configs(quick: bool = False) -> list[Config]:
    """Slopes with one exponent, gain 4, and 16 and 32 exponents, 12 seeds each; one slope and few epochs if quick."""
    if quick:
        return [Config(seed=seed, epochs=20) for seed in range(4)]
    cells = [Config(slope=slope) for slope in (5.0, 1.0, 25.0)] + [Config(gain=4.0)]
    cells += [Config(num_exponents=count) for count in (16, 32)]
    return [replace(cell, seed=seed) for cell in cells for seed in range(12)]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Floss neighbouring configs that differ in nothing but their seed as replicas of one network."""
    rows = []
    for cell, group in groupby(configs, key=lambda config: replace(config, seed=0)):
        rows += _run(cell, [config.seed for config in group])
    return rows


def _run(config: Config, seeds: list[int]) -> list[list[dict]]:
    net = networks.build(seeds, config.slope, config.gain)
    trials = networks.draw("copy", DELAY, 8, networks.streams(seeds, 8))
    rngs = networks.streams(seeds, 7)
    rows: list[list[dict]] = [[] for _ in seeds]
    _look(rows, net, trials, "before", seeds)
    history = floss(
        net,
        lambda epoch: networks.draw("copy", DELAY, 4 if config.num_exponents == 1 else 2, rngs),
        config.epochs,
        num_exponents=config.num_exponents,
        floss_lr=5e-3,
        qr_interval=4,
    )
    for epoch, step in list(enumerate(history))[::4]:
        assert step.exponents is not None  # all of them floss
        _add(rows, "epochs", "after", epoch, step.exponents[:, 0])
    _look(rows, net, trials, "after", seeds)
    return rows


def _look(rows: list[list[dict]], net: RecurrentLIF, trials: networks.Delayed, stage: str, seeds: list[int]) -> None:
    with torch.no_grad():
        spectrum = surrogate_lyapunov_spectrum(net, trials.inputs[:, :, :2], 2 * net.num_neurons, 2, 0).mean(-2)
        tangent = tangent_growth(net, trials.inputs, seeds)
        paths = {"": distances(net, trials.inputs, seeds)}
        paths |= {f" {kick:g}": distances(net, trials.inputs, seeds, kick) for kick in SMALLER}
    push = _kicks(trials.inputs, net.num_neurons, seeds)
    network = (paths[""] / (KICK * torch.cat(push, dim=-1).norm(dim=-1))).mean(-1)
    for number in SHOWN:
        _add(rows, "spectrum", stage, number + 1, spectrum[:, number])
    for step in (1, 2, 3, *range(4, len(tangent) + 1, 4)):
        _add(rows, "tangent", stage, step, tangent[step - 1])
        _add(rows, "network", stage, step, network[step - 1])
        for kick, path in paths.items():
            _add(rows, f"apart{kick}", stage, step, (path[step - 1] >= SAME).double().mean(-1))
    _add(rows, "rate", stage, 0, torch.as_tensor(net.firing_rates(trials.inputs)[0]))
    _add(rows, "log_gradient", stage, 0, networks.log_gradients(net, trials))


def _add(rows: list[list[dict]], measure: str, stage: str, index: int, values: Tensor) -> None:
    for own, value in zip(rows, values, strict=True):
        own.append({"measure": measure, "stage": stage, "index": index, "value": rounded(value)})


def _kicks(inputs: Tensor, neurons: int, seeds: list[int]) -> list[Tensor]:
    """Normal (syn, mem) to begin with, (replicas, trials, neurons) each; a replica's own."""
    drawn = [rng.standard_normal((2, inputs.shape[2], neurons)) for rng in networks.streams(seeds, 9)]
    return list(torch.from_numpy(np.stack(drawn, axis=1)))


def tangent_growth(net: RecurrentLIF, inputs: Tensor, seeds: list[int]) -> Tensor:
    """Ln of the length of a tangent vector after each step over that before the first, (num_steps, replicas)."""
    factors = tangent_factors(net, inputs)
    assert factors.alpha is not None
    syn, mem = _kicks(inputs, net.num_neurons, seeds)
    start = torch.cat((syn, mem), dim=-1).norm(dim=-1)
    lengths = []
    for derivative, keep in zip(factors.derivative, factors.keep, strict=True):
        syn = factors.alpha * syn + (derivative * mem) @ factors.weight
        mem = keep * mem + syn
        lengths.append(torch.cat((syn, mem), dim=-1).norm(dim=-1))
    return (torch.stack(lengths) / start).log().mean(-1)


def distances(net: RecurrentLIF, inputs: Tensor, seeds: list[int], kick: float = KICK) -> Tensor:
    """Distance between a network that is pushed at the start, by `kick` a neuron, and one that is not.

    After each step, (num_steps, replicas, trials).
    """
    push = [kick * normal.float() for normal in _kicks(inputs, net.num_neurons, seeds)]
    rest = torch.zeros_like(push[0])
    _, still = net(inputs, record=True, syn=rest, mem=rest)
    _, pushed = net(inputs, record=True, syn=push[0], mem=push[1])
    between = [a[0] - b[0] for a, b in ((still.syn, pushed.syn), (still.mem, pushed.mem))]
    return torch.cat(between, dim=-1).norm(dim=-1)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the largest exponent is closer to 0 after flossing than before, in every network."""
    return all(_closer(table[(table.slope == 5) & (table.gain == 1)]) for table in (quick, stored))


def _closer(table: pd.DataFrame) -> bool:
    first = table[(table.measure == "spectrum") & (table["index"] == 1) & (table.num_exponents == 1)]
    sizes = first.set_index(["seed", "stage"])["value"].abs().unstack("stage")
    return bool((sizes["after"] < sizes["before"]).all())
