"""Which learning rate, and which window, serves each arm of `control_reset` best? On seeds that it does not report.

All arms are tried with the same learning rates of the actor. The carried state is also tried with a longer warm-up, and
with windows that learn from their last step alone, so that no two transitions of an update are neighbours: at the
largest rate, and in TD3, which the smallest served best, at that one too. One row for each run: `auc`, `speed`,
`reached`, `final` and `collapsed` as in `outcomes`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from . import reset
from .carried import USUAL, Window
from .regimes import summary
from .reset import Config

RATES = (1e-4, 3e-4, 1e-3)
WINDOWS = (Window(12, 4), Window(6, 1))
SEEDS = range(100, 105)
CHUNK_SIZE = len(SEEDS)


def configs(quick: bool = False) -> list[Config]:
    """Learners x policies x learning rates and windows x 5 seeds; if quick, some updates of cloning in one seed."""
    if quick:
        return [Config("bc", "reset", rate, *reset.SINGLE, SEEDS[0], 300) for rate in (RATES[0], RATES[-1])]
    return [
        Config(algorithm, policy, rate, *window, seed, length)
        for algorithm, length in reset.LENGTHS.items()
        for policy in reset.POLICIES
        for rate, window in candidates(policy)
        for seed in SEEDS
    ] + [
        Config("td3", "carried state", RATES[0], *window, seed, reset.LENGTHS["td3"])
        for window in WINDOWS
        for seed in SEEDS
    ]


def candidates(policy: str) -> list[tuple[float, Window]]:
    """Learning rates and windows that are tried for an arm."""
    if policy != "carried state":
        return [(rate, reset.SINGLE) for rate in RATES]
    return [(rate, USUAL) for rate in RATES] + [(RATES[-1], window) for window in WINDOWS]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of one kind as replicas of one network, and keep what each came to."""
    curves = reset.run(configs)
    return [curve if isinstance(curve, Exception) else summary(curve, reset.SETTING) for curve in curves]


def chosen(table: pd.DataFrame) -> dict[tuple[str, str], tuple[float, Window]]:
    """Learning rate and window of each arm with the largest area under the learning curve, averaged over the seeds."""
    means = table.groupby(["algorithm", "policy", "learning_rate", "warm_up", "learnt"])["auc"].mean()
    found = {}
    for (algorithm, policy), arm in means.groupby(["algorithm", "policy"]):
        rate, warm_up, learnt = arm.idxmax()[2:]
        found[algorithm, policy] = (float(rate), Window(int(warm_up), int(learnt)))
    return found


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether a clone without a memory learns sooner with the largest learning rate than with the smallest."""
    auc = table[(table.algorithm == "bc") & (table.policy == "reset")].groupby("learning_rate")["auc"].mean()
    return {"a clone without a memory learns sooner with the largest rate": bool(auc[RATES[-1]] > auc[RATES[0]])}
