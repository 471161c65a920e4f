"""Pictures of a flight of CrazyflieHover: the drone in its box, and the spikes of its policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from snnsg_book.style import COLOURS, new_axes
from snnsg_lib.envs.crazyflie import HALF_WIDTH, rotation_matrix
from snnsg_lib.envs.drawing import DRAWN_LEVER

if TYPE_CHECKING:
    import pandas as pd

INK, MUTED, AXIS, TRUTH = (COLOURS[name][0] for name in ("ink", "muted", "axis", "truth"))
SECONDS_PER_STEP = 0.02
CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
# Front right, back right, back left, front left.
MOTORS = DRAWN_LEVER * np.array([[1, -1, 0], [-1, -1, 0], [-1, 1, 0], [1, 1, 0]])
ROTOR = 0.06  # m, drawn


def project(points: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Parallel projection of points (..., 3) onto the picture, (..., 2): right and up, in the unit of the points.

    The viewer stands `azimuth` degrees from the x axis, counter-clockwise as seen from above, and `elevation` degrees
    above the horizon.
    """
    a, e = np.radians([azimuth, elevation])
    right = (-np.sin(a), np.cos(a), 0.0)
    up = (-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e))
    return points @ np.array([right, up]).T


def plot_flight(
    rows: pd.DataFrame,
    *,
    step: int = -1,
    reference: pd.DataFrame | None = None,
    colour: str = INK,
    azimuth: float = -50.0,
    elevation: float = 20.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the drone in its box: the way so far thick, the rest faint, another flight thin and black.

    Parameters
    ----------
    rows : DataFrame
        One flight of the table `flights`: columns x, y, z (m), qw, qx, qy, qz.
    step : int
        Row at which the drone is drawn; -1 is the last.
    reference : DataFrame, optional
        Another flight.
    colour : str
        Of the path.
    azimuth, elevation : float
        Where the viewer stands, in degrees.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax

    def line(points: np.ndarray, **style: Any) -> None:
        ax.plot(*project(points, azimuth, elevation).T, **style)

    pairs = [(a, b) for a in CORNERS for b in CORNERS if np.abs(a - b).sum() == 2 and tuple(a) < tuple(b)]
    for pair in pairs:
        line(HALF_WIDTH * np.array(pair), color=AXIS, linewidth=0.6)
    line(np.zeros((1, 3)), color=INK, marker="+", markersize=11)
    path = rows[["x", "y", "z"]].to_numpy()
    if reference is not None:
        line(reference[["x", "y", "z"]].to_numpy(), color=TRUTH, linewidth=0.8)
    step = range(len(path))[step]
    line(path, color=colour, linewidth=1.2, alpha=0.35)
    line(path[: step + 1], color=colour, linewidth=2.2)
    # A plumb line to the floor tells height from depth.
    line(path[step] * [[1, 1, 1], [1, 1, 0]] - [[0, 0, 0], [0, 0, HALF_WIDTH]], color=MUTED, linestyle=":", linewidth=1)
    rotation = rotation_matrix(rows[["qw", "qx", "qy", "qz"]].to_numpy()[step]).reshape(3, 3)
    motors = path[step] + MOTORS @ rotation.T
    for ends in ((0, 2), (1, 3)):
        line(motors[list(ends)], color=INK, linewidth=2)
    turn = np.linspace(0, 2 * np.pi, 25)
    circle = ROTOR * np.stack((np.cos(turn), np.sin(turn), 0 * turn), axis=1) @ rotation.T
    for index, motor in enumerate(motors):
        # Front rotors filled, back rotors open: the heading shows without colour.
        ax.fill(*project(motor + circle, azimuth, elevation).T, fill=index in (0, 3), facecolor=INK, edgecolor=INK)
    ax.set_aspect("equal")
    ax.axis("off")
    return ax


def plot_flight_spikes(rows: pd.DataFrame, *, step: int = -1, ax: Axes | None = None) -> Axes:
    """Draw the spikes of a policy over its flight, first hidden layer on top; a taller tick is more spikes.

    Parameters
    ----------
    rows : DataFrame
        One flight of the table `flights`: column spikes.
    step : int
        Row at which the play head stands; later spikes are pale. -1 is the last.
    ax : Axes, optional
        Drawn into; a new column-wide figure if not given.
    """
    ax = new_axes()[1] if ax is None else ax
    step = range(len(rows))[step]
    if rows["spikes"].iloc[0] == "-":
        ax.text(0.5, 0.5, "the expert has no neurons", transform=ax.transAxes, ha="center", color=MUTED)
    else:
        counts = np.array([[int(digit) for digit in spikes] for spikes in rows["spikes"]])
        when, neuron = np.nonzero(counts)
        per_layer = counts.shape[1] // 3
        place = -(neuron + 3 * (neuron // per_layer))  # a gap of three rows between layers
        height = 0.2 + 0.2 * counts[when, neuron]
        for past, alpha in ((True, 1.0), (False, 0.3)):
            some = (when <= step) == past
            seconds = when[some] * SECONDS_PER_STEP
            bottom, top = place[some] - height[some] / 2, place[some] + height[some] / 2
            ax.vlines(seconds, bottom, top, color=INK, linewidth=0.8, alpha=alpha)
        for layer in range(3):
            ax.text(0.0, -layer * (per_layer + 3) + 0.9, f"hidden layer {layer}", fontsize=9, va="bottom", color=MUTED)
        ax.set_ylim(-3 * (per_layer + 3) + 3, 4)
    ax.axvline(step * SECONDS_PER_STEP, color=COLOURS["accent"][0], linewidth=1.2)
    ax.set(xlabel="time (s)", yticks=[], xlim=(0, 3))
    ax.grid(visible=False)
    ax.spines["left"].set_visible(False)
    return ax
