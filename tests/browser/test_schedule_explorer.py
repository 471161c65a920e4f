"""The schedule explorer on a page of its own: the schedules of the library, drawn by hand and replayed."""

import gzip
import json

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
from synthetic_curves import schedule_table

from snnsg_book.explorers import ScheduleExplorer, schedule

pytestmark = pytest.mark.browser
HISTORIES = 1000


@pytest.fixture(scope="module")
def explorer():
    """A maker of explorers that read a table of their own."""
    schedule.stored_returns.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "load_results", {"schedules_td3": schedule_table()}.__getitem__)
        yield ScheduleExplorer
    schedule.stored_returns.cache_clear()


def random_settings(rng):
    return {
        "weight_reward": float(rng.choice([0, 0.05, 0.5, rng.uniform(0, 1)])),
        "weight_change": float(rng.choice([0, 0.5, rng.uniform(0, 5)])),
        "window": int(rng.integers(1, 19)),
        "spacing": str(rng.choice(["linear", "geometric"])),
        "low": float(rng.uniform(1, 20)),
        "high": float(rng.uniform(25, 100)),
        "interval": int(rng.integers(1, 7)),
        "fixed": float(rng.uniform(1, 100)),
    }


def test_slopes_equal_the_library_on_a_thousand_random_histories(browser, explorer, tmp_path):
    """Twenty-five histories for each of forty settings: of any length, shaking, climbing, and beyond full return."""
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(HISTORIES // 25):
        length = rng.integers(1, 41)
        drift = np.cumsum(rng.normal(5, 25, (length, 25)), axis=0)
        cases.append(
            (explorer(**random_settings(rng)), rng.uniform(-20, 220, (length, 25)) * rng.integers(0, 2) + drift)
        )
    # As one string each way: the browser's protocol takes numbers one by one.
    asked = json.dumps([[shown.state, history.T.tolist()] for shown, history in cases])
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        answers = page.evaluate(
            """asked => JSON.stringify(JSON.parse(asked).map(([s, runs]) =>
              runs.map(run => snnsg.explorers.schedule.paths(run, s))))""",
            asked,
        )
    compared = 0
    for (shown, history), answer in zip(cases, json.loads(answers), strict=True):
        for name, expected in shown.paths(history).items():
            values = np.array([np.broadcast_to(slope, 25) for slope in expected]).T
            assert np.array([run[name] for run in answer]) == pytest.approx(values, abs=1e-9), name
            compared += len(values)
    assert compared == 5 * HISTORIES


def test_sentences_equal_python(browser, explorer, tmp_path):
    rng = np.random.default_rng(1)
    curves = explorer.class_traits()["curve"].choices
    shown = [
        explorer(**random_settings(rng), curve=curve, at=int(rng.integers(1, 19)), run=str(rng.integers(1, 33)))
        for curve in (*curves, *curves, *curves)
    ]
    shown += [explorer(curve="yours", returns=rng.uniform(0, 200, 18).tolist()) for _ in range(40)]
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        words = page.evaluate(
            "([states, table]) => states.map(s => snnsg.explorers.schedule.sentence(s, table))",
            [[one.state for one in shown], shown[0].page_state["table"]],
        )
    assert words == [one.sentence() for one in shown]


def test_defaults_of_page_and_python_agree(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        assert page.evaluate("snnsg.explorers.schedule.defaults") == explorer().state


def test_every_slider_changes_the_picture_by_mouse_and_by_keyboard(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(low=2, high=90)))
        page.locator("summary").click()
        assert faults_of_sliders(page.locator("figure")) == []
        assert (watch.foreign, watch.errors) == ([], [])


@pytest.mark.parametrize("control", ["curve", "run", "spacing"])
def test_every_choice_changes_the_picture(browser, explorer, tmp_path, control):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(curve="adaptive")))
        page.locator("summary").click()
        select = page.locator(f"select[name={control}]")
        choices = select.locator("option").evaluate_all("options => options.map(option => option.value)")[:12]
        seen = set()
        for choice in choices:
            select.select_option(choice)
            seen.add(picture(page.locator("figure")))
        assert len(seen) == len(choices)


