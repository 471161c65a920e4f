"""How the book looks: colours, Matplotlib style, sizes, slope axes, points with intervals."""

from .drawing import (
    COLOURS,
    SCHEDULES,
    SLOPE_TICKS,
    new_axes,
    slope_axis,
    slope_colormap,
    slope_colour,
    slope_norm,
    use_style,
)
from .intervals import FLOOR_GREY, draw_points, legend_below, middle_and_interval, middles_and_intervals, summary

__all__ = [
    "COLOURS",
    "FLOOR_GREY",
    "SCHEDULES",
    "SLOPE_TICKS",
    "draw_points",
    "legend_below",
    "middle_and_interval",
    "middles_and_intervals",
    "new_axes",
    "slope_axis",
    "slope_colormap",
    "slope_colour",
    "slope_norm",
    "summary",
    "use_style",
]
