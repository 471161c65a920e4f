"""The flossing explorer on a page of its own: stored spectra in, dots, curves and a sentence out, as in Python."""

import gzip
import json
from itertools import product

import numpy as np
import pytest
from pages import (
    NEXT_FRAME,
    Watch,
    axe_violations,
    controls_in_sight,
    cut_off_labels,
    drawing_times,
    faults_of_sliders,
    page_of,
    picture,
    small_targets,
    standalone_page,
)
from synthetic_spectra import flossing_table

from snnsg_book.explorers import FlossingExplorer, flossing

pytestmark = pytest.mark.browser
# Long words, far ends, and the most that is flossed.
EXTREMES = [
    {"arm": "before 16", "slope": 1, "step": 600},
    {"arm": "during", "slope": 25, "step": 120, "task": "xor"},
    {"arm": "gain", "slope": 1, "step": 0, "network": "4"},
]


@pytest.fixture(scope="module")
def explorer():
    """A maker of explorers that read a table of their own."""
    flossing.stored_spectra.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flossing, "load_results", {"flossing_epochs": flossing_table()}.__getitem__)
        yield FlossingExplorer
    flossing.stored_spectra.cache_clear()


@pytest.fixture(scope="module")
def shared(browser, explorer, tmp_path_factory):
    """One page for all tests that only ask its numbers."""
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path_factory.mktemp("flossing"), explorer()))
        page.evaluate("table => { globalThis.table = table; }", explorer().page_state["table"])
        yield page


def state_of(page):
    page.evaluate(NEXT_FRAME)
    return page.locator(".snnsg").evaluate("root => root.snnsg.read()")


def test_sentences_equal_python(shared, explorer):
    names = ("task", "arm", "slope", "network", "step")
    steps = (0, 40, 60, 140, 600)
    states, expected, shown = [], [], explorer()
    for choice in product(flossing.DELAYS, flossing.ARMS, flossing.SLOPES, flossing.NETWORKS, steps):
        for name, value in zip(names, choice, strict=True):
            setattr(shown, name, value)
        states.append(shown.state)
        expected.append(shown.sentence())
    words = shared.evaluate("states => states.map(s => snnsg.explorers.flossing.sentence(s, globalThis.table))", states)
    assert words == expected


def test_exponents_and_the_mean_of_the_others_equal_python(shared, explorer):
    for task, arm, slope in product(flossing.DELAYS, flossing.ARMS, flossing.SLOPES):
        shown = explorer(task=task, arm=arm, slope=slope)
        # As one string: the browser's protocol gives numbers one by one.
        answer = shared.evaluate(
            """([task, arm, slope]) => {
              const { unpack, others } = snnsg.explorers.flossing;
              const runs = globalThis.table.runs[task][arm][slope].map(unpack);
              return JSON.stringify([runs, runs[0].exponents.map(others)]);
            }""",
            [task, arm, flossing.SLOPES.index(slope)],
        )
        runs, others = json.loads(answer)
        for run, expected in zip(runs, shown.runs(), strict=True):
            assert run["accuracy"] == expected.accuracy
            assert run["exponents"] == expected.exponents.tolist()
        assert others == pytest.approx(shown.others(), abs=1e-12)


def test_defaults_of_page_and_python_agree(shared, explorer):
    assert shared.evaluate("snnsg.explorers.flossing.defaults") == explorer().state


def test_the_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        assert faults_of_sliders(page.locator("figure")) == []
        assert (watch.foreign, watch.errors) == ([], [])


@pytest.mark.parametrize("control", ["task", "arm", "slope", "network"])
def test_every_choice_changes_picture_and_sentence(browser, explorer, tmp_path, control):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        page.locator("summary").click()
        select = page.locator(f"select[name={control}]")
        choices = select.locator("option").evaluate_all("options => options.map(option => option.value)")
        seen = set()
        for choice in choices:
            select.select_option(choice)
            seen.add((picture(page.locator("figure")), page.locator(".snnsg-sentence").text_content()))
        assert len({shown for shown, _ in seen}) == len({words for _, words in seen}) == len(choices)


