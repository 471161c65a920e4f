"""How the book looks: colours, Matplotlib style, sizes, slope axes, points with intervals."""

from snnsg_lib.extras import extra

with extra("experiments"):
    from .drawing import (
        ACCENT,
        AXIS,
        COLOURS,
        DASHES,
        INK,
        MUTED,
        PEOPLE,
        SCHEDULES,
        SLOPE_TICKS,
        TRUTH,
        new_axes,
        slope_axis,
        slope_colormap,
        slope_colour,
        slope_norm,
        use_style,
    )
    from .intervals import (
        draw_over_slopes,
        draw_points,
        legend_below,
        means_and_intervals,
        middle_and_interval,
        middles_and_intervals,
        slope_panel,
    )

__all__ = [
    "ACCENT",
    "AXIS",
    "COLOURS",
    "DASHES",
    "INK",
    "MUTED",
    "PEOPLE",
    "SCHEDULES",
    "SLOPE_TICKS",
    "TRUTH",
    "draw_over_slopes",
    "draw_points",
    "legend_below",
    "means_and_intervals",
    "middle_and_interval",
    "middles_and_intervals",
    "new_axes",
    "slope_axis",
    "slope_colormap",
    "slope_colour",
    "slope_norm",
    "slope_panel",
    "use_style",
]
