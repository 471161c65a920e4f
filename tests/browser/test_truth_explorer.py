"""The truth explorer on a page of its own: stored numbers in, arrows and a sentence out, the same as in Python."""

import gzip

import numpy as np
import pytest
from pages import (
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

from snnsg_book.explorers import TruthExplorer
from snnsg_book.explorers.truth import BATCHES, LAYERS, STAGES

pytestmark = pytest.mark.browser


def random_explorer(rng):
    return TruthExplorer(
        slope=float(10 ** rng.uniform(0, 2)),
        batch=float(rng.choice(BATCHES)),
        layer=str(rng.choice(LAYERS)),
        stage=str(rng.choice(STAGES)),
    )


def test_every_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer()))
        assert faults_of_sliders(page.locator("figure[data-snnsg=truth]")) == []
        assert (watch.foreign, watch.errors) == ([], [])


@pytest.mark.parametrize("control", ["layer", "stage"])
def test_every_choice_changes_picture_and_sentence(browser, tmp_path, control):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer(slope=30)))
        explorer = page.locator("figure[data-snnsg=truth]")
        select = explorer.locator(f"select[name={control}]")
        seen = set()
        for choice in select.locator("option").evaluate_all("options => options.map(option => option.value)"):
            select.select_option(choice)
            seen.add((picture(explorer), explorer.locator(".snnsg-sentence").text_content()))
        count = select.locator("option").count()
        assert len({shown for shown, _ in seen}) == len({words for _, words in seen}) == count


def test_angles_and_sentence_equal_python(browser, tmp_path):
    rng = np.random.default_rng(5)
    explorers = [TruthExplorer(slope=slope, batch=batch) for slope in (1, 5, 100) for batch in BATCHES]
    explorers += [random_explorer(rng) for _ in range(150)]
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer()))
        page.evaluate("table => { globalThis.table = table; }", TruthExplorer().page_state["table"])
        for explorer in explorers:
            angles, sentence = page.evaluate(
                "s => ['angles', 'sentence'].map(name => snnsg.explorers.truth[name](s, globalThis.table))",
                explorer.state,
            )
            assert sentence == explorer.sentence()
            assert angles == pytest.approx(explorer.angles()._asdict(), abs=1e-9)


def test_defaults_of_page_and_python_agree(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer()))
        assert page.evaluate("snnsg.explorers.truth.defaults") == TruthExplorer().state


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (380, "light"), (800, "light"), (1280, "dark")])
def test_no_label_is_cut_off_and_narrow_screens_need_no_sideways_scroll(browser, tmp_path, width, theme):
    states = [dict(slope=1, batch=20_000), dict(slope=100, batch=1), dict(slope=5, batch=50), dict(layer="3")]
    with Watch(browser, width=width, height=800) as watch:
        page = watch.open(page_of(tmp_path, *(TruthExplorer(**state) for state in states), theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off_labels(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, tmp_path, theme):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer(), theme=theme))
        assert axe_violations(page, "figure[data-snnsg]") == []


def test_a_drawing_takes_at_most_four_milliseconds(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer()))
        slopes = [1 + (i * 37) % 99 for i in range(101)]
        assert np.median(drawing_times(page.locator("figure"), "slope", slopes)) <= 4


def test_everything_to_touch_is_tall_enough_and_at_most_five(browser, tmp_path):
    with Watch(browser, width=380) as watch:
        page = watch.open(page_of(tmp_path, TruthExplorer()))
        assert small_targets(page.locator("figure")) == []
        assert controls_in_sight(page.locator("figure")) <= 5


def test_the_html_of_a_notebook_cell_comes_alive_and_is_light(browser, tmp_path):
    shown = TruthExplorer(slope=10, stage="trained")
    html = shown.to_html()
    assert len(gzip.compress(html.encode())) < 20_000
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("truth",), figures=html))
        assert page.locator(".snnsg").evaluate("root => root.snnsg.read()") == shown.state
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()


def test_without_javascript_the_picture_and_its_words_are_there(browser, tmp_path):
    shown = TruthExplorer(slope=10)
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("truth",), figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()
