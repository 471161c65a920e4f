"""The Python side of the explorers: checked controls, the HTML of a cell, the stored picture; their maths in Node."""

import html
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote
from xml.etree import ElementTree

import IPython
import nbformat
import numpy as np
import pytest
import torch
from page_scripts import run_node, sentence, sentences
from vectors import FOLDER, VECTORS, random_state, vectors

import snnsg_book.explorers
from snnsg_book.explorers import Explorer, LearningCurveExplorer, NeuronExplorer, SurrogateExplorer
from snnsg_book.explorers.pictures import stored_picture
from snnsg_book.explorers.surrogate import CUTOFF, active_range, active_share
from snnsg_lib.surrogates import FAMILIES, FastSigmoid

WIDGETS = Path(snnsg_book.explorers.__file__).parent
SCRIPTS = sorted(WIDGETS.glob("*.js"))
ROOT = WIDGETS.parents[1]
EXPLORERS = [SurrogateExplorer, NeuronExplorer]
EVERY = [value for value in vars(snnsg_book.explorers).values() if isinstance(value, type) and value is not Explorer]


class FigureParser(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags = {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] = dict(attrs)


def kernel_of(asked):
    """Stand-in for the shell of a kernel whose cell was run by someone who can be asked for input, or by a program."""
    request = {"content": {"allow_stdin": asked}}
    return SimpleNamespace(kernel=SimpleNamespace(get_parent=lambda channel: request))


@pytest.mark.parametrize("explorer", EVERY)
def test_html_of_a_cell_holds_state_declaration_picture_and_words(explorer):
    shown = explorer()
    bundle, _ = shown._repr_mimebundle_()
    tags = FigureParser(bundle["text/html"]).tags
    assert tags["figure"]["data-snnsg"] == explorer._name
    assert json.loads(tags["figure"]["data-state"]) == json.loads(json.dumps(shown.page_state))
    assert tags["img"]["alt"] == shown.picture().words == bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle


@pytest.mark.parametrize("explorer", EVERY)
def test_a_program_that_runs_the_cell_gets_the_picture_in_place_of_a_widget_that_needs_a_kernel(explorer, monkeypatch):
    for asked in (True, False):
        monkeypatch.setattr(IPython, "get_ipython", lambda asked=asked: kernel_of(asked))
        bundle, _ = explorer()._repr_mimebundle_()
        assert ("application/vnd.jupyter.widget-view+json" in bundle) == asked
        assert "data:image/svg+xml," in bundle["text/html"]


def test_nbconvert_without_a_network_shows_the_stored_picture(tmp_path):
    source = "from snnsg_book.explorers import SurrogateExplorer\nSurrogateExplorer()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbformat.write(notebook, tmp_path / "page.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--execute", "page.ipynb"]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert '<script type="application/vnd.jupyter.widget-view+json">' not in page
    assert html.escape(SurrogateExplorer().picture().words) in page
    assert 'src="data:image/svg+xml,' in page


@pytest.mark.parametrize("explorer", EVERY)
def test_stored_picture_is_a_small_svg_with_real_text(explorer):
    picture = explorer().picture()
    assert len(picture.svg.encode()) < 30_000
    svg = ElementTree.fromstring(picture.svg)
    texts = [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert len(texts) > 5
    shapes = {"g", "path", "line", "rect", "circle", "text"}
    assert {node.tag.split("}")[1] for node in svg.iter()} <= {"svg", "desc", *shapes}
    shown = unquote(FigureParser(explorer().to_html()).tags["img"]["src"].removeprefix("data:image/svg+xml,"))
    assert shown == picture.svg


@pytest.mark.parametrize("explorer", EVERY)
def test_words_of_the_stored_picture_are_the_live_sentence(explorer):
    assert explorer().picture().words == sentence(explorer()), "type `make pictures`"


def test_a_state_without_a_picture_shows_the_first_one_and_says_so():
    first, other = SurrogateExplorer().picture(), SurrogateExplorer(slope=3).picture()
    assert other.svg == first.svg
    assert other.words == f"The explorer in its first state. {first.words}"
    cloning = LearningCurveExplorer(learner="bc", setting="crazyflie")
    assert cloning.picture().words.startswith("Cloning on CrazyflieHover")


def test_a_missing_picture_is_named_with_the_command_that_captures_it():
    with pytest.raises(FileNotFoundError, match=r"no picture of the explorer 'walk' .*make pictures"):
        stored_picture("walk", {"slope": 3.0})


@pytest.mark.parametrize("explorer", EVERY)
def test_equal_state_gives_equal_bytes(explorer):
    assert explorer().to_html() == explorer().to_html()


@pytest.mark.parametrize("explorer", EVERY)
def test_the_page_is_told_of_every_control_and_of_no_other(explorer):
    declared = explorer.declare()
    controls = {control["name"]: control for control in declared["controls"] if control["kind"] != "button"}
    assert list(controls) == explorer.controls() == list(explorer().state)
    assert all(declared[words] for words in ("title", "picture", "tryThis"))
    for name, value in explorer().state.items():
        control = controls[name]
        if control["kind"] == "select":
            assert value in [option for option, _ in control["options"]]
        elif "values" in control:
            assert value in control["values"]
        elif "range" in control:
            assert control["range"][0] <= value <= control["range"][1]


@pytest.mark.parametrize("explorer", EVERY)
def test_repr_names_what_differs_from_the_first_state(explorer):
    assert repr(explorer()) == f"{explorer.__name__}()"
    drawn = random_state(explorer, np.random.default_rng(1), **fixed_of(explorer()))
    name, value = next((name, value) for name, value in drawn.items() if value != explorer().state[name])
    assert repr(explorer(**{name: value})) == f"{explorer.__name__}({name}={value!r})"


@pytest.mark.parametrize("explorer", EVERY)
def test_live_sentence_is_given_for_any_state(explorer):
    rng = np.random.default_rng(0)
    shown = explorer()
    words = sentences(*(explorer(**random_state(explorer, rng, **fixed_of(shown))) for _ in range(20)))
    assert all(30 < len(text) < 600 and text.endswith(".") for text in words)
    assert not any(word in text for text in words for word in ("NaN", "undefined", "Infinity", "null"))


def fixed_of(shown):
    """The lists among the controls, which have no range to draw from."""
    return {name: value for name, value in shown.state.items() if isinstance(value, list)}


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


@pytest.mark.parametrize("family", FAMILIES.values())
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


def test_page_computes_what_the_library_computes():
    """In plain Node, on the stored numbers."""
    run_node("--test", "--test-reporter=tap", str(FOLDER.parent / "maths.test.mjs"))


@pytest.mark.parametrize("name", VECTORS)
def test_stored_numbers_are_those_that_the_library_gives(name):
    stored, anew = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), vectors(name)
    assert stored["table"] == json.loads(json.dumps(anew["table"])), "type `make vectors`"
    assert len(stored["cases"]) == len(anew["cases"])
    for old, new in zip(stored["cases"], anew["cases"], strict=True):
        assert flat(old) == pytest.approx(flat(new), rel=1e-9, abs=1e-9), f"{old['call']}: type `make vectors`"


def flat(value):
    """Return all numbers and words in a nest of lists and dictionaries, words as their hash."""
    if isinstance(value, dict):
        return [number for key in sorted(value) for number in flat(value[key])]
    if isinstance(value, list):
        return [number for one in value for number in flat(one)]
    return [float(value) if isinstance(value, int | float) else hash(value)]


@pytest.mark.parametrize("explorer", EVERY)
def test_explorer_exports_its_render_and_stays_small(explorer):
    export = f'export default {{ render: (context) => globalThis.snnsg.mount("{explorer._name}", context) }};'
    assert explorer._esm.rstrip().endswith(export)
    assert len(str(explorer._esm).encode()) < 36_000


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
