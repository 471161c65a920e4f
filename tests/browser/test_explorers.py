"""Explorers on a page of their own, opened from file:// with the network blocked."""

import math

import numpy as np
import pytest
import snntorch as snn
import torch
from pages import (
    EXPLORERS,
    NEXT_FRAME,
    SLIDERS,
    Watch,
    axe_violations,
    controls_in_sight,
    cut_off_labels,
    drawing_times,
    faults_of_sliders,
    figure,
    picture,
    small_targets,
    standalone_page,
)

from snnsg_book.explorers import NeuronExplorer, SurrogateExplorer
from snnsg_book.explorers.neuron import LOSSES, RESETS
from snnsg_book.explorers.surrogate import FAMILIES
from snnsg_book.style import COLOURS, slope_colour
from snnsg_lib import surrogates

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shared(browser, tmp_path_factory):
    """One page for all tests that only ask its mathematics."""
    with Watch(browser) as watch:
        yield watch.open(standalone_page(tmp_path_factory.mktemp("explorers")))


def explorer_on(page, name):
    return page.locator(f"figure[data-snnsg={name}]")


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, explorers_url, name):
    with Watch(browser) as watch:
        page = watch.open(explorers_url)
        assert faults_of_sliders(explorer_on(page, name)) == []
        assert (watch.foreign, watch.errors) == ([], [])


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_choice_changes_picture_or_sentence(browser, explorers_url, name):
    with Watch(browser) as watch:
        page = watch.open(explorers_url)
        explorer = explorer_on(page, name)
        for summary in explorer.locator("summary").all():
            summary.click()
        for select in explorer.locator("select").all():
            before = picture(explorer), explorer.locator(".snnsg-sentence").text_content()
            choices = select.locator("option").evaluate_all("options => options.map(option => option.value)")
            select.select_option(next(choice for choice in choices if choice != select.input_value()))
            assert (picture(explorer), explorer.locator(".snnsg-sentence").text_content()) != before, (
                select.get_attribute("name")
            )
            explorer.locator(".snnsg-reset").click()


def test_surrogate_curves_equal_the_library(shared):
    rng = np.random.default_rng(1)
    points = [
        (
            str(rng.choice(FAMILIES)),
            float(10 ** rng.uniform(0, 2)),
            str(rng.choice(["peak", "area"])),
            float(rng.normal(0, 0.5)),
        )
        for _ in range(1000)
    ]
    computed = shared.evaluate(
        "points => points.map(p => [snnsg.explorers.surrogate.derivative(...p),"
        " snnsg.explorers.surrogate.primitive(...p), snnsg.explorers.surrogate.halfWidth(p[0], p[1])])",
        points,
    )
    for (family, slope, normalization, u), (derivative, primitive, half_width) in zip(points, computed, strict=True):
        surrogate = getattr(surrogates, family)(slope, normalization=normalization)
        where = torch.tensor([0.0, u], dtype=torch.float64)
        peak, expected = surrogate.derivative(where).tolist()
        assert derivative == pytest.approx(expected, abs=1e-6 * peak)
        assert primitive == pytest.approx(float(surrogate.primitive(where)[1]), abs=1e-6 * peak)
        assert half_width == pytest.approx(surrogate.half_width(), rel=1e-12)


def test_surrogate_sentence_and_active_share_equal_python(shared):
    rng = np.random.default_rng(2)
    for _ in range(200):
        explorer = SurrogateExplorer(
            slope=float(10 ** rng.uniform(0, 2)),
            family=str(rng.choice(FAMILIES)),
            normalization=str(rng.choice(["peak", "area"])),
            mean=float(rng.uniform(-1.5, 1.5)),
            std=float(rng.uniform(0.05, 1)),
        )
        sentence, share = shared.evaluate(
            "s => [snnsg.explorers.surrogate.sentence(s),"
            " snnsg.explorers.surrogate.activeShare(s.family, s.slope, s.mean, s.std)]",
            explorer.state,
        )
        assert share == pytest.approx(explorer.active_share(), abs=1e-12)
        assert sentence == explorer.sentence()


def random_neuron(rng):
    return NeuronExplorer(
        current=float(rng.uniform(0, 0.5)), noise=float(rng.uniform(0, 0.5)), beta=float(rng.uniform(0, 0.99)),
        threshold=float(rng.uniform(0.1, 2)), slope=float(10 ** rng.uniform(0, 2)), family=str(rng.choice(FAMILIES)),
        input=str(rng.choice(["constant", "pulses"])), reset_mechanism=str(rng.choice(RESETS)),
        loss=str(rng.choice(list(LOSSES))),
    )  # fmt: skip


