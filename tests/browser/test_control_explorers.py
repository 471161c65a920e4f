"""The learning-curve explorer and the flight viewer on pages of their own: the same numbers and words as in Python."""

import gzip
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
from synthetic_curves import learning_table

from snnsg_book.explorers import FlightViewer, LearningCurveExplorer, curves, flight
from snnsg_book.studies.control.figures.flight import project

pytestmark = pytest.mark.browser

NAMES = ("curves", "flight")
# Long words and far ends: what may not fit.
EXTREMES = {
    "curves": [{"against": "all"}, {"slope": 100, "against": "50", "setting": "crazyflie", "learner": "bc"}],
    "flight": [{"pilot": "expert", "azimuth": 45, "elevation": 35}, {"pilot": "td3", "trained": "0.1", "time": 3}],
}


@pytest.fixture(scope="module")
def explorers():
    """The two classes by name; curves come from tables of their own."""
    curves.stored_curves.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        tables = {f"{learner}_slopes": learning_table(learner) for learner in curves.LEARNERS}
        patch.setattr(curves, "load_results", tables.__getitem__)
        yield {"curves": LearningCurveExplorer, "flight": FlightViewer}
    curves.stored_curves.cache_clear()


@pytest.fixture(scope="module")
def shared(browser, explorers, tmp_path_factory):
    """One page with both, for all tests that only ask its numbers."""
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path_factory.mktemp("control"), *(explorers[name]() for name in NAMES)))
        tables = {name: explorers[name]().page_state["table"] for name in NAMES}
        page.evaluate("tables => { globalThis.tables = tables; }", tables)
        yield page


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, explorers, tmp_path, name):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorers[name]()))
        assert faults_of_sliders(page.locator("figure[data-snnsg]")) == []
        assert (watch.foreign, watch.errors) == ([], [])


@pytest.mark.parametrize(
    ("name", "control"),
    [("curves", c) for c in ("against", "setting", "learner", "seeds")]
    + [("flight", c) for c in ("pilot", "slope", "trained")],
)
def test_every_choice_changes_picture_and_sentence(browser, explorers, tmp_path, name, control):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorers[name]()))
        select = page.locator(f"select[name={control}]")
        choices = select.locator("option").evaluate_all("options => options.map(option => option.value)")
        seen = set()
        for choice in choices:
            select.select_option(choice)
            seen.add((picture(page.locator("figure")), page.locator(".snnsg-sentence").text_content()))
        # One slope against itself is the same as against nothing.
        expected = len(choices) - (control == "against")
        assert len({shown for shown, _ in seen}) == len({words for _, words in seen}) == expected


def test_sentence_and_curve_equal_python(shared, explorers):
    names = ("slope", "against", "setting", "learner", "seeds")
    choices = product((2, 50), ("nothing", "50", "all"), curves.SETTINGS, curves.LEARNERS, ("5", "all"))
    shown = [explorers["curves"](**dict(zip(names, choice, strict=True))) for choice in choices]
    pairs = shared.evaluate(
        """states => states.map(s => {
          const { sentence, curve } = snnsg.explorers.curves;
          return [sentence(s, tables.curves), curve(s.slope, s, tables.curves)];
        })""",
        [explorer.state for explorer in shown],
    )
    for explorer, (sentence, curve) in zip(shown, pairs, strict=True):
        assert sentence == explorer.sentence()
        expected = explorer.curve(int(explorer.slope))
        assert [curve[key] for key in ("runs", "middle", "low", "high", "arrived")] == [*expected[:5]]
        assert curve["halfBy"] == expected.half_by


