"""A family that is registered stands in every place that lists the families, and needs a twin in JavaScript."""

import re
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from fifth_family import Gaussian, registered

import snnsg_book.explorers
from snnsg_book.explorers import NeuronExplorer, SurrogateExplorer
from snnsg_book.explorers.surrogate import active_range
from snnsg_book.studies.depth.figures import plot_widths
from snnsg_book.studies.spike.figures import plot_slope_widths
from snnsg_book.style import DASHES
from snnsg_lib.surrogates import FAMILIES, FastSigmoid

CORE = (Path(snnsg_book.explorers.__file__).parent / "core.js").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _figures_off_screen():
    with mpl.rc_context(), plt.ioff():
        mpl.use("agg")
        yield
        plt.close("all")


def twins():
    """Label of each family of the explorers, by name."""
    block = re.search(r"const families = \{(.*?)\n  \};", CORE, re.DOTALL)[1]
    return dict(re.findall(r"^    (\w+): \{\n      label: \"(.*?)\",$", block, re.MULTILINE))


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_every_family_has_a_twin_of_its_name_and_label():
    expected = {name: family.label for name, family in FAMILIES.items()}
    missing = [name for name in expected if name not in twins()]
    assert not missing, f"no entry among the families of core.js: {missing}"
    assert list(twins().items()) == list(expected.items())


def test_a_family_without_twin_is_named():
    with registered(), pytest.raises(AssertionError, match=r"no entry among the families of core\.js: \['Gaussian'\]"):
        test_every_family_has_a_twin_of_its_name_and_label()


def test_a_fifth_family_is_drawn_in_figure_1_with_dashes_of_its_own():
    with registered():
        axes = plot_slope_widths([1, 10, 100])
    assert labels(axes[0]) == ["fast sigmoid", "arctangent", "sigmoid", "triangle", "Gaussian"]
    for ax in axes:
        assert len({line._unscaled_dash_pattern for line in ax.lines}) == 5
    assert axes[0].lines[-1].get_ydata()[0] == pytest.approx(float(Gaussian(1.0).half_width()))


def test_figures_draw_more_families_than_there_are_dashes():
    names = [f"Gaussian{number}" for number in range(len(DASHES))]
    with registered():
        for name in names:
            FAMILIES[name] = type(name, (Gaussian,), {})
        axes = plot_slope_widths([1, 10])
    assert labels(axes[0])[5:] == names


def test_a_measured_fifth_family_is_drawn_beside_the_others():
    def table(families):
        rows = [(0.15, f, s, k, 1 / k) for f in families for s in range(3) for k in (1.0, 10.0)]
        return pd.DataFrame(rows, columns=["rate", "family", "seed", "slope", "active_share"])

    with registered():
        with_fifth = plot_widths(table(["Gaussian", "FastSigmoid"]))[0]
        without = plot_widths(table(["Triangular", "FastSigmoid"]))[0]
    assert labels(with_fifth) == ["fast sigmoid", "Gaussian"]
    assert labels(without) == ["fast sigmoid", "triangle"]


@pytest.mark.parametrize("explorer", [SurrogateExplorer, NeuronExplorer])
def test_a_fifth_family_can_be_chosen_in_the_explorers(explorer):
    choices = explorer.class_traits()["family"]
    assert choices.choices == tuple(FAMILIES)
    with registered():
        assert choices.choices == tuple(FAMILIES)
        shown = explorer(family="Gaussian", slope=5)
        assert isinstance(shown.surrogate, Gaussian)
        assert ["Gaussian", "Gaussian"] in choices.declaration()["options"]
    with pytest.raises(ValueError, match=r"family must be one of .*, got 'Gaussian'"):
        explorer(family="Gaussian")


def test_a_family_that_is_not_registered_can_be_measured():
    assert active_range(Gaussian(5)) == Gaussian(5).reach(0.01)


def test_widths_of_the_fast_sigmoid_open_the_figure():
    line = plot_slope_widths([1, 10])[0].lines[0]
    assert line.get_label() == FastSigmoid.label
    assert line.get_linestyle() == "-"
