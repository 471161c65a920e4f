"""Schedules that the experiments train with, and how their runs are put beside those with fixed slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from snnsg_book.replicas import in_groups
from snnsg_book.rounding import rounded
from snnsg_book.studies.control import training
from snnsg_book.studies.control.outcomes import HIGHEST_RETURN, task_of
from snnsg_lib.learning import TD3, BehavioralCloning
from snnsg_lib.learning.learner import ReplicaLearner
from snnsg_lib.learning.replicas import SlopeOrFactory
from snnsg_lib.schedulers import AdaptiveSlope, CubicSlope, IntervalSlope, TargetSlope

CHANGES = 9  # of an interval schedule: 1, 12, 23, ..., 100 in equal differences
FULL = 0.95  # share of the highest return that counts as full reward: no policy hovers better
# What a crash earns: median return of the first evaluation in `td3_slopes`, of policies that have learnt nothing yet.
CRASH = {"planar": 27.6, "crazyflie": 17.2}
WINDOW = 2  # of 18 to 30 evaluations; the paper's ten are a twentieth of its training


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes
    ----------
    kind : {"interval", "adaptive", "meant", "coded", "target", "fixed"}
        Class of the schedule, or a fixed slope.
    settings : dict
        Its arguments besides those that follow from the task.
    rescaled : bool
        Whether Adam's moments follow the slope.
    changes : dict
        Arguments of the learner in place of those of the setting.
    """

    kind: str
    settings: dict[str, Any] = field(default_factory=dict)
    rescaled: bool = False
    changes: dict[str, Any] = field(default_factory=dict)


SCHEDULES = {
    "interval, linear": Arm("interval"),
    "interval, geometric": Arm("interval", {"spacing": "geometric"}),
    "interval, rescaled": Arm("interval", rescaled=True),
    "adaptive": Arm("adaptive"),
    "adaptive, rescaled": Arm("adaptive", rescaled=True),
    "reversed": Arm("interval", {"start": 100.0, "end": 1.0, "spacing": "geometric"}),  # a control
}
# The adaptive schedule as the paper means it: a crash is worth nothing, and the means are short. And as it was coded.
MEANT = {
    "meant": Arm("meant"),
    "meant, change alone": Arm("meant", {"weights": (0.0, 0.5)}),
    "meant, rescaled": Arm("meant", rescaled=True),
    "coded": Arm("coded"),
    "coded, with trend": Arm("coded", {"trend": True}),
}
# Between `adaptive` and `meant`: one of their two differences at a time; and what Adam's memory does to `meant`.
BETWEEN = {
    "floor alone": Arm("meant", {"window": 10}),
    "short means alone": Arm("adaptive", {"window": WINDOW}),
    "meant, rescaled": MEANT["meant, rescaled"],
}
EVERYWHERE = ("interval, linear", "interval, geometric", "interval, rescaled", "adaptive")
ONLINE, CLONED = (*EVERYWHERE, "reversed"), (*EVERYWHERE, "adaptive, rescaled")
CHUNK_SIZE = 20
# Setting, schedules and seeds, in this order, so that an interrupted sweep has all schedules of some seeds.
TD3_BLOCKS = (
    ("slow_actor", ONLINE, range(20)),
    ("crazyflie", EVERYWHERE, range(20)),
    ("default", EVERYWHERE, range(20)),
    ("slow_actor", ONLINE, range(20, 32)),
    ("default", EVERYWHERE, range(20, 30)),
)
BC_BLOCKS = tuple((setting, CLONED, range(20)) for setting in ("slow_actor", "crazyflie", "default"))


