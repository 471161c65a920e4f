"""Does flossing make long delays learnable? Accuracy over training, with it, without it, and with what may explain it.

Networks of 64 neurons learn one-shot trials with input noise: a bit, or the exclusive or of two, is asked `delay` steps
after it was shown. Every arm takes the same number of gradient steps, flossing steps included. Arms:

- ``none``; ``before``, ``during`` and ``both``: 60 flossing steps in all, on one exponent;
- ``gain``: recurrent weights times 4 and no flossing; ``gain and floss``: both;
- ``rate``: input biases raised until the network fires as often as the flossed one of its seed, no flossing;
- ``slope``: no flossing of weights, but the surrogate's slope at which the largest exponent is 0.

Rows, every 25 or 37 gradient steps: `seconds` of CPU time for one network so far, measured in its cell of 20 (a
bisection included; ``rate`` is not charged for the flossed network that it is matched to), `accuracy` on 64 trials of
its own, firing `rate`, largest `exponent`. All arms at learning rate 5e-4; some at 2e-3, and at slopes 1 and 25.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from snnsg_book.replicas import all_but, in_groups
from snnsg_book.rounding import rounded
from snnsg_lib.checks import check_choice
from snnsg_lib.lyapunov import floss
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.tasks import Delayed

from . import networks

CHUNK_SIZE = 20
SCHEDULES = {
    "before": {0: 60},
    "during": {40: 30, 80: 30},
    "both": {0: 30, 60: 30},
    "gain and floss": {0: 60},
}
ARMS = ("none", "before", "gain", "slope", "rate", "gain and floss", "during", "both")
GAINS = {"gain": 4.0, "gain and floss": 4.0, "gain 2": 2.0, "gain 8": 8.0}
LONG = (("copy", 45), ("xor", 24), ("copy", 80), ("xor", 36))
OTHERS = (("copy", 20), ("xor", 12), ("copy", 100), ("copy", 10))
STEPS = {"copy": 400, "xor": 600}
THRESHOLD = 0.9
CELL = ["arm", "task", "delay", "slope", "learning_rate", "steps"]


@dataclass(frozen=True)
class Config:
    """One network; `steps` counts the gradient steps of both kinds."""

    task: str = "copy"
    delay: int = 45
    arm: str = "none"
    seed: int = 0
    slope: float = 5.0
    learning_rate: float = 5e-4
    steps: int = 400


class Log:
    """Hands out the trials of each step, and on the way looks at the networks now and then."""

    def __init__(self, net: RecurrentLIF, config: Config, seeds: list[int]):
        self.net, self.config = net, config
        self.rngs = networks.streams(seeds, 7)
        self.test = networks.draw(config.task, config.delay, 64, networks.streams(seeds, 8))
        self.every = max(1, config.steps // 16)
        self.rows: list[list[dict]] = [[] for _ in seeds]
        self.seconds, self.since = 0.0, time.process_time()

    def __call__(self, epoch: int) -> Delayed:
        """Trials of an epoch."""
        if epoch % self.every == 0:
            self.look(epoch)
        return networks.draw(self.config.task, self.config.delay, 16, self.rngs)

    def look(self, step: int) -> None:
        """Add a row for each network; the clock stands still meanwhile."""
        self.seconds += time.process_time() - self.since
        found = networks.evaluate(self.net, self.test)
        for replica, rows in enumerate(self.rows):
            measured = {name: rounded(values[replica]) for name, values in found.items()}
            rows.append({"step": step, "seconds": rounded(self.seconds / len(self.rows)), **measured})
        self.since = time.process_time()


def configs(quick: bool = False) -> list[Config]:
    """Arms x tasks x delays x 20 seeds, what matters most first; other rates and slopes; if quick, two short arms."""
    seeds = range(20)
    if quick:
        return [Config("copy", 20, arm, seed, steps=90) for arm in ("none", "before") for seed in range(6)]
    cells = [(task, delay, arm, 5.0, 5e-4) for group in (ARMS[:4], ARMS[4:]) for task, delay in LONG for arm in group]
    cells += [(task, delay, arm, 5.0, 2e-3) for task, delay in LONG for arm in ARMS[:4]]
    cells += [(task, delay, arm, 5.0, 5e-4) for task, delay in OTHERS for arm in ARMS[:5]]
    cells += [("copy", 45, arm, slope, 5e-4) for slope in (1.0, 25.0) for arm in ("none", "before")]
    return [
        Config(task, delay, arm, seed, slope, rate, STEPS[task])
        for task, delay, arm, slope, rate in cells
        for seed in seeds
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Train configs that differ in nothing but their seed as replicas of one network."""
    return in_groups(configs, all_but("seed"), _train)