def test_flights_equal_python(shared):
    for pilot, slope, trained in product(flight.PILOTS, flight.SLOPES, flight.TRAINED):
        viewer = FlightViewer(pilot=pilot, slope=slope, trained=trained)
        sentence, flown = shared.evaluate(
            "s => ['sentence', 'unpack'].map(name => snnsg.explorers.flight[name](s, tables.flight))", viewer.state
        )
        assert sentence == viewer.sentence()
        rows = flight.flight_rows(pilot, slope, trained)
        assert np.array(flown["position"]) == pytest.approx(rows[["x", "y", "z"]].to_numpy(), abs=1e-9)
        # A quaternion and its opposite are one attitude; the table has three digits.
        attitude = rows[["qw", "qx", "qy", "qz"]].to_numpy() * np.sign(rows[["qw"]].to_numpy())
        assert np.array(flown["attitude"]) == pytest.approx(attitude, abs=0.05)
        assert np.array(flown["attitude"])[:, 1:] == pytest.approx(attitude[:, 1:], abs=1e-9)
        assert pytest.approx(rows.filter(like="action").to_numpy(), abs=1e-9) == np.array(flown["motors"]).T


def test_projection_and_play_head_equal_python(shared):
    rng = np.random.default_rng(0)
    views = [[rng.uniform(-180, 180), rng.uniform(-10, 90), rng.normal(size=3).tolist()] for _ in range(50)]
    seen = shared.evaluate("views => views.map(([a, e, p]) => snnsg.explorers.flight.projection(a, e)(p))", views)
    for (azimuth, elevation, point), place in zip(views, seen, strict=True):
        assert place == pytest.approx(project(np.array(point), azimuth, elevation), abs=1e-12)
    times = np.round(np.arange(0, 3.001, 0.02), 2).tolist()
    steps = shared.evaluate("times => times.map(time => snnsg.explorers.flight.stepAt(time, 150))", times)
    viewer = FlightViewer(pilot="expert")
    for time, step in zip(times, steps, strict=True):
        viewer.time = time
        assert step == viewer.step()


@pytest.mark.parametrize("name", NAMES)
def test_defaults_of_page_and_python_agree(shared, explorers, name):
    assert shared.evaluate(f"snnsg.explorers.{name}.defaults") == explorers[name]().state


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, explorers, tmp_path, name, theme):
    shown = [explorers[name](), *(explorers[name](**state) for state in EXTREMES[name])]
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, *shown, theme=theme))
        assert axe_violations(page, "figure[data-snnsg]") == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (380, "light"), (592, "light"), (800, "light")])
def test_no_label_is_cut_off_and_narrow_screens_need_no_sideways_scroll(
    browser, explorers, tmp_path, name, width, theme
):
    shown = [explorers[name](), *(explorers[name](**state) for state in EXTREMES[name])]
    with Watch(browser, width=width, height=800) as watch:
        page = watch.open(page_of(tmp_path, *shown, theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off_labels(page) == []


@pytest.mark.parametrize("name", NAMES)
def test_everything_to_touch_is_tall_enough_and_at_most_five(browser, explorers, tmp_path, name):
    with Watch(browser, width=380) as watch:
        page = watch.open(page_of(tmp_path, explorers[name]()))
        assert small_targets(page.locator("figure")) == []
        assert controls_in_sight(page.locator("figure")) <= 5


@pytest.mark.parametrize(("name", "control"), [("curves", "slope"), ("flight", "time")])
def test_a_drawing_takes_at_most_eight_milliseconds(browser, explorers, tmp_path, name, control):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorers[name]()))
        values = list(curves.SLOPES) if control == "slope" else [0.2, 1.1, 2.9]
        assert np.median(drawing_times(page.locator("figure"), control, values)) <= 8


@pytest.mark.parametrize("name", NAMES)
def test_the_html_of_a_notebook_cell_comes_alive_and_is_light(browser, explorers, tmp_path, name):
    shown = explorers[name](**EXTREMES[name][1])
    html = shown.to_html()
    assert len(gzip.compress(html.encode())) < 75_000
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, (name,), figures=html))
        page.evaluate(NEXT_FRAME)
        assert page.locator("figure[data-snnsg] img").count() == 0
        assert page.locator(".snnsg").evaluate("root => root.snnsg.read()") == shown.state
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()


@pytest.mark.parametrize("name", NAMES)
def test_without_javascript_the_picture_and_its_words_are_there(browser, explorers, tmp_path, name):
    shown = explorers[name]()
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, (name,), figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()


