"""The Python side of the explorers: checked controls, the HTML of a cell, the picture from the library."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import snnsg_book.explorers
from snnsg_book.explorers import NeuronExplorer, SurrogateExplorer
from snnsg_book.explorers.explorer import in_words, percent
from snnsg_book.explorers.neuron import NOISE
from snnsg_book.explorers.surrogate import CUTOFF, active_range, active_share
from snnsg_lib.surrogates import ATan, FastSigmoid, Sigmoid, Triangular

WIDGETS = Path(snnsg_book.explorers.__file__).parent
SCRIPTS = sorted(WIDGETS.glob("*.js"))
EXPLORERS = [SurrogateExplorer, NeuronExplorer]


class FigureParser(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = dict(attrs)


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_html_of_a_cell_holds_state_picture_and_words(explorer):
    shown = explorer(slope=7.5)
    bundle, _ = shown._repr_mimebundle_()
    tags = FigureParser(bundle["text/html"]).tags
    assert tags["figure"]["data-snnsg"] == explorer._name
    assert json.loads(tags["figure"]["data-state"]) == shown.state
    assert tags["img"]["alt"] == shown.sentence() == bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["application/pdf"].startswith("JVBERi0")  # "%PDF-"


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_fallback_picture_is_a_small_svg_with_real_text(explorer):
    html = explorer().to_html()
    assert len(html.encode()) < 40_000
    svg = ElementTree.fromstring(unquote(FigureParser(html).tags["img"]["src"].removeprefix("data:image/svg+xml,")))
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert len(texts) > 5
    assert {node.tag.split("}")[1] for node in svg.iter()}.isdisjoint({"script", "image", "foreignObject"})


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_equal_state_gives_equal_bytes_and_a_new_slope_another_picture(explorer):
    assert explorer(slope=10).to_html() == explorer(slope=10).to_html()
    assert explorer(slope=10).to_svg() != explorer(slope=20).to_svg()


@pytest.mark.parametrize("explorer", EXPLORERS)
@pytest.mark.parametrize(
    ("control", "value", "error"),
    [
        ("slope", 0, ValueError),
        ("slope", 101, ValueError),
        ("slope", float("nan"), ValueError),
        ("slope", "steep", TypeError),
        ("slope", None, TypeError),
        ("slope", True, TypeError),
        ("family", "ReLU", ValueError),
        ("family", 1, TypeError),
    ],
)
def test_a_wrong_value_names_control_range_and_value(explorer, control, value, error):
    with pytest.raises(error, match=rf"{control} must be .*, got {re.escape(repr(value))}"):
        explorer(**{control: value})
    shown = explorer()
    before = shown.state
    with pytest.raises(error, match=control):
        setattr(shown, control, value)
    assert shown.state == before


@pytest.mark.parametrize(
    ("explorer", "control", "value"),
    [
        (SurrogateExplorer, "std", 0),
        (SurrogateExplorer, "mean", 2),
        (SurrogateExplorer, "normalization", "height"),
        (NeuronExplorer, "beta", 1.5),
        (NeuronExplorer, "threshold", -1),
        (NeuronExplorer, "current", -0.1),
        (NeuronExplorer, "noise", float("inf")),
        (NeuronExplorer, "reset_mechanism", "soft"),
        (NeuronExplorer, "loss", "first step"),
        (NeuronExplorer, "input", "sine"),
    ],
)
def test_every_control_is_checked(explorer, control, value):
    with pytest.raises(ValueError, match=rf"{control} must be .*, got {re.escape(repr(value))}"):
        explorer(**{control: value})


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_an_unknown_control_is_refused_by_name(explorer):
    with pytest.raises(TypeError, match=r"has the controls .*slope.*, got 'steepness'"):
        explorer(steepness=3)


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_controls_are_synchronised_and_can_be_observed(explorer):
    shown, seen = explorer(), []
    shown.observe(lambda change: seen.append(change.new), names="slope")
    shown.set_state({"slope": 12.5})  # what a change in the page sends
    assert seen == [12.5]
    assert shown.get_state("slope") == {"slope": 12.5}
    assert all(shown.trait_metadata(name, "sync") for name in shown.controls())


@pytest.mark.parametrize("family", [FastSigmoid, ATan, Sigmoid, Triangular])
@pytest.mark.parametrize("normalization", ["peak", "area"])
def test_active_range_ends_where_the_gradient_is_one_per_cent_of_the_peak(family, normalization):
    surrogate = family(20, normalization=normalization)
    at_zero, at_end = surrogate.derivative(torch.tensor([0.0, active_range(surrogate)], dtype=torch.float64))
    assert float(at_end / at_zero) == pytest.approx(CUTOFF, rel=1e-9)


def test_active_share_is_the_share_of_a_simulated_population():
    u = np.random.default_rng(0).normal(-0.4, 0.5, 200_000)
    counted = float((FastSigmoid(10).derivative(torch.from_numpy(u)) > CUTOFF).double().mean())
    # The standard error of the count is 0.0011.
    assert active_share(FastSigmoid(10), -0.4, 0.5) == pytest.approx(counted, abs=0.005)


def test_steeper_slope_leaves_fewer_neurons_active():
    shares = [SurrogateExplorer(slope=slope).active_share() for slope in (1, 5, 25, 100)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.05 < 0.9 < shares[0]


def test_steeper_slope_reaches_fewer_inputs_of_the_neuron():
    reached = [int((NeuronExplorer(slope=slope).traces().gradient > CUTOFF).sum()) for slope in (1, 25, 100)]
    assert reached == sorted(reached, reverse=True)
    assert reached[0] > 2 * reached[-1]


def test_silent_neuron_still_hears_the_loss_at_a_shallow_slope():
    silent = {"current": 0.05, "noise": 0}
    assert NeuronExplorer(**silent).traces().spk.sum() == 0
    assert NeuronExplorer(**silent, slope=1).traces().gradient.max() > 1
    assert NeuronExplorer(**silent, slope=100).traces().gradient.max() < CUTOFF


def test_page_and_library_hold_the_same_noise():
    listed = re.search(r"const NOISE = \[(.*?)\]", (WIDGETS / "neuron.js").read_text(encoding="utf-8"), re.DOTALL)[1]
    assert [float(number) for number in listed.split(",") if number.strip()] == NOISE.tolist()


@pytest.mark.parametrize("explorer", EXPLORERS)
def test_explorer_exports_its_render_and_stays_small(explorer):
    assert explorer._esm.rstrip().endswith(
        f"export default {{ render: globalThis.snnsg.explorers.{explorer._name}.render }};"
    )
    assert len(str(explorer._esm).encode()) < 30_000


@pytest.mark.parametrize("path", [*SCRIPTS, WIDGETS / "explorer.css"], ids=lambda path: path.name)
def test_scripts_fetch_nothing_and_never_write_markup(path):
    text = path.read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function"
    fetching = r"fetch\(|XMLHttpRequest|\bimport\b|url\("
    assert re.findall(f"{markup}|{fetching}", text) == []


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.name != "host.js"], ids=lambda path: path.name)
def test_classic_scripts_declare_no_global_but_snnsg(path):
    text = path.read_text(encoding="utf-8")
    code = re.sub(r"^//.*\n", "", text, flags=re.MULTILINE).strip()
    assert code.startswith("(() => {")
    assert code.endswith("})();")
    assert set(re.findall(r"globalThis\.(\w+)", code)) == {"snnsg"}


def test_numbers_are_written_alike_everywhere():
    assert [in_words(value) for value in (0.00828, -1.26, 9.0, 0.1)] == ["0.0083", "−1.3", "9", "0.1"]
    assert [percent(share) for share in (0, 0.0004, 0.0412, 0.5, 1)] == [
        "0 %",
        "less than 0.1 %",
        "4.1 %",
        "50 %",
        "100 %",
    ]
