"""The literature's own test of flossing: a streaming XOR in a network of 80 binary units, trained for 3,001 epochs.

Settings as far as they are published (Engelken & Abbott 2024; the code of Engelken 2023): one channel of bits, 16
trials of 300 steps, Adam at 1e-3 with gradients clipped to norm 0.03, recurrent weights from N(0, 1 / N), biases from
U(0, 0.1) above threshold; flossing of 75 exponents on one trial of 55 steps, 500 steps before training and 500 more
after 100 and after 200 training steps, which do not count in the 3,001. The sharpness of the surrogate is published for
another figure, 0.5 and 1, its form is not. Ours: a fast sigmoid with a slope of 1; exponents by QR every fifth step; a
readout of spikes; and networks without flossing are trained for as many steps more, so that the two can be compared at
equal gradient steps as well.

Rows, at the start and every 100 training steps, around each block of flossing, and at the end: `step` (gradient steps
of both kinds), `trained` (training steps), `accuracy` on 16 trials of their own, largest `exponent` of one trial, and
`log_gradient` (ln |dL/dh_0|, mean over trials that end at the first step that is asked).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from snnsg_book.replicas import all_but, in_groups
from snnsg_book.rounding import rounded
from snnsg_lib.lyapunov import floss, surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid
from snnsg_lib.tasks import Delayed, delayed_xor

from . import networks

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 10
NEURONS, STEPS, SHORT, LARGEST_NORM = 80, 300, 55, 0.03
LEARNING_RATE = 1e-3
NUM_EXPONENTS, QR_INTERVAL, TRANSIENT = 75, 5, 15
BLOCKS = (0, 100, 200)
EVERY = 100


@dataclass(frozen=True)
class Config:
    """One network; `epochs` counts training steps as published, three blocks of flossing steps come on top."""

    delay: int = 18
    arm: str = "none"
    seed: int = 0
    epochs: int = 3001
    block: int = 500


def configs(quick: bool = False) -> list[Config]:
    """Delays x two arms x 10 seeds, the most telling delay first; few steps of one delay if quick."""
    if quick:
        return [Config(18, arm, seed, epochs=1, block=4) for arm in ("none", "flossed") for seed in range(2)]
    cells = [(delay, arm) for delay in (18, 22, 14, 26, 10) for arm in ("flossed", "none")]
    return [Config(delay, arm, seed) for delay, arm in cells for seed in range(10)]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Train configs that differ in nothing but their seed as replicas of one network."""
    return in_groups(configs, all_but("seed"), _run)


def build(seeds: Sequence[int], slope: float = 1.0) -> RecurrentLIF:
    """Return a binary network for each seed, as replicas: no leak, no reset, biases at the threshold of 1 and above."""
    return RecurrentLIF(
        1,
        NEURONS,
        2,
        beta=0.0,
        surrogate=FastSigmoid(slope),
        reset_mechanism="none",
        input_gain=math.sqrt(3),  # uniform weights of variance 1
        bias_range=(1.0, 1.1),
        readout_beta=0.0,
        replicas=len(seeds),
        seed=list(seeds),
    )


def draw(delay: int, trials: int, steps: int, rngs: list) -> Delayed:
    """Fresh trials of a stream of bits on one channel."""
    drawn = delayed_xor(trials, delay, streaming=True, num_steps=steps, rng=rngs)
    return drawn._replace(inputs=drawn.inputs[..., 1:])


def _run(config: Config, group: list[Config]) -> list[list[dict]]:
    seeds = [member.seed for member in group]
    return train(build(seeds), config, seeds)


def train(net: RecurrentLIF, config: Config, seeds: list[int]) -> list[list[dict]]:
    """Floss and train `net`, a replica for each seed, as `config` says; return the rows of each."""
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    training, flossed, tested = (networks.streams(seeds, number) for number in (20, 21, 22))
    tests = draw(config.delay, 16, STEPS, tested), draw(config.delay, 16, config.delay + 1, tested)
    blocks = BLOCKS if config.arm == "flossed" else ()
    total = config.epochs + (0 if blocks else len(BLOCKS) * config.block)
    rows: list[list[dict]] = [[] for _ in seeds]
    step = 0
    for trained in range(total):
        if trained % EVERY == 0 or trained == config.epochs:
            _look(rows, net, tests, step, trained)
        if trained in blocks:
            floss(
                net,
                lambda _: draw(config.delay, 1, SHORT, flossed),
                config.block,
                num_exponents=NUM_EXPONENTS,
                floss_lr=LEARNING_RATE,
                qr_interval=QR_INTERVAL,
                transient=TRANSIENT,
            )
            step += config.block
            _look(rows, net, tests, step, trained)
        _train(net, optimizer, draw(config.delay, 16, STEPS, training))
        step += 1
    _look(rows, net, tests, step, total)
    return rows


def _train(net: RecurrentLIF, optimizer: torch.optim.Optimizer, trials: Delayed) -> None:
    """One step; the gradient of each parameter, and of each replica, is clipped on its own."""
    optimizer.zero_grad()
    networks.task_loss(net, trials).sum().backward()
    for parameter in net.parameters():
        assert parameter.grad is not None
        norm = parameter.grad.flatten(1).norm(dim=1).clamp(min=LARGEST_NORM)
        parameter.grad *= (LARGEST_NORM / norm).reshape(-1, *[1] * (parameter.dim() - 1))
    optimizer.step()


def _look(rows: list[list[dict]], net: RecurrentLIF, tests: tuple[Delayed, Delayed], step: int, trained: int) -> None:
    long, short = tests
    with torch.no_grad():
        accuracy = long.accuracy(net(long.inputs))
        exponents = surrogate_lyapunov_spectrum(net, long.inputs[:, :, :1], 1, QR_INTERVAL, TRANSIENT).mean((1, 2))
    gradients = networks.log_gradients(net, short)
    for own, *values in zip(rows, accuracy, exponents, gradients, strict=True):
        names = ("accuracy", "exponent", "log_gradient")
        own.append({"step": step, "trained": trained} | dict(zip(names, map(rounded, values), strict=True)))


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the first flossing steps have raised the largest exponent."""
    flossed = table[(table.arm == "flossed") & (table.delay == 18) & (table.trained == 0)].sort_values("step")
    ends = flossed.groupby("seed").exponent
    return {"the first flossing steps raise the largest exponent": bool((ends.last() > ends.first()).all())}