def test_the_slider_ends_where_the_runs_of_the_task_end(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(task="xor", step=520)))
        slider = page.locator("input[name=step]")
        assert slider.get_attribute("aria-valuetext") == "520 of 600"
        page.locator("select[name=task]").select_option("copy")
        page.evaluate(NEXT_FRAME)
        assert slider.get_attribute("aria-valuetext") == "400 of 400"
        assert slider.input_value() == slider.get_attribute("max")
        slider.press("ArrowLeft")
        assert state_of(page)["step"] == 360


def test_dots_of_the_flossed_lie_where_their_exponents_are(browser, explorer, tmp_path):
    shown = explorer(arm="before 16")
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, shown))
        outlines = page.locator("path.snnsg-flossed").first.get_attribute("d").split("M")[1:]
        heights = [float(outline.split("a")[0].split()[1]) for outline in outlines]
        zero = float(page.locator(".snnsg-threshold").first.get_attribute("y1"))
    values = shown.run().exponents[shown.checkpoint, :16]
    assert np.corrcoef(heights, values)[0, 1] < -0.999
    assert [height < zero for height in heights] == (values > 0).tolist()


def test_a_pull_on_the_curves_leads_to_the_nearest_checkpoint(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        box = page.locator(".snnsg-handle").first.bounding_box()
        page.mouse.move(box["x"] + 0.52 * box["width"], box["y"] + 20)
        page.mouse.down()
        assert state_of(page)["step"] == 200
        page.mouse.move(box["x"] + box["width"] + 50, box["y"] + 20)
        page.mouse.up()
        assert state_of(page)["step"] == 400


def test_playing_goes_to_the_end_and_then_from_the_beginning(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(step=320)))
        button = page.locator(".snnsg-button")
        assert button.text_content() == "Play"
        button.click()
        page.wait_for_function("document.querySelector('.snnsg').snnsg.read().step === 400")
        page.wait_for_function("document.querySelector('.snnsg-button').textContent === 'Play'")
        button.click()
        page.wait_for_function("document.querySelector('.snnsg').snnsg.read().step === 10")
        assert button.text_content() == "Pause"
        button.click()
        paused = state_of(page)["step"]
        page.wait_for_timeout(400)
        assert state_of(page)["step"] == paused
        assert watch.errors == []


def test_reduced_motion_steps_on(browser, explorer, tmp_path):
    with Watch(browser, reduced_motion="reduce") as watch:
        page = watch.open(page_of(tmp_path, explorer(step=360)))
        button = page.locator(".snnsg-button")
        assert button.text_content() == "Step on"
        seen = []
        for _ in range(3):
            button.click()
            seen.append(state_of(page)["step"])
        page.wait_for_timeout(400)
        assert [*seen, state_of(page)["step"]] == [400, 0, 10, 10]


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (592, "light"), (800, "dark"), (1280, "light")])
def test_no_label_is_cut_off_and_narrow_screens_need_no_sideways_scroll(browser, explorer, tmp_path, width, theme):
    with Watch(browser, width=width, height=800) as watch:
        page = watch.open(page_of(tmp_path, explorer(), *(explorer(**state) for state in EXTREMES), theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off_labels(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, explorer, tmp_path, theme):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(), explorer(**EXTREMES[0]), theme=theme))
        page.locator("summary").first.click()
        assert axe_violations(page, "figure[data-snnsg]") == []


def test_a_drawing_takes_at_most_four_milliseconds(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(arm="before 16", task="xor")))
        assert np.median(drawing_times(page.locator("figure"), "step", list(flossing.CHECKPOINTS))) <= 4


def test_everything_to_touch_is_tall_enough_and_at_most_five(browser, explorer, tmp_path):
    with Watch(browser, width=380) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        assert small_targets(page.locator("figure")) == []
        assert controls_in_sight(page.locator("figure")) <= 5


def test_the_html_of_a_notebook_cell_comes_alive_and_is_light(browser, explorer, tmp_path):
    shown = explorer(task="xor", arm="before 16", network="3", step=100)
    html = shown.to_html()
    assert len(gzip.compress(html.encode())) < 45_000
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("flossing",), figures=html))
        assert state_of(page) == shown.state
        assert page.locator("figure[data-snnsg] img").count() == 0
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()


def test_without_javascript_the_picture_and_its_words_are_there(browser, explorer, tmp_path):
    shown = explorer(slope=25)
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("flossing",), figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()
