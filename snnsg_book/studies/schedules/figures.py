"""Pictures of slopes that move: their paths, who arrives when (Figure 4), how well they end (Figure 5), at what price.

Fixed slopes keep the colours of the slope map; schedules are told apart by line style and marker in neutral, warm ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.studies.control.figures.learning import OUTCOMES
from snnsg_book.studies.control.outcomes import task_of
from snnsg_book.style import INK, MUTED, SCHEDULES, draw_points, middle_and_interval, new_axes, slope_axis, slope_colour
from snnsg_lib.checks import check_choice
from snnsg_lib.statistics import survival

from .comparisons import EPOCHS, best_fixed, slope_of, together

if TYPE_CHECKING:
    import pandas as pd

# First word of an arm's name: its family. The rest of the name: how the line differs within the family.
VARIANTS = {
    "meant": (0, (6, 1)),
    "coded": (0, (3, 1, 1, 1)),
    "geometric": "-.",
    "rescaled": ":",
    "short memory": (0, (1, 3)),
}
# Arms whose name does not begin with that of their family.
FAMILY = dict.fromkeys(("meant", "coded", "floor alone", "short means alone"), "adaptive")
NAMES = {"meant": "adaptive, as meant", "coded": "adaptive, as coded"}
ARMS = ("k = 1", "k = 2", "k = 10", "k = 100", "interval, linear", "interval, geometric", "adaptive")


def arm_style(arm: str) -> dict[str, Any]:
    """Line of an arm: a fixed slope in its colour, a schedule in the style of its family."""
    slope = slope_of(arm)
    if slope is not None:
        return {"color": slope_colour(slope), "linestyle": "-", "linewidth": 1.6}
    family = FAMILY.get(arm.split(",")[0], arm.split(",")[0].split()[0])
    style = dict(SCHEDULES.get(family, {"color": MUTED, "linestyle": "--", "linewidth": 1.6}))
    style.pop("marker", None)
    style.pop("markersize", None)
    for word, line in VARIANTS.items():
        if word in arm:
            style["linestyle"] = line
    return style


def plot_slope_paths(table: pd.DataFrame, *, arms: Sequence[str] | None = None, ax: Axes | None = None) -> Axes:
    """Draw the slope over training: the median of the runs of each schedule, and the range of the middle 80 %.

    Parameters
    ----------
    table : DataFrame
        Columns schedule, seed, step, current_slope, of one setting.
    arms : sequence of str, optional
        Which schedules; all if not given.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    for arm in table["schedule"].unique() if arms is None else arms:
        slopes = table[table["schedule"] == arm].pivot(index="step", columns="seed", values="current_slope")
        low, middle, high = slopes.quantile([0.1, 0.5, 0.9], axis=1).to_numpy()
        style = arm_style(arm)
        ax.fill_between(slopes.index, low, high, color=style["color"], alpha=0.15, linewidth=0)
        ax.plot(slopes.index, middle, label=arm, **style)
    slope_axis(ax, "y")
    ax.set(xlabel="environment steps")
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def plot_survival(
    scheduled: pd.DataFrame,
    fixed: pd.DataFrame,
    *,
    setting: str = "slow_actor",
    arms: Sequence[str] = ARMS,
    ax: Axes | None = None,
) -> Axes:
    """Draw Figure 4 as survival curves: the share of runs that have not reached the threshold yet, with 95 % bands.

    A run that never arrives stays in the share to the end (Kaplan & Meier 1958).

    Parameters
    ----------
    scheduled, fixed : DataFrame
        Tables `schedules_td3` and `td3_slopes`, or those of cloning.
    setting : str
        Which of their settings.
    arms : sequence of str
        Names of schedules, and fixed slopes as ``"k = 2"``.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    runs = _runs(scheduled, fixed, setting)
    for arm in arms:
        own = runs[runs["arm"] == arm]
        curve = survival(own["speed"], own["reached"])
        style = arm_style(arm)
        ax.fill_between(curve.times, curve.low, curve.high, step="post", color=style["color"], alpha=0.12, linewidth=0)
        ax.step(curve.times, curve.share, where="post", label=arm, **style)
    epoch = EPOCHS[task_of(setting)]
    ax.set(
        xlabel=f"environment steps (an epoch is {epoch:,})", ylabel="share of runs not there yet", ylim=(-0.02, 1.02)
    )
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return ax


def plot_arms(
    scheduled: pd.DataFrame,
    fixed: pd.DataFrame,
    outcome: str = "final",
    *,
    setting: str = "slow_actor",
    ax: Axes | None = None,
) -> Axes:
    """Draw what runs come to, a line for each fixed slope and schedule: interquartile mean and 95 % interval.

    With ``outcome="final"`` it is Figure 5.

    Parameters
    ----------
    scheduled, fixed : DataFrame
        Tables `schedules_td3` and `td3_slopes`, or those of cloning.
    outcome : {"auc", "speed", "final"}
        A column of `outcomes`.
    setting : str
        Which of their settings.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    check_choice("outcome", outcome, ("auc", "speed", "final"))
    ax = new_axes()[1] if ax is None else ax
    runs = _runs(scheduled, fixed, setting)
    arms = sorted(runs["arm"].unique(), key=lambda arm: (slope_of(arm) is None, slope_of(arm) or 0.0, arm))
    for place, arm in enumerate(reversed(arms)):
        point = middle_and_interval(runs.loc[runs["arm"] == arm, outcome])
        _point_across(ax, place, point, arm)
    ax.set_yticks(range(len(arms)), list(reversed(arms)))
    ax.grid(axis="x")
    ax.set(xlabel=OUTCOMES[outcome])
    return ax


