"""Flossing explorer: stored runs, the spectrum of exponents over the gradient steps with the accuracy beside it."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets
from matplotlib.figure import Figure

from snnsg_book import load_results
from snnsg_book.studies.flossing.epochs import ARMS, CHECKPOINTS, DELAYS, NUM_EXPONENTS
from snnsg_book.studies.flossing.figures.lyapunov import NEITHER
from snnsg_book.studies.flossing.networks import MEMBRANE, NEURONS, SYNAPSE
from snnsg_book.studies.flossing.tasks import SCHEDULES, STEPS, flossing_steps
from snnsg_book.style import COLOURS, slope_colour

from .explorer import Choice, Explorer, Listed, script

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLOPES = (1, 5, 25)
NETWORKS = ("1", "2", "3", "4")
PULSE = 3  # steps of a trial after its delay
EXPONENTS = [f"exponent_{number + 1}" for number in range(NUM_EXPONENTS)]
# All exponents add up to this, whatever the weights.
SUM = -NEURONS * (1 / MEMBRANE + 1 / SYNAPSE)
OTHERS = 2 * NEURONS - NUM_EXPONENTS
NO_DROP = ord("A")
INK, MUTED, ACCENT, PEOPLE = (COLOURS[name][0] for name in ("ink", "muted", "accent", "people"))


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

    A run is its accuracies in per cent, its largest exponents in thousandths, and a text: for each checkpoint by how
    many hundredths each exponent is lower than the one before it, as the letter so far from "A".
    """
    table = load_results("flossing_epochs").sort_values("step")
    places = table.groupby(["task", "arm", "slope", "seed"]).indices
    accuracy, exponents = table["accuracy"].to_numpy(), table[EXPONENTS].to_numpy()

    def cell(*names: str | float) -> list:
        rows = [places[(*names, seed)] for seed in range(len(NETWORKS))]
        return [_compact(accuracy[one], exponents[one]) for one in rows]

    runs = {task: {arm: [cell(task, arm, slope) for slope in SLOPES] for arm in ARMS} for task in DELAYS}
    return {"steps": list(CHECKPOINTS), "runs": runs}


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

    step = Listed(60.0, CHECKPOINTS)
    task = Choice("copy", tuple(DELAYS))
    arm = Choice("before", tuple(ARMS))
    slope = Listed(5.0, SLOPES)
    network = Choice("1", NETWORKS)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        super().__init__(**state)
        self.set_trait("table", stored_spectra())

    @property
    def page_state(self) -> dict[str, Any]:
        """Controls and the stored runs."""
        return {**self.state, "table": stored_spectra()}

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

    @property
    def _schedule(self) -> str:
        return ARMS[self.arm][0] or "none"

    def flossed(self) -> int:
        """How many exponents the arm flosses."""
        return ARMS[self.arm][1] if self._schedule in SCHEDULES else 0

    def blocks(self) -> list[tuple[int, int]]:
        """Return the first and the last step of each block of flossing."""
        blocks, done = [], 0
        for trained, count in SCHEDULES.get(self._schedule, {}).items():
            blocks.append((trained + done, trained + done + count))
            done += count
        return blocks

    def others(self) -> list[float]:
        """Mean of the 96 exponents that were not recorded, at each checkpoint: what the sum of all leaves to them."""
        return [(SUM - total / 1000) / OTHERS for total in self.run().exponents.sum(axis=1).tolist()]

    def sentence(self) -> str:
        """Say how large the largest exponent is, what that does to a gradient, and how well the task is done."""
        run, at = self.run(), self.checkpoint
        accuracy, length = run.accuracy[at], DELAYS[self.task] + PULSE
        exponents = run.exponents.tolist()
        first = exponents[at][0]
        largest = f"the largest exponent of network {self.network} is {_hundredths(first)} per step"
        was = f"; it was {_hundredths(exponents[0][0])} at the start" if at else ""
        return (
            f"{self._when()} {largest}{was}.{self._sixteen(exponents[0], exponents[at])} That exponent alone "
            f"multiplies a gradient by e to the {_fixed(math.floor(first * length / 100 + 0.5) / 10, 1)} over the "
            f"{length} steps of a trial. The network answers {accuracy} % right."
        )

    def _when(self) -> str:
        step = self.steps[self.checkpoint]
        if step == 0:
            return "Before the first gradient step"
        last, done = self.steps[-1], flossing_steps(self._schedule, step)
        share = f"all {step}" if step == last else f"{step} of {last}"
        count = "all" if done == step else done or "none"
        return f"After {share} gradient steps" + (f", {count} of them flossing," if self.flossed() else "")

    def _sixteen(self, start: list[int], now: list[int]) -> str:
        count = self.flossed()
        if count < 2:
            return ""
        mean, was = (_hundredths(sum(exponents[:count]) / count) for exponents in (now, start))
        words = f" The {count} to be flossed have a mean of {mean}"
        return f"{words}." if now is start else f"{words}, at first {was}."

    def _draw(self) -> Figure:
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        places = [["spectrum", "accuracy"], ["spectrum", "largest"]]
        axes: dict[str, Axes] = figure.subplot_mosaic(places, width_ratios=[0.5, 0.5])
        runs = self.runs()
        self._draw_spectrum(axes["spectrum"])
        self._draw_over_steps(axes["accuracy"], [run.accuracy for run in runs])
        self._draw_over_steps(axes["largest"], [run.exponents[:, 0] / 1000 for run in runs])
        axes["accuracy"].axhline(50, color=MUTED, linestyle=":", linewidth=1.2)
        axes["accuracy"].set(title="accuracy in per cent")
        axes["largest"].axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        axes["largest"].set(title="largest exponent", xlabel="gradient steps")
        return figure

    def _draw_spectrum(self, ax: Axes) -> None:
        numbers = np.arange(1, NUM_EXPONENTS + 1)
        start, now = (self.run().exponents[at] / 1000 for at in (0, self.checkpoint))
        ax.axhline(0, color=MUTED, linestyle=":", linewidth=1.2)
        ax.text(NUM_EXPONENTS + 2, 0.01, NEITHER, ha="right", va="bottom", fontsize=9, color=MUTED)
        ax.plot(numbers, start, "o", color=MUTED, markersize=3.5, fillstyle="none", label="at the start")
        ax.plot(numbers, now, "o", color=slope_colour(self.slope), markersize=3.5, label=f"k = {self.slope:g}")
        count = self.flossed()
        if count:
            ax.plot(numbers[:count], now[:count], "o", color=ACCENT, markersize=5, label="flossed")
        rest = self.others()[self.checkpoint]
        ax.plot([NUM_EXPONENTS, NUM_EXPONENTS + 2], [rest, rest], color=INK, linewidth=2)
        text = f"mean of the\nother {OTHERS}"
        ax.text(NUM_EXPONENTS + 2, rest - 0.02, text, ha="right", va="top", fontsize=9, color=MUTED)
        ax.legend(loc="lower left", handletextpad=0.1)
        high = max(0.1, *(run.exponents.max() / 1000 for run in self.runs()))
        ax.set(xlabel="number, the largest first", title="exponents per step", ylim=(-1.22, high + 0.05))

    def _draw_over_steps(self, ax: Axes, values: list) -> None:
        for start, end in self.blocks():
            ax.axvspan(start, end, color=PEOPLE, alpha=0.3, linewidth=0)
        colour, chosen = slope_colour(self.slope), int(self.network) - 1
        for path in values:
            ax.plot(self.steps, path, color=colour, alpha=0.25, linewidth=1)
        ax.plot(self.steps, values[chosen], color=colour, linewidth=2)
        ax.axvline(self.steps[self.checkpoint], color=ACCENT, linewidth=1.6)
        ax.set_xlim(0, self.steps[-1])


def _fixed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _hundredths(thousandths: float) -> str:
    # Halves go up, as in the page's script.
    return _fixed(math.floor(thousandths / 10 + 0.5) / 100, 2)