def snntorch_traces(explorer):
    """Membrane, spikes and input gradient of snn.Leaky in float64."""
    number = {"dtype": torch.float64}
    current = torch.tensor(explorer.input_current(), **number).requires_grad_()
    leaky = snn.Leaky(
        beta=torch.tensor(explorer.beta, **number), threshold=torch.tensor(explorer.threshold, **number),
        spike_grad=explorer.surrogate, reset_mechanism=explorer.reset_mechanism,
    )  # fmt: skip
    mem, spikes, mems = torch.zeros(1, **number), [], []
    for now in current:
        spk, mem = leaky(now.reshape(1), mem)
        spikes.append(spk)
        mems.append(mem)
    (gradient,) = torch.autograd.grad(torch.cat(spikes)[-LOSSES[explorer.loss] :].sum(), current)
    return torch.cat(mems).tolist(), torch.cat(spikes).tolist(), gradient.tolist()


def test_neuron_and_its_gradient_equal_snntorch_autograd(shared):
    rng = np.random.default_rng(3)
    for _ in range(40):  # 40 neurons of 50 steps: 2,000 points
        explorer = random_neuron(rng)
        traces = shared.evaluate("s => snnsg.explorers.neuron.simulate(s)", explorer.state)
        mem, spk, gradient = snntorch_traces(explorer)
        assert traces["spk"] == spk
        assert traces["mem"] == pytest.approx(mem, abs=1e-9)
        assert traces["gradient"] == pytest.approx(gradient, abs=1e-6)


def test_neuron_sentence_and_gradient_equal_the_library(shared):
    rng = np.random.default_rng(4)
    for _ in range(40):
        explorer = random_neuron(rng)
        sentence, gradient = shared.evaluate(
            "s => [snnsg.explorers.neuron.sentence(s), snnsg.explorers.neuron.simulate(s).gradient]", explorer.state
        )
        assert sentence == explorer.sentence()
        assert gradient == pytest.approx(explorer.traces().gradient.tolist(), abs=1e-9)