def plot_gains(
    scheduled: pd.DataFrame,
    fixed: pd.DataFrame,
    *,
    setting: str = "slow_actor",
    ax: Axes | None = None,
) -> Axes:
    """Draw how much sooner each schedule arrives than slope 100 (filled) and than the best fixed slope (open).

    A ratio of steps to the threshold, seed by seed, with its interquartile mean and 95 % interval; the best fixed slope
    of a seed is the one that is best over all other seeds.

    Parameters
    ----------
    scheduled, fixed : DataFrame
        Tables `schedules_td3` and `td3_slopes`, or those of cloning.
    setting : str
        Which of their settings.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    speed = _runs(scheduled, fixed, setting).pivot(index="seed", columns="arm", values="speed")
    arms = [arm for arm in speed.columns if slope_of(arm) is None]
    references = (
        (0.12, "than k = 100", speed["k = 100"], True),
        (-0.12, "than the best fixed slope", best_fixed(speed, largest=False), False),
    )
    for shift, label, reference, filled in references:
        for place, arm in enumerate(arms):
            ratio = (reference / speed[arm]).dropna()
            _point_across(ax, place + shift, middle_and_interval(ratio), arm, filled)
        ax.plot([], [], "o", color=INK, markerfacecolor=INK if filled else "none", label=label)
    ax.axvline(1.0, color=MUTED, linestyle=":", linewidth=1.2)
    ax.set_yticks(range(len(arms)), arms)
    ax.grid(axis="x")
    ax.set(xlabel="times sooner at the threshold")
    ax.legend(loc="best")
    return ax


def plot_price_of_a_sweep(price: pd.DataFrame, *, most: int = 50, ax: Axes | None = None) -> Axes:
    """Draw the mean cost of a training, the sweep included, against the number of trainings it has to pay for.

    Parameters
    ----------
    price : DataFrame
        As `price_of_a_sweep` returns it.
    most : int
        Largest number of trainings on the axis.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    trainings = np.geomspace(1, most, 100)
    for plan, style in zip(price.itertuples(), _plan_styles(price), strict=True):
        ax.plot(trainings, plan.steps + plan.cost / trainings, label=plan.plan, **style)
    ax.set(xscale="log", yscale="log", xlabel="trainings afterwards", ylabel="environment steps a training")
    ax.legend(loc="best")
    return ax


def plot_beside_the_published(table: pd.DataFrame, *, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Draw Figures 4 and 5 of the paper, read from its bars (diamonds), beside the same counts of our runs.

    Everything is divided by what slope 2 comes to. Left the time to the threshold, right the return: the largest of the
    curve, as in the paper (filled), and that at the end (open), with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        As `beside_the_published` returns it.
    axes : two Axes, optional
        Drawn into; a new wide figure if not given.
    """
    axes = new_axes("wide", columns=2, sharey=True)[1] if axes is None else axes
    arms = list(table["arm"].unique())[::-1]
    for ax, measures in zip(axes, (("time",), ("best", "final")), strict=True):
        for measure in measures:
            rows = table[table["measure"] == measure].set_index("arm")
            for place, arm in enumerate(arms):
                point = rows.loc[arm]
                shift = -0.18 if measure == "final" else 0.0
                _point_across(ax, place + shift, (point["here"], point["low"], point["high"]), arm, measure != "final")
                if measure != "final":
                    ax.plot(point["published"], place + 0.25, "D", color=INK, markerfacecolor="none", markersize=6)
        ax.axvline(1.0, color=MUTED, linestyle=":", linewidth=1.2)
        ax.grid(axis="x")
    axes[0].set_yticks(range(len(arms)), [NAMES.get(arm, arm) for arm in arms])
    axes[0].set(xlabel="time to the threshold, over that of k = 2")
    axes[1].set(xlabel="return, over that of k = 2")
    for label, marker, face in (("the paper", "D", "none"), ("here, as counted there", "o", INK)):
        axes[1].plot([], [], marker, color=INK, markerfacecolor=face, label=label)
    axes[1].plot([], [], "o", color=INK, markerfacecolor="none", label="here, at the end")
    axes[1].legend(loc="lower left")
    return axes


def _plan_styles(price: pd.DataFrame) -> list[dict[str, Any]]:
    """Plans without a sweep in the style of schedules, sweeps in ever finer dashes."""
    sweeps = int((price["pilots"] > 0).sum())
    lengths = np.linspace(6, 2, sweeps)
    dashed = [{"color": INK, "linestyle": (0, (float(length), 2.0)), "linewidth": 1.4} for length in lengths]
    return [arm_style(price["plan"].iloc[0]), {"color": MUTED, "linestyle": "-", "linewidth": 1.4}, *dashed]


def _runs(scheduled: pd.DataFrame, fixed: pd.DataFrame, setting: str) -> pd.DataFrame:
    return together(*(table[table["setting"] == setting] for table in (scheduled, fixed)))


def _point_across(ax: Axes, place: float, point: tuple[float, float, float], arm: str, filled: bool = True) -> None:
    colour = arm_style(arm)["color"]
    face = colour if filled else "none"
    draw_points(ax, np.array([place]), np.array([point]), face, colour=colour, across=True)
