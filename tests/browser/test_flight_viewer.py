"""What the flight viewer alone has: it plays, and its view turns."""

import pytest
from pages import NEXT_FRAME, Watch, page_of, picture, state_of

from snnsg_book.explorers import FlightViewer

pytestmark = pytest.mark.browser


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
        # Asked at once: a busy machine may have played it to its end again by the next look.
        again = button.evaluate("b => { b.click(); return document.querySelector('.snnsg').snnsg.read().time; }")
        assert again == 0


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
