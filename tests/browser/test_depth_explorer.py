"""The depth explorer on a page of its own: stored runs in, bars and a sentence out, the same as in Python."""

import gzip

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

from snnsg_book.explorers import DepthExplorer
from snnsg_book.explorers.depth import DEPTHS, RESETS

pytestmark = pytest.mark.browser


def random_explorer(rng):
    return DepthExplorer(
        slope=float(10 ** rng.uniform(0, 2)),
        depth=str(rng.choice(DEPTHS)),
        normalization=str(rng.choice(["peak", "area"])),
        reset=str(rng.choice(RESETS)),
    )


def test_every_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer()))
        assert faults_of_sliders(page.locator("figure[data-snnsg=depth]")) == []
        assert (watch.foreign, watch.errors) == ([], [])


@pytest.mark.parametrize("control", ["depth", "normalization", "reset"])
def test_every_choice_changes_picture_and_sentence(browser, tmp_path, control):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer()))
        explorer = page.locator("figure[data-snnsg=depth]")
        select = explorer.locator(f"select[name={control}]")
        seen = set()
        for choice in select.locator("option").evaluate_all("options => options.map(option => option.value)"):
            select.select_option(choice)
            seen.add((picture(explorer), explorer.locator(".snnsg-sentence").text_content()))
        count = select.locator("option").count()
        assert len({shown for shown, _ in seen}) == len({words for _, words in seen}) == count


def test_bars_and_sentence_equal_python(browser, tmp_path):
    rng = np.random.default_rng(5)
    explorers = [DepthExplorer(slope=slope, depth="16") for slope in (1, 2, 5, 10, 25, 50, 100)]
    explorers += [random_explorer(rng) for _ in range(100)]
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer()))
        page.evaluate("table => { globalThis.table = table; }", DepthExplorer().page_state["table"])
        for explorer in explorers:
            layers, sentence = page.evaluate(
                "s => ['layers', 'sentence'].map(name => snnsg.explorers.depth[name](s, globalThis.table))",
                explorer.state,
            )
            assert sentence == explorer.sentence()
            for shown, expected in zip(layers, explorer.layers(), strict=True):
                for name, value in expected._asdict().items():
                    assert shown[name] == pytest.approx(value, abs=1e-9)


def test_defaults_of_page_and_python_agree(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer()))
        assert page.evaluate("snnsg.explorers.depth.defaults") == DepthExplorer().state


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (380, "light"), (800, "light"), (1280, "dark")])
def test_no_label_is_cut_off_and_narrow_screens_need_no_sideways_scroll(browser, tmp_path, depth, width, theme):
    explorers = [DepthExplorer(slope=k, depth=depth, normalization=n) for k, n in ((1, "peak"), (100, "area"))]
    with Watch(browser, width=width, height=800) as watch:
        page = watch.open(page_of(tmp_path, *explorers, theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off_labels(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, tmp_path, theme):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer(), theme=theme))
        assert axe_violations(page, "figure[data-snnsg]") == []


def test_a_drawing_takes_at_most_four_milliseconds(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer(depth="16")))
        slopes = [1 + (i * 37) % 99 for i in range(101)]
        assert np.median(drawing_times(page.locator("figure"), "slope", slopes)) <= 4


def test_everything_to_touch_is_tall_enough_and_at_most_five(browser, tmp_path):
    with Watch(browser, width=380) as watch:
        page = watch.open(page_of(tmp_path, DepthExplorer()))
        assert small_targets(page.locator("figure")) == []
        assert controls_in_sight(page.locator("figure")) <= 5


def test_the_html_of_a_notebook_cell_comes_alive_and_is_light(browser, tmp_path):
    shown = DepthExplorer(slope=10, reset="attached")
    html = shown.to_html()
    assert len(gzip.compress(html.encode())) < 60_000
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("depth",), figures=html))
        page.evaluate(NEXT_FRAME)
        assert page.locator("figure[data-snnsg] img").count() == 0
        assert page.locator(".snnsg").evaluate("root => root.snnsg.read()") == shown.state
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()


def test_without_javascript_the_picture_and_its_words_are_there(browser, tmp_path):
    shown = DepthExplorer(slope=10)
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("depth",), figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()