def _train(config: Config, group: list[Config]) -> list[list[dict]]:
    seeds = [member.seed for member in group]
    net = networks.build(seeds, config.slope, GAINS.get(config.arm, 1.0))
    _prepare(net, config, seeds)
    log = Log(net, config, seeds)
    if config.arm == "slope":
        networks.surrogate_of(net).slope = networks.slope_without_growth(net, log(-1).inputs[:, :, :4])
    floss(
        net,
        log,
        config.steps,
        loss_fn=networks.task_loss,
        schedule=SCHEDULES.get(config.arm),
        num_trials=4,
        lr=config.learning_rate,
        floss_lr=5e-3,
        qr_interval=4,
    )
    log.look(config.steps)
    return log.rows


def _prepare(net: RecurrentLIF, config: Config, seeds: list[int]) -> None:
    """Match the firing rate of the flossed network, where the arm asks for it."""
    if config.arm != "rate":
        return
    flossed = copy.deepcopy(net)
    log = Log(flossed, config, seeds)
    floss(flossed, log, SCHEDULES["before"][0], num_trials=4, qr_interval=4, floss_lr=5e-3)
    networks.match_rate(net, torch.as_tensor(flossed.firing_rates(log.test.inputs)[0]), log.test.inputs)


def flossing_steps(arm: str, step: int) -> int:
    """How many of the first `step` gradient steps of an arm were flossing steps."""
    flossed = 0
    for trained, block in SCHEDULES.get(arm, {}).items():
        flossed += min(max(step - trained - flossed, 0), block)
    return flossed


def with_cost(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with a column `cost`: time so far, in units of a training step of the same cell.

    A flossing step takes longer than a training step: by how much is fitted to the clock of each cell. Time is thus
    compared within a cell alone, whatever else the machine was doing in the next one.
    """
    parts = []
    for (arm, *_), cell in table.groupby(CELL, sort=False):
        clock = cell[cell.seed == cell.seed.iloc[0]]
        flossed = clock.step.map(lambda step, arm=arm: flossing_steps(arm, step)).to_numpy()
        design = np.stack([np.ones(len(clock)), clock.step - flossed, flossed], axis=1)
        first, train, floss_step = np.linalg.lstsq(design, clock.seconds, rcond=None)[0]
        known = dict(zip(clock.step, (design @ [0.0, train, floss_step]) / train, strict=True))
        begun = first / train if arm == "slope" else 0.0
        parts.append(cell.assign(cost=cell.step.map(known) + begun))
    return pd.concat(parts).sort_index()


def of_runs(table: pd.DataFrame, equal: str = "steps") -> pd.DataFrame:
    """One row for each run: how it ended, how soon it could do the task, and how it began.

    Parameters
    ----------
    table : DataFrame
        `flossing_tasks`.
    equal : {"steps", "time"}
        What all arms spend: gradient steps, or the time that these take without any flossing.

    Returns
    -------
    DataFrame
        The columns of the config; final `accuracy`, `rate`, `exponent`, `step` and `cost`; `solved` (whether the final
        accuracy is 0.9 or more); `reached` (first step with an accuracy of 0.9 or more; missing if there is none)
        and `reached_cost`; `first_rate` and `first_exponent` (step 0).
    """
    table = with_cost(table)
    if check_choice("equal", equal, ("steps", "time")) == "time":
        table = table[table.cost <= table.steps + 1e-6]
    runs = table.groupby([*CELL, "seed"])
    ends = runs[["accuracy", "rate", "exponent", "step", "cost"]].last()
    starts = runs[["rate", "exponent"]].first().add_prefix("first_")
    arrived = table[table.accuracy >= THRESHOLD].groupby([*CELL, "seed"])[["step", "cost"]].first()
    arrived.columns = ["reached", "reached_cost"]
    solved = ends.accuracy.ge(THRESHOLD).rename("solved")
    return ends.join(solved).join(starts).join(arrived).reset_index()


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether flossing has brought the largest exponent closer to 0 within the first 100 steps."""
    table = table[table.step.between(50, 100)]
    chosen = table[(table.task == "copy") & (table.delay == 20) & (table.slope == 5)]
    sizes = chosen.exponent.abs().groupby(chosen.arm).mean()
    return {"flossing brings the largest exponent closer to 0": bool(sizes["before"] < sizes["none"])}