def test_a_run_is_chosen_only_among_stored_ones(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        run = page.locator("select[name=run]")
        assert run.is_disabled()
        page.locator("select[name=curve]").select_option("reversed")
        page.evaluate(NEXT_FRAME)
        assert run.is_enabled()


def state_of(page):
    page.evaluate(NEXT_FRAME)
    return page.locator(".snnsg").evaluate("root => root.snnsg.read()")


def test_a_curve_is_drawn_with_the_pointer_beginning_from_the_one_that_is_shown(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(curve="steady")))
        box = page.locator(".snnsg-pad").bounding_box()

        def at(evaluation, value):
            return box["x"] + box["width"] * evaluation / 18, box["y"] + box["height"] * (1 - value / 200)

        page.mouse.click(*at(3, 150))
        state = state_of(page)
        assert (state["curve"], state["at"]) == ("yours", 3)
        assert state["returns"][2] == pytest.approx(150, abs=2)
        assert state["returns"][3:] == list(schedule.CURVES["steady"][3:])
        page.mouse.move(*at(6, 50))
        page.mouse.down()
        page.mouse.move(*at(10, 130))  # a fast hand: what lies between is drawn, too
        page.mouse.up()
        assert state_of(page)["returns"][5:10] == pytest.approx([50, 70, 90, 110, 130], abs=2)
        assert page.locator("select[name=curve]").input_value() == "yours"
        words = explorer(**state_of(page)).sentence()
        assert page.locator(".snnsg-sentence").text_content() == words
        page.locator(".snnsg-reset").click()
        assert state_of(page) == explorer(curve="steady").state


def test_a_curve_is_drawn_with_the_keyboard(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(curve="stuck", at=4)))
        canvas = page.locator(".snnsg-picture svg")
        for pressed in ("ArrowRight", "ArrowUp", "PageUp", "ArrowDown", "ArrowDown"):
            canvas.press(pressed)
            page.evaluate(NEXT_FRAME)
        state = state_of(page)
        assert (state["curve"], state["at"]) == ("yours", 5)
        assert state["returns"][4] == schedule.CURVES["stuck"][4] + 20
        for _ in range(20):
            canvas.press("ArrowLeft")
            page.evaluate(NEXT_FRAME)
        assert state_of(page)["at"] == 1


def test_a_tap_below_reads_out_another_evaluation(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        box = page.locator(".snnsg-handle").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 4 / 18, box["y"] + 20)
        assert state_of(page)["at"] == 4
        assert state_of(page)["curve"] == "setback"


@pytest.mark.parametrize(("width", "theme"), [(360, "dark"), (380, "light"), (800, "light"), (1280, "dark")])
def test_no_label_is_cut_off_and_narrow_screens_need_no_sideways_scroll(browser, explorer, tmp_path, width, theme):
    states = [dict(curve="adaptive"), dict(fixed=99, low=20, high=25), dict(fixed=1, interval=6)]
    with Watch(browser, width=width, height=800) as watch:
        page = watch.open(page_of(tmp_path, *(explorer(**state) for state in states), theme=theme))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert cut_off_labels(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser, explorer, tmp_path, theme):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(), theme=theme))
        page.locator("summary").click()
        assert axe_violations(page, "figure[data-snnsg]") == []


def test_a_drawing_takes_at_most_four_milliseconds_with_all_stored_runs(browser, explorer, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, explorer(curve="adaptive")))
        weights = [(i * 37) % 50 / 10 for i in range(101)]
        assert np.median(drawing_times(page.locator("figure"), "weight_change", weights)) <= 4


def test_everything_to_touch_is_tall_enough_and_at_most_five(browser, explorer, tmp_path):
    with Watch(browser, width=380) as watch:
        page = watch.open(page_of(tmp_path, explorer()))
        assert small_targets(page.locator("figure")) == []
        assert controls_in_sight(page.locator("figure")) <= 5


def test_the_html_of_a_notebook_cell_comes_alive_and_is_light(browser, explorer, tmp_path):
    shown = explorer(curve="interval, linear", run="3")
    html = shown.to_html()
    assert len(gzip.compress(html.encode())) < 20_000
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("schedule",), figures=html))
        assert state_of(page) == shown.state
        assert page.locator(".snnsg-sentence").text_content() == shown.sentence()


def test_without_javascript_the_picture_and_its_words_are_there(browser, explorer, tmp_path):
    shown = explorer(curve="noisy")
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ("schedule",), figures=shown.to_html(), scripts=False))
        image = page.locator("figure[data-snnsg] img")
        assert image.evaluate("image => image.naturalWidth") > 300
        assert image.get_attribute("alt") == shown.sentence()
