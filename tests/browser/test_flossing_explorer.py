"""What the flossing explorer alone has: it plays, its slider follows the task, its curves can be pulled."""

import numpy as np
import pytest
from pages import NEXT_FRAME, Watch, page_of, state_of

from snnsg_book.explorers import FlossingExplorer

pytestmark = pytest.mark.browser


def test_the_slider_ends_where_the_runs_of_the_task_end(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlossingExplorer(task="xor", step=520)))
        slider = page.locator("input[name=step]")
        assert slider.get_attribute("aria-valuetext") == "520 of 600"
        page.locator("select[name=task]").select_option("copy")
        page.evaluate(NEXT_FRAME)
        assert slider.get_attribute("aria-valuetext") == "400 of 400"
        assert slider.input_value() == slider.get_attribute("max")
        slider.press("ArrowLeft")
        assert state_of(page)["step"] == 360


def test_dots_of_the_flossed_lie_where_their_exponents_are(browser, tmp_path):
    shown = FlossingExplorer(arm="before 16")
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, shown))
        outlines = page.locator("path.snnsg-flossed").first.get_attribute("d").split("M")[1:]
        heights = [float(outline.split("a")[0].split()[1]) for outline in outlines]
        zero = float(page.locator(".snnsg-threshold").first.get_attribute("y1"))
    values = shown.run().exponents[shown.checkpoint, :16]
    assert np.corrcoef(heights, values)[0, 1] < -0.999
    assert [height < zero for height in heights] == (values > 0).tolist()


def test_a_pull_on_the_curves_leads_to_the_nearest_checkpoint(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlossingExplorer()))
        box = page.locator(".snnsg-handle").first.bounding_box()
        page.mouse.move(box["x"] + 0.52 * box["width"], box["y"] + 20)
        page.mouse.down()
        assert state_of(page)["step"] == 200
        page.mouse.move(box["x"] + box["width"] + 50, box["y"] + 20)
        page.mouse.up()
        assert state_of(page)["step"] == 400


def test_playing_goes_to_the_end_and_then_from_the_beginning(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, FlossingExplorer(step=320)))
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


def test_reduced_motion_steps_on(browser, tmp_path):
    with Watch(browser, reduced_motion="reduce") as watch:
        page = watch.open(page_of(tmp_path, FlossingExplorer(step=360)))
        button = page.locator(".snnsg-button")
        assert button.text_content() == "Step on"
        seen = []
        for _ in range(3):
            button.click()
            seen.append(state_of(page)["step"])
        page.wait_for_timeout(400)
        assert [*seen, state_of(page)["step"]] == [400, 0, 10, 10]
