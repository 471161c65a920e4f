"""Flossing explorer: stored runs, the spectrum of exponents over the gradient steps with the accuracy beside it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from snnsg_book import load_results
from snnsg_book.studies.flossing.epochs import ARMS, CHECKPOINTS, DELAYS, NUM_EXPONENTS
from snnsg_book.studies.flossing.networks import MEMBRANE, NEURONS, SYNAPSE
from snnsg_book.studies.flossing.tasks import SCHEDULES, STEPS

from .controls import Button, Choice, Listed
from .explorer import Explorer, script

SLOPES = (1, 5, 25)
PULSE = 3  # steps of a trial after its delay
TASK_NAMES = {"copy": "copy", "xor": "XOR"}
NETWORKS = ("1", "2", "3", "4")
EXPONENTS = [f"exponent_{number + 1}" for number in range(NUM_EXPONENTS)]
# All exponents add up to this, whatever the weights.
SUM = -NEURONS * (1 / MEMBRANE + 1 / SYNAPSE)
OTHERS = 2 * NEURONS - NUM_EXPONENTS
NO_DROP = ord("A")
TREATMENTS = {
    "none": "no flossing",
    "before": "floss before",
    "before 16": "floss 16 before",
    "during": "floss during",
    "gain": "weights × 4",
}


class Run(NamedTuple):
    """One network over the checkpoints.

    Attributes
    ----------
    accuracy : list of int
        In per cent.
    exponents : ndarray of int, (checkpoints, 32)
        In thousandths per step; from the second on in tens.
    """

    accuracy: list[int]
    exponents: np.ndarray


@lru_cache(maxsize=1)
def stored_spectra() -> dict[str, Any]:
    """What the explorer keeps of `flossing_epochs`: the checkpoints, and for each task, arm, slope and seed one run.

    Beside them the blocks of each arm, the number of exponents that it flosses, and the last step of each task and the
    length of its trials. A run is its accuracies in per cent, its largest exponents in thousandths, and a text: for
    each checkpoint by how many hundredths each exponent is lower than the one before it, as the letter so far from "A".
    """
    table = load_results("flossing_epochs").sort_values("step")
    places = table.groupby(["task", "arm", "slope", "seed"]).indices
    accuracy, exponents = table["accuracy"].to_numpy(), table[EXPONENTS].to_numpy()

    def cell(*names: str | float) -> list:
        rows = [places[(*names, seed)] for seed in range(len(NETWORKS))]
        return [_compact(accuracy[one], exponents[one]) for one in rows]

    runs = {task: {arm: [cell(task, arm, slope) for slope in SLOPES] for arm in ARMS} for task in DELAYS}
    arms = {arm: {"blocks": blocks(arm), "flossed": flossed(arm)} for arm in ARMS}
    tasks = {task: {"last": STEPS[task], "length": delay + PULSE} for task, delay in DELAYS.items()}
    return {"steps": list(CHECKPOINTS), "slopes": list(SLOPES), "arms": arms, "tasks": tasks, "runs": runs}


def flossed(arm: str) -> int:
    """How many exponents an arm flosses."""
    return ARMS[arm][1] if ARMS[arm][0] in SCHEDULES else 0


def blocks(arm: str) -> list[list[int]]:
    """First and last step of each block of flossing."""
    found, done = [], 0
    for trained, count in SCHEDULES.get(ARMS[arm][0] or "none", {}).items():
        found.append([trained + done, trained + done + count])
        done += count
    return found


def _compact(accuracy: np.ndarray, exponents: np.ndarray) -> list:
    first = np.rint(1000 * exponents[:, 0]).astype(int)
    hundredths = np.rint(100 * exponents).astype(int)
    hundredths[:, 0] = _tenth(first)
    drops = "".join(chr(NO_DROP + drop) for drop in -np.diff(hundredths, axis=1).ravel())
    return [np.rint(100 * accuracy).astype(int).tolist(), first.tolist(), drops]


def _tenth(whole: np.ndarray) -> np.ndarray:
    # Halves go up, as in the page's script.
    return (whole + 5) // 10


def _unpack(accuracy: list[int], first: list[int], drops: str) -> Run:
    falls = np.array([ord(letter) - NO_DROP for letter in drops]).reshape(len(first), NUM_EXPONENTS - 1)
    largest = np.array(first)[:, None]
    return Run(accuracy, np.hstack([largest, 10 * (_tenth(largest) - falls.cumsum(axis=1))]))


class FlossingExplorer(Explorer):
    """Exponents and accuracy of networks that are flossed, or not, and trained: stored runs, with and without a kernel.

    Networks of 64 neurons with synaptic current, of whose 128 surrogate Lyapunov exponents the 32 leading ones were
    recorded at some of the gradient steps; values between these are not shown.

    Parameters
    ----------
    step : {0, 10, 20, 40, ..., 160, 200, 240, ..., 600}
        Gradient steps so far, flossing included; in "copy", whose runs end after 400, all above are its last.
    task : {"copy", "xor"}
        Delayed copy over 45 steps, or exclusive or of two bits over 24.
    arm : {"none", "before", "before 16", "during", "gain"}
        No flossing; 60 flossing steps on one exponent before training, or on sixteen; two blocks of 30 on one exponent
        during training; recurrent weights times 4 and no flossing.
    slope : {1, 5, 25}
        Slope k of the surrogate.
    network : {"1", "2", "3", "4"}
        Which of the stored networks.

    Raises
    ------
    FileNotFoundError
        If the table `flossing_epochs` is not stored.

    Examples
    --------
    >>> explorer = FlossingExplorer(arm="before")
    >>> bool(explorer.run().exponents[-1, 0] > explorer.run().exponents[0, 0])
    True
    """

    _name = "flossing"
    _esm = script("flossing")
    _title = "Flossing explorer"
    _picture = (
        "The leading Lyapunov exponents of a network at the chosen gradient step and at the start; beside them "
        "accuracy and largest exponent over the steps, the blocks of flossing shaded"
    )
    _try_this = (
        "play it at slope 5, then at slope 25: what does the same flossing reach? Then floss sixteen exponents, and at "
        "last let the XOR be learnt with weights × 4, which nobody flosses."
    )

    step = Listed(60.0, CHECKPOINTS, "gradient steps", wide=True, last={"task": STEPS})
    play = Button()
    task = Choice("copy", {task: f"{TASK_NAMES[task]}, {delay} steps" for task, delay in DELAYS.items()}, "task")
    arm = Choice("before", TREATMENTS, "treatment")
    slope = Listed(5.0, SLOPES, "slope k", select=True)
    network = Choice("1", NETWORKS, "network", more=True)

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """The stored runs."""
        return stored_spectra()

    @property
    def steps(self) -> list[int]:
        """Gradient steps at the checkpoints of the chosen task."""
        return [step for step in CHECKPOINTS if step <= STEPS[self.task]]

    @property
    def checkpoint(self) -> int:
        """Place of the chosen step among the checkpoints, 0 for the first."""
        return self.steps.index(min(int(self.step), STEPS[self.task]))

    def runs(self) -> list[Run]:
        """Return all networks of the chosen task, arm and slope."""
        cell = stored_spectra()["runs"][self.task][self.arm][SLOPES.index(int(self.slope))]
        return [_unpack(*run) for run in cell]

    def run(self) -> Run:
        """Return the chosen network."""
        return self.runs()[int(self.network) - 1]

    def others(self) -> list[float]:
        """Mean of the 96 exponents that were not recorded, at each checkpoint: what the sum of all leaves to them."""
        return [(SUM - total / 1000) / OTHERS for total in self.run().exponents.sum(axis=1).tolist()]
