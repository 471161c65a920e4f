"""Pictures of one drone for `render()`; Matplotlib without pyplot, so that no global figure is left behind."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DRAWN_LEVER = 0.12  # m; a Crazyflie of true size would be a few pixels


def draw_planar(state: np.ndarray, half_width: float) -> np.ndarray:
    """RGB picture (400, 400, 3) uint8 of a PlanarHover state (x, z, vx, vz, theta, omega) within +-half_width m."""
    figure = Figure(figsize=(4, 4), dpi=100)
    ax = figure.add_subplot()
    x, z, theta = state[0], state[1], state[4]
    along = DRAWN_LEVER * np.array([np.cos(theta), -np.sin(theta)])
    up = 0.06 * np.array([np.sin(theta), np.cos(theta)])
    ax.plot(0, 0, "+", color="black", markersize=12)
    ax.plot([x - along[0], x + along[0]], [z - along[1], z + along[1]], color="black", linewidth=4)
    for side in (-1, 1):
        foot = np.array([x, z]) + side * along
        ax.plot([foot[0], foot[0] + up[0]], [foot[1], foot[1] + up[1]], color="grey", linewidth=3)
    ax.set(xlim=(-half_width, half_width), ylim=(-half_width, half_width), xlabel="x (m)", ylabel="z (m)")
    ax.set_aspect("equal")
    figure.tight_layout()
    return _pixels(figure)


def draw_quadrotor(position: np.ndarray, rotation: np.ndarray, half_width: float) -> np.ndarray:
    """RGB picture (400, 400, 3) uint8 of a quadrotor at `position` (3,) m with `rotation` (3, 3), drawn enlarged."""
    figure = Figure(figsize=(4, 4), dpi=100)
    ax = figure.add_axes((0.0, 0.04, 0.94, 0.94), projection="3d")
    corners = np.array([[1, -1, 0], [-1, -1, 0], [-1, 1, 0], [1, 1, 0]]) * DRAWN_LEVER
    motors = position + corners @ rotation.T
    for start, end in ((0, 2), (1, 3)):
        ax.plot(*motors[[start, end]].T, color="black", linewidth=3)
    # Front motors filled, back motors open: the heading shows without colour.
    ax.plot(*motors[[0, 3]].T, "o", color="black", markersize=7)
    ax.plot(*motors[[1, 2]].T, "o", color="black", markersize=7, fillstyle="none")
    ax.plot([position[0]] * 2, [position[1]] * 2, [-half_width, position[2]], ":", color="grey", linewidth=1)
    ax.plot([0], [0], [0], "+", color="black", markersize=12)
    limits = (-half_width, half_width)
    ax.set(xlim=limits, ylim=limits, zlim=limits, xlabel="x (m)", ylabel="y (m)", zlabel="z (m)")
    return _pixels(figure)


def _pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
