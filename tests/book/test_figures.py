"""Figures draw what they are given, in one visual language with the explorers."""

import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import snnsg_book.explorers
from snnsg_book import style
from snnsg_book.studies.spike.figures import (
    plot_slope_widths,
    plot_surrogates,
)
from snnsg_book.style import drawing
from snnsg_lib.surrogates import ATan, FastSigmoid

SLOPES = [1, 2, 5, 10, 25, 50, 100]
CSS = (Path(snnsg_book.explorers.__file__).parent / "explorer.css").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _figures_off_screen():
    with mpl.rc_context(), plt.ioff():
        mpl.use("agg")
        yield
        plt.close("all")


def css_variables(dark):
    """Colours of the explorers' style sheet, by name."""
    light_block, dark_block = re.findall(r"\.snnsg \{(.*?)\n\}", CSS, re.DOTALL)[:2]
    return dict(re.findall(r"--snnsg-([\w-]+): (#\w+);", dark_block if dark else light_block))


@pytest.mark.parametrize("dark", [False, True])
def test_figures_and_explorers_share_their_colours(dark):
    variables = css_variables(dark)
    slopes = {f"slope-{stop}": style.slope_colour(10 ** (stop / 4), dark) for stop in range(9)}
    named = {name: pair[dark] for name, pair in style.COLOURS.items()}
    assert variables == {**named, **slopes}


def luminance(colour):
    channels = [
        value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4 for value in mpl.colors.to_rgb(colour)
    ]
    return float(np.dot(channels, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize(("dark", "page"), [(False, "#ffffff"), (True, "#121212")])
@pytest.mark.parametrize("name", ["ink", "muted", "accent", "truth"])
def test_text_and_accent_stand_out_from_the_page(dark, page, name):
    light, deep = sorted([luminance(style.COLOURS[name][dark]), luminance(page)], reverse=True)
    assert (light + 0.05) / (deep + 0.05) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_slope_map_grows_lighter_with_the_slope(dark):
    brightness = [luminance(style.slope_colour(slope, dark)) for slope in SLOPES]
    assert brightness == sorted(brightness)
    assert style.slope_colour(0.01, dark) == style.slope_colour(1, dark)


def test_slope_map_is_cut_viridis():
    assert style.slope_colour(1) == mpl.colors.to_hex(mpl.colormaps["viridis"](0.1))
    assert style.slope_colour(100, dark=True) == mpl.colors.to_hex(mpl.colormaps["viridis"](1.0))
    colours = style.slope_colormap()(style.slope_norm()([1, 10, 100]))
    expected = [mpl.colors.to_rgb(style.slope_colour(slope)) for slope in (1, 10, 100)]
    np.testing.assert_allclose(colours[:, :3], expected, atol=0.01)


@pytest.mark.parametrize("slope", [0, -1, float("nan"), "steep"])
def test_slope_colour_refuses_what_is_no_slope(slope):
    with pytest.raises((ValueError, TypeError), match="slope must be"):
        style.slope_colour(slope)


def test_schedules_never_take_a_colour_of_the_slope_map():
    slopes = np.array([mpl.colors.to_rgb(style.slope_colour(10 ** (place / 50))) for place in range(101)])
    for line in style.SCHEDULES.values():
        distance = np.linalg.norm(slopes - mpl.colors.to_rgb(line["color"]), axis=1)
        assert distance.min() > 0.2


def test_surrogates_are_drawn_as_the_library_computes_them():
    surrogates = [FastSigmoid(slope) for slope in SLOPES]
    ax = plot_surrogates(surrogates)
    curves = [line for line in ax.lines if line.get_label().startswith("k = ")]
    assert [line.get_color() for line in curves] == [style.slope_colour(slope) for slope in SLOPES]
    for surrogate, line in zip(surrogates, curves, strict=True):
        u, values = line.get_data()
        np.testing.assert_allclose(values, 1 / (1 + surrogate.slope * np.abs(u)) ** 2)
    assert [text.get_text() for text in ax.texts] == [f"k = {slope}" for slope in SLOPES]


def test_primitive_is_drawn_on_request_and_other_curves_are_refused():
    ax = plot_surrogates([ATan(3)], curve="primitive")
    assert ax.get_ylabel() == "surrogate primitive"
    with pytest.raises(ValueError, match="curve must be one of"):
        plot_surrogates([ATan(3)], curve="integral")


def test_plots_draw_into_the_axes_they_are_given():
    ax = plt.figure().subplots()
    assert plot_surrogates([FastSigmoid(5)], ax=ax) is ax


@pytest.mark.parametrize("normalization", ["peak", "area"])
def test_widths_shrink_as_one_over_the_slope(normalization):
    axes = plot_slope_widths(SLOPES, normalization=normalization)
    for line in axes[0].lines:
        slopes, widths = line.get_data()
        np.testing.assert_allclose(np.multiply(slopes, widths), widths[0])
    peaks = axes[1].lines[0].get_ydata()
    assert peaks[-1] == pytest.approx(1 if normalization == "peak" else 50)
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["1", "2", "5", "10", "25", "50", "100"]


def test_style_keeps_text_readable_and_svg_text_real():
    style.use_style()
    assert mpl.rcParams["svg.fonttype"] == "none"
    assert min(mpl.rcParams[f"{name}.labelsize"] for name in ("axes", "xtick", "ytick")) >= 9
    assert not mpl.rcParams["axes.spines.top"]
    assert mpl.rcParams["figure.figsize"] == list(drawing.SIZES["column"])


def test_new_axes_come_in_two_sizes():
    figure, ax = style.new_axes("wide")
    assert tuple(figure.get_size_inches()) == drawing.SIZES["wide"]
    assert not ax.spines["right"].get_visible()
    with pytest.raises(ValueError, match="size must be one of"):
        style.new_axes("poster")