def factory(arm: Arm, setting: str, evaluations: int) -> SlopeOrFactory:
    """Return the slope of an arm or the factory of its schedule, stepped `evaluations` times on `setting`.

    An interval schedule spreads its changes evenly over the training.
    """
    if arm.kind == "fixed":
        return float(arm.settings["slope"])
    if arm.kind == "interval":
        changes = arm.settings.get("changes", CHANGES)
        spread = {"changes": changes, "interval": max(1, evaluations // changes)}
        return partial(IntervalSlope, **{**spread, **arm.settings})
    if arm.kind == "adaptive":
        full = FULL * HIGHEST_RETURN[task_of(setting)]
        return partial(AdaptiveSlope, **{"reward_range": (0.0, full), **arm.settings})
    if arm.kind == "meant":
        task = task_of(setting)
        floor = {"reward_range": (CRASH[task], FULL * HIGHEST_RETURN[task]), "window": WINDOW}
        return partial(AdaptiveSlope, **{**floor, **arm.settings})
    if arm.kind == "coded":
        return partial(CubicSlope, **{"reward_range": (0.0, FULL * HIGHEST_RETURN[task_of(setting)]), **arm.settings})
    return partial(TargetSlope, **arm.settings)


def record_runs(blocks: Sequence[tuple[str, Sequence[str], range]]) -> list[tuple[str, str, int]]:
    """Return (setting, schedule, seed) of the runs for the record, chunk by chunk: all schedules of a few seeds."""
    return [
        (setting, name, seed)
        for setting, names, seeds in blocks
        for start in seeds[:: CHUNK_SIZE // len(names)]
        for name in names
        for seed in range(start, start + CHUNK_SIZE // len(names))
    ]


def run_arms(algorithm: str, arms: Mapping[str, Arm], configs: Sequence[Any]) -> list[training.Rows | Exception]:
    """Train the runs of equal settings as replicas of one network; return their outcomes in the order of `configs`.

    Parameters
    ----------
    algorithm : {"td3", "bc"}
    arms : mapping
        What the names in the column `schedule` stand for.
    configs : sequence
        With `setting`, `schedule`, `seed` and `steps` (of TD3) or `updates` (of cloning).
    """
    amount = "steps" if algorithm == "td3" else "updates"

    def key(config: Any) -> tuple:
        return config.setting, getattr(config, amount), repr(arms[config.schedule].changes)

    def train_group(shared: tuple, group: list[Any]) -> list[training.Rows | Exception]:
        return train(algorithm, shared[0], [arms[c.schedule] for c in group], [c.seed for c in group], shared[1])

    return in_groups(configs, key, train_group)


def train(
    algorithm: str, setting: str, arms: Sequence[Arm], seeds: Sequence[int], amount: int
) -> list[training.Rows | Exception]:
    """Train one run for each arm and seed, taken pair by pair, as replicas of one network.

    Parameters
    ----------
    algorithm : {"td3", "bc"}
    setting : str
        Key of `SETTINGS`.
    arms, seeds : sequence
        Equally many; all arms have the same `changes`.
    amount : int
        Environment steps or updates.

    Returns
    -------
    list
        For each run its rows, one for each evaluation (step, episode_return, current_slope), or an Exception that says
        why it was stopped.
    """
    chosen = training.SETTINGS[setting]
    online = algorithm == "td3"
    every = chosen.evaluate_every if online else chosen.evaluate_at
    slopes = [factory(arm, setting, amount // every) for arm in arms]
    arguments = {**(chosen.td3 if online else chosen.bc), **arms[0].changes}
    arguments["rescale_moments"] = [arm.rescaled for arm in arms]
    learner = (FedTD3 if online else BehavioralCloning)(chosen.env, slopes, seeds, paired=True, **arguments)
    log = SlopeLog(len(slopes))
    learner.learn(amount, every, training.EPISODES, callback=log)
    return log.outcomes(learner)


class FedTD3(TD3):
    """TD3 that steps each `TargetSlope` with the share of dead neurons, all other schedules with the return."""

    def schedule_input(self, returns: np.ndarray) -> np.ndarray:
        """Return what each schedule listens to, (R,)."""
        targets = [isinstance(schedule, TargetSlope) for schedule in self.replicas.schedules]
        return np.where(targets, dead_share(self), returns) if any(targets) else returns


def dead_share(learner: ReplicaLearner) -> np.ndarray:
    """Share of hidden neurons that spike for no observation of a batch, (R,), averaged over the layers."""
    with torch.no_grad():
        _, recording = learner.policy.net(learner.probe_batch()[1], record=True)
    # Blocks are (num_steps, replicas, batch, neurons).
    return np.mean([(spk.amax(dim=(0, 2)) == 0).double().mean(-1).numpy() for spk in recording.spk], axis=0)


class SlopeLog(training.RunLog):
    """Callback that keeps return and slope of each replica at each evaluation."""

    def __init__(self, replicas: int):
        super().__init__(replicas, every=0, last=0)

    def __call__(self, learner: ReplicaLearner) -> None:
        """Keep what the learner has just recorded."""
        super().__call__(learner)
        slopes = learner.replicas.current_slopes.tolist()
        for replica, rows in enumerate(self.rows):
            if replica not in learner.failures:
                rows[-1]["current_slope"] = rounded(slopes[replica], training.DIGITS)
