"""What `spike` says in numbers. It has no table: its own cells give them."""

import math

import torch
from saying import Said

from snnsg_lib.lif import lif_scan

BETA = 0.9


def staircase():
    """Loss against weight, as the chapter's cell computes it."""
    spk, _ = lif_scan(torch.linspace(0.05, 0.35, 1201).expand(50, -1), beta=BETA, threshold=1.0)
    return (spk.sum(0) - 6) ** 2


def steps_until(share):
    """Steps after which an error that leaks back has shrunk to a share."""
    return math.ceil(math.log(share) / math.log(BETA))


SAID = (
    Said("drop in jumps from {} to {} and rise again", lambda: (f"{staircase()[0]:.0f}", f"{staircase().min():.0f}")),
    Said("to a half in seven steps", lambda: steps_until(1 / 2) == 7),
    Said("to a thousandth in {}", lambda: str(steps_until(1 / 1000))),
)

SET = (
    "between 0 and 1",
    "1 above zero, otherwise 0",
    "two spiking layers of 32",
    "the mean of their middle half",
    "rise to nearly 1",
    "crosses the threshold twice",
    "from 0.90 to 0.95",
)
