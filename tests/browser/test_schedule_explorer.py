"""What the schedule explorer alone has: a return drawn by hand, runs to choose from, an evaluation to read out."""

import pytest
from pages import NEXT_FRAME, Watch, page_of, state_of

from snnsg_book.explorers import ScheduleExplorer, schedule

pytestmark = pytest.mark.browser


def test_a_run_is_chosen_only_among_stored_ones(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, ScheduleExplorer()))
        run = page.locator("select[name=run]")
        assert run.is_disabled()
        page.locator("select[name=curve]").select_option("reversed")
        page.evaluate(NEXT_FRAME)
        assert run.is_enabled()


def test_a_curve_is_drawn_with_the_pointer_beginning_from_the_one_that_is_shown(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, ScheduleExplorer(curve="steady")))
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
        assert "After evaluation 10 the return is 130," in page.locator(".snnsg-sentence").text_content()
        page.locator(".snnsg-reset").click()
        assert state_of(page) == ScheduleExplorer(curve="steady").state


def test_a_curve_is_drawn_with_the_keyboard(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, ScheduleExplorer(curve="stuck", at=4)))
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


def test_a_tap_below_reads_out_another_evaluation(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, ScheduleExplorer()))
        box = page.locator(".snnsg-handle").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 4 / 18, box["y"] + 20)
        assert state_of(page)["at"] == 4
        assert state_of(page)["curve"] == "setback"