def test_defaults_of_page_and_python_agree(shared):
    for explorer in (SurrogateExplorer(), NeuronExplorer()):
        assert shared.evaluate(f"snnsg.explorers.{explorer._name}.defaults") == explorer.state


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_inside_explorers(browser, tmp_path, theme):
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, theme=theme))
        for summary in page.locator("summary").all():
            summary.click()
        assert axe_violations(page, "figure[data-snnsg]") == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_follow_the_theme_without_a_redraw(browser, tmp_path, theme):
    other = "light" if theme == "dark" else "dark"
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, theme=other))
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        ink = page.locator(".snnsg").first.evaluate(
            "node => getComputedStyle(node).getPropertyValue('--snnsg-ink').trim()"
        )
        assert ink == COLOURS["ink"][theme == "dark"]
        colour = "path => getComputedStyle(path).fill.match(/[\\d.]+/g).slice(0, 3).map(Number)"
        shown = page.locator("figure[data-snnsg=neuron] .snnsg-bars").first.evaluate(colour)
        expected = [int(slope_colour(25, dark=theme == "dark")[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        assert shown == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_narrow_screens_need_no_sideways_scroll(browser, tmp_path, theme):
    with Watch(browser, width=360, height=700) as watch:
        page = watch.open(standalone_page(tmp_path, theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert cut_off_labels(page) == []


@pytest.mark.parametrize("slope", [1, 100])
@pytest.mark.parametrize("width", [360, 592, 640, 704, 1280])
def test_no_label_is_cut_off(browser, tmp_path, slope, width):
    states = [
        ("surrogate", {"slope": slope, "normalization": "area"}),
        ("neuron", {"slope": slope, "reset_mechanism": "none"}),
    ]
    with Watch(browser, width=width) as watch:
        page = watch.open(standalone_page(tmp_path, figures="".join(figure(name, state) for name, state in states)))
        assert cut_off_labels(page) == []


def test_picture_fills_the_width_and_sliders_are_tall_enough_to_touch(browser, explorers_url):
    with Watch(browser, width=380) as watch:
        page = watch.open(explorers_url)
        for explorer in page.locator("figure[data-snnsg]").all():
            assert explorer.locator("svg").bounding_box()["width"] >= 0.55 * explorer.bounding_box()["width"]
            assert controls_in_sight(explorer) <= 5
            assert small_targets(explorer) == []


def test_motion_is_short_and_off_when_the_reader_asks(browser, explorers_url):
    longest = """() => Math.max(...[...document.querySelectorAll(".snnsg, .snnsg *")].flatMap((node) =>
      [undefined, "::-webkit-slider-thumb"].flatMap((part) => {
        const style = getComputedStyle(node, part);
        return [...style.transitionDuration.split(","), ...style.animationDuration.split(",")].map(parseFloat);
      })))"""
    with Watch(browser) as watch:
        assert watch.open(explorers_url).evaluate(longest) <= 0.15
    with Watch(browser, reduced_motion="reduce") as watch:
        assert watch.open(explorers_url).evaluate(longest) == 0


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_drawing_takes_at_most_four_milliseconds(shared, name):
    slopes = [1 + (i * 37) % 99 for i in range(101)]
    assert np.median(drawing_times(explorer_on(shared, name), "slope", slopes)) <= 4


def test_dragging_keeps_up_with_the_screen(browser, explorers_url):
    with Watch(browser) as watch:
        page = watch.open(explorers_url)
        slider = page.locator(SLIDERS).first
        box = slider.bounding_box()
        page.evaluate(
            """() => { globalThis.frames_seen = [];
              const tick = (now) => { globalThis.frames_seen.push(now); requestAnimationFrame(tick); };
              requestAnimationFrame(tick); }"""
        )
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        for share in np.linspace(0.1, 0.9, 60):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.mouse.up()
        gaps = np.diff(page.evaluate("globalThis.frames_seen"))
        # A frame is 16.7 ms; two frames leave room for a busy machine.
        assert float(np.median(gaps)) <= 34


def test_the_population_can_be_dragged_in_the_picture(browser, explorers_url):
    with Watch(browser) as watch:
        page = watch.open(explorers_url)
        box = page.locator(".snnsg-handle").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.evaluate(NEXT_FRAME)
        assert float(page.locator("input[name=mean]").input_value()) == pytest.approx(0, abs=0.05)


def test_several_explorers_on_one_page_keep_their_own_state(browser, tmp_path):
    figures = figure("surrogate", {"slope": 5}) + figure("surrogate", {"slope": 100}) + figure("neuron", {"slope": 10})
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, figures=figures))
        sliders = page.locator("input[name=slope]")
        sliders.nth(1).focus()
        sliders.nth(1).press("Home")
        page.evaluate(NEXT_FRAME)
        slopes = page.locator(".snnsg").evaluate_all("roots => roots.map(root => root.snnsg.read().slope)")
        assert slopes == [5, 1, 10]
        ids = page.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
        assert len(set(ids)) == len(ids)


def test_every_control_has_a_visible_label_and_says_its_value(browser, explorers_url):
    with Watch(browser) as watch:
        page = watch.open(explorers_url)
        for slider in page.locator(SLIDERS).all():
            label = slider.evaluate("input => input.labels[0].textContent")
            assert label.strip()
            shown = slider.evaluate("input => input.parentElement.querySelector('output').value")
            assert slider.get_attribute("aria-valuetext") == shown
            assert math.isfinite(float(shown.replace("−", "-")))


def test_arrow_keys_stay_with_the_explorer(browser, explorers_url):
    with Watch(browser) as watch:
        page = watch.open(explorers_url)
        page.evaluate(
            "() => { globalThis.leaked = 0; document.addEventListener('keydown', () => globalThis.leaked++); }"
        )
        page.locator(SLIDERS).first.press("ArrowRight")
        assert page.evaluate("globalThis.leaked") == 0


@pytest.mark.parametrize("explorer", [SurrogateExplorer, NeuronExplorer])
def test_without_javascript_the_picture_and_its_words_are_there(browser, tmp_path, explorer):
    shown = explorer(slope=10)
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()
        assert watch.errors == []


@pytest.mark.parametrize("explorer", [SurrogateExplorer, NeuronExplorer])
def test_the_html_of_a_notebook_cell_comes_alive_in_its_state(browser, tmp_path, explorer):
    shown = explorer(slope=10)
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, figures=shown.to_html()))
        assert page.locator("figure[data-snnsg] img").count() == 0
        assert page.locator(".snnsg").evaluate("root => root.snnsg.read()") == shown.state
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()
