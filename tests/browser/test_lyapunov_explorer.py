"""The Lyapunov explorer on a page of its own: JavaScript finds the spikes and exponents that the library finds."""

import gzip

import numpy as np
import pytest
from pages import (
    NEXT_FRAME,
    Watch,
    axe_violations,
    controls_in_sight,
    cut_off_labels,
    faults_of_sliders,
    page_of,
    picture,
    small_targets,
    standalone_page,
)

from snnsg_book.explorers import LyapunovExplorer

pytestmark = pytest.mark.browser

# Far ends: silent and saturated, uncoupled, equal and unequal time constants, two neurons and twenty-four.
EXTREMES = [
    {"gain": 4, "slope": 1, "size": 24, "tau_mem": 20, "tau_syn": 10, "drive": 2},
    {"gain": 4, "slope": 1, "size": 24, "tau_mem": 1, "tau_syn": 1},
    {"gain": 0, "slope": 100, "size": 2, "tau_mem": 1, "tau_syn": 10, "drive": 0},
    {"gain": 2.5, "slope": 5, "size": 24, "tau_mem": 2, "tau_syn": 1, "seed": 9},
]


def random_explorer(rng):
    return LyapunovExplorer(
        gain=rng.uniform(0, 4),
        slope=10 ** rng.uniform(0, 2),
        tau_mem=rng.uniform(1, 20),
        tau_syn=rng.uniform(1, 10),
        size=int(rng.integers(2, 25)),
        drive=rng.uniform(0, 2),
        seed=int(rng.integers(1, 10)),
    )


@pytest.fixture(scope="module")
def shared(browser, tmp_path_factory):
    """One page for all tests that only ask its numbers."""
    with Watch(browser) as watch:
        yield watch.open(page_of(tmp_path_factory.mktemp("lyapunov"), LyapunovExplorer()))


def test_spikes_exponents_perturbation_and_sentence_equal_python(shared):
    rng = np.random.default_rng(0)
    explorers = [LyapunovExplorer(**state) for state in ({}, *EXTREMES)] + [random_explorer(rng) for _ in range(8)]
    answers = shared.evaluate(
        "states => states.map(s => [snnsg.explorers.lyapunov.simulate(s), snnsg.explorers.lyapunov.sentence(s)])",
        [explorer.state for explorer in explorers],
    )
    for explorer, (found, sentence) in zip(explorers, answers, strict=True):
        expected = explorer.growth()
        np.testing.assert_array_equal(np.reshape(found["spikes"], expected.spk.shape), expected.spk)
        np.testing.assert_allclose(found["exponents"], expected.exponents, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found["sizes"], expected.log_size, rtol=0, atol=1e-6)
        assert found["expected"] == pytest.approx(expected.expected, abs=1e-12)
        assert sentence == explorer.sentence()


def test_sum_of_exponents_is_that_of_the_leaks_in_the_page(shared):
    rng = np.random.default_rng(1)
    states = [random_explorer(rng).state for _ in range(30)]
    off = shared.evaluate(
        "states => states.map(snnsg.explorers.lyapunov.simulate).map(s => s.sum - s.expected)", states
    )
    assert np.abs(off).max() < 1e-9


def test_every_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, LyapunovExplorer()))
        page.locator("summary").click()
        assert faults_of_sliders(page.locator("figure[data-snnsg]")) == []
        assert (watch.foreign, watch.errors) == ([], [])


def test_defaults_of_page_and_python_agree(shared):
    assert shared.evaluate("snnsg.explorers.lyapunov.defaults") == LyapunovExplorer().state


def test_numbers_in_the_picture_show_that_the_sum_holds(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, LyapunovExplorer(tau_mem=5, tau_syn=2, size=20)))
        for gain in ("0", "1.3", "4"):
            page.locator("input[name=gain]").fill(gain)
            page.evaluate(NEXT_FRAME)
            values = page.locator(".snnsg-picture .snnsg-value").all_text_contents()
            assert values[:3] == ["−14.000000", "−14.000000", "< 10⁻⁹"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, tmp_path, theme):
    shown = [LyapunovExplorer(), LyapunovExplorer(**EXTREMES[0])]
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, *shown, theme=theme))
        assert axe_violations(page, "figure[data-snnsg]") == []


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (380, "light"), (592, "light"), (800, "dark")])
def test_no_label_is_cut_off_and_narrow_screens_need_no_sideways_scroll(browser, tmp_path, width, theme):
    shown = [LyapunovExplorer(), *(LyapunovExplorer(**state) for state in EXTREMES)]
    with Watch(browser, width=width, height=800) as watch:
        page = watch.open(page_of(tmp_path, *shown, theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off_labels(page) == []


def test_everything_to_touch_is_tall_enough_and_at_most_five(browser, tmp_path):
    with Watch(browser, width=380) as watch:
        page = watch.open(page_of(tmp_path, LyapunovExplorer()))
        assert small_targets(page.locator("figure")) == []
        assert controls_in_sight(page.locator("figure")) <= 5


def test_a_change_is_computed_and_drawn_within_thirty_milliseconds(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, LyapunovExplorer(size=24)))
        times, probes = np.array(
            page.evaluate(
                """() => {
                  const { draw, change } = document.querySelector(".snnsg").snnsg;
                  const numbers = new Float64Array(1000).fill(0.5);
                  const time = (work) => { const start = performance.now(); work(); return performance.now() - start; };
                  function probe() {
                    let sum = 0;
                    for (let i = 0; i < 10000; i++) for (let j = 0; j < 1000; j++) sum += numbers[j] * numbers[j];
                    return sum;
                  }
                  return Array.from({ length: 60 }, (_, i) => {
                    change("gain", 1 + 0.05 * i);
                    return [time(draw), time(probe)];
                  });
                }"""
            )
        ).T
        # Ten million products take 10 ms on the reference machine; a slower or busier one takes longer.
        stretch = max(1, np.median(probes) / 10)
        assert np.median(times) <= 30 * stretch


def test_the_html_of_a_notebook_cell_comes_alive_and_is_light(browser, tmp_path):
    shown = LyapunovExplorer(**EXTREMES[3])
    html = shown.to_html()
    assert len(gzip.compress(html.encode())) < 20_000
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("lyapunov",), figures=html))
        page.evaluate(NEXT_FRAME)
        assert page.locator("figure[data-snnsg] img").count() == 0
        assert page.locator(".snnsg").evaluate("root => root.snnsg.read()") == shown.state
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()


def test_without_javascript_the_picture_and_its_words_are_there(browser, tmp_path):
    shown = LyapunovExplorer()
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("lyapunov",), figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()


def test_a_steeper_slope_pulls_the_first_exponent_down_and_leaves_the_sum(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, LyapunovExplorer(slope=1)))
        slider = page.locator("input[name=slope]")
        before = picture(page.locator("figure"))
        words = [page.locator(".snnsg-sentence").text_content()]
        slider.press("End")
        assert picture(page.locator("figure")) != before
        words.append(page.locator(".snnsg-sentence").text_content())
        assert "grows by a factor e" in words[0]
        assert "shrinks by a factor e" in words[1]
        assert words[0].partition("add up to")[2] == words[1].partition("add up to")[2]