def state_of(page):
    page.evaluate(NEXT_FRAME)
    return page.locator(".snnsg").evaluate("root => root.snnsg.read()")


def test_button_and_space_play_and_pause(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlightViewer(pilot="expert", time=0)))
        button = page.locator(".snnsg-button")
        assert button.text_content() == "Play"
        button.click()
        page.wait_for_function("document.querySelector('.snnsg').snnsg.read().time > 0.3")
        assert button.text_content() == "Pause"
        page.locator("input[name=time]").press(" ")
        paused = state_of(page)["time"]
        assert button.text_content() == "Play"
        page.wait_for_timeout(200)
        assert state_of(page)["time"] == paused
        page.locator(".snnsg-picture svg").press(" ")
        page.wait_for_function(f"document.querySelector('.snnsg').snnsg.read().time > {paused}")
        assert watch.errors == []


def test_play_survives_a_frame_that_began_before_the_press(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlightViewer(pilot="expert", time=0)))
        page.evaluate("performance.now = () => 1e9")
        page.locator(".snnsg-button").click()
        page.evaluate(NEXT_FRAME)
        assert watch.errors == []


def test_a_flight_plays_to_its_end_and_then_from_the_beginning(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlightViewer(pilot="td3", trained="0.1", time=0.3)))
        button = page.locator(".snnsg-button")
        button.click()
        page.wait_for_function("document.querySelector('.snnsg-button').textContent === 'Play'")
        end = state_of(page)["time"]
        assert end == pytest.approx(0.5, abs=0.021)
        button.click()
        assert state_of(page)["time"] < end


def test_nothing_moves_by_itself_and_reduced_motion_steps(browser, tmp_path):
    for settings in ({}, {"reduced_motion": "reduce"}):
        with Watch(browser, **settings) as watch:
            page = watch.open(page_of(tmp_path, FlightViewer(pilot="expert", time=1)))
            before = picture(page.locator("figure"))
            page.wait_for_timeout(200)
            assert picture(page.locator("figure")) == before
    with Watch(browser, reduced_motion="reduce") as watch:
        page = watch.open(page_of(tmp_path, FlightViewer(pilot="expert", time=1)))
        button = page.locator(".snnsg-button")
        assert button.text_content() == "Step on"
        button.click()
        assert state_of(page)["time"] == pytest.approx(1.1)
        page.wait_for_timeout(200)
        assert state_of(page)["time"] == pytest.approx(1.1)
        page.locator("input[name=time]").press("End")
        button.click()
        assert state_of(page)["time"] == 0


def test_arrow_keys_and_a_drag_turn_the_view(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlightViewer(azimuth=175, elevation=20)))
        view = page.locator(".snnsg-picture svg")
        for key in ("ArrowRight", "ArrowUp"):
            view.press(key)
            page.evaluate(NEXT_FRAME)
        assert (state_of(page)["azimuth"], state_of(page)["elevation"]) == (-180, 25)
        before = picture(page.locator("figure"))
        box = page.locator(".snnsg-view").bounding_box()
        page.mouse.move(box["x"] + 200, box["y"] + 200)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 220, steps=4)
        page.mouse.up()
        assert (state_of(page)["azimuth"], state_of(page)["elevation"]) == (-160, 35)
        assert picture(page.locator("figure")) != before
        page.mouse.move(box["x"] + 10, box["y"] + 10)
        assert state_of(page)["azimuth"] == -160


def test_the_expert_has_no_slope_to_choose(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlightViewer()))
        assert page.locator("select:disabled").count() == 0
        page.locator("select[name=pilot]").select_option("expert")
        page.evaluate(NEXT_FRAME)
        assert page.locator("select:disabled").count() == 2


def test_page_says_each_value_once(shared):
    # The slider has its value in words; an output that is read out as well would speak fifty times a second.
    assert set(shared.locator("output").evaluate_all("nodes => nodes.map(node => node.ariaLive)")) == {"off"}
