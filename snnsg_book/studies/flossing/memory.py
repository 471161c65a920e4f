"""What a network still knows of a bit before it has learned anything: linear probes of its state over a trial.

Networks and trials as in `flossing_tasks`, untrained: as drawn (``none``), after 60 flossing steps on one exponent
(``before``), and with larger recurrent weights. At some steps of a trial a linear function of (syn, mem) is fitted to
512 trials by ridge regression, and tried on 512 others. Rows: `step`, and the share of trials in which it names the
`first` bit, the `second` and their exclusive or (`both`); the last two for XOR alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from snnsg_book.rounding import rounded
from snnsg_lib.lyapunov import floss
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.tasks import Delayed

from . import networks
from .tasks import GAINS, SCHEDULES

if TYPE_CHECKING:
    import pandas as pd

CHUNK_SIZE = 10
TRIALS, RIDGE, PULSE = 512, 1.0, 3
ARMS = ("none", "before", "gain 2", "gain", "gain 8")


@dataclass(frozen=True)
class Config:
    """One network."""

    task: str = "xor"
    delay: int = 24
    arm: str = "none"
    seed: int = 0


def configs(quick: bool = False) -> list[Config]:
    """Tasks x arms x 20 seeds; two arms of XOR and 4 seeds if quick."""
    tasks = (("xor", 24),) if quick else (("xor", 24), ("copy", 80))
    arms = ("none", "gain") if quick else ARMS
    seeds = range(4 if quick else 20)
    return [Config(task, delay, arm, seed) for task, delay in tasks for arm in arms for seed in seeds]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Probe neighbouring configs that differ in nothing but their seed as replicas of one network."""
    rows = []
    for cell, group in groupby(configs, key=lambda config: replace(config, seed=0)):
        rows += _run(cell, [config.seed for config in group])
    return rows


def _run(config: Config, seeds: list[int]) -> list[list[dict]]:
    net = networks.build(seeds, gain=GAINS.get(config.arm, 1.0))
    if config.arm == "before":
        rngs = networks.streams(seeds, 7)
        steps = SCHEDULES["before"][0]
        floss(
            net,
            lambda epoch: networks.draw(config.task, config.delay, 16, rngs),
            steps,
            num_trials=4,
            floss_lr=5e-3,
            qr_interval=4,
        )
    fitted, tried = (networks.draw(config.task, config.delay, TRIALS, networks.streams(seeds, n)) for n in (10, 11))
    states, bits = zip(*((_states(net, trials), _bits(config, trials)) for trials in (fitted, tried)), strict=True)
    rows: list[list[dict]] = [[] for _ in seeds]
    for step in range(PULSE - 1, len(states[0]), 3):
        shares = {name: probe(states[0][step], bits[0][name], states[1][step], bits[1][name]) for name in bits[0]}
        for replica, own in enumerate(rows):
            own.append({"step": step + 1} | {name: rounded(share[replica]) for name, share in shares.items()})
    return rows


@torch.no_grad()
def _states(net: RecurrentLIF, trials: Delayed) -> Tensor:
    """What a neuron carries to the next step, and a one: (num_steps, replicas, trials, 2 neurons + 1)."""
    recording = net(trials.inputs, record=True)[1]
    syn, mem = recording.syn[0], recording.mem[0]
    return torch.cat((syn, mem, torch.ones_like(mem[..., :1])), dim=-1).double()


def _bits(config: Config, trials: Delayed) -> dict[str, Tensor]:
    """The bits that were shown, and their exclusive or, as -1 and 1, (replicas, trials) each."""
    shown = {"first": 0} if config.task == "copy" else {"first": 0, "second": config.delay // 2}
    means = {name: trials.inputs[at : at + PULSE].mean(0) for name, at in shown.items()}
    bits = {name: (mean[..., 1] - mean[..., 0]).sign().double() for name, mean in means.items()}
    return bits if config.task == "copy" else bits | {"both": -bits["first"] * bits["second"]}


def probe(states: Tensor, bits: Tensor, new_states: Tensor, new_bits: Tensor) -> Tensor:
    """Share of new trials whose bit has the sign of a linear function of the state, fitted to other trials.

    Parameters
    ----------
    states, new_states : Tensor, (replicas, trials, features)
    bits, new_bits : Tensor, (replicas, trials), -1 or 1

    Returns
    -------
    Tensor, (replicas,)
    """
    gram = states.mT @ states + RIDGE * torch.eye(states.shape[-1], dtype=states.dtype)
    weights = torch.linalg.solve(gram, states.mT @ bits.unsqueeze(-1))
    return ((new_states @ weights).squeeze(-1) * new_bits > 0).double().mean(-1)


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether the exclusive or can be read off larger weights better, three steps after the second bit."""
    return all(_mixes(table) for table in (quick, stored))


def _mixes(table: pd.DataFrame) -> bool:
    later = table[(table.task == "xor") & (table.step == 18)].groupby("arm").both.mean()
    return bool(later["gain"] > later["none"])
