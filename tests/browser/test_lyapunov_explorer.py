"""What the Lyapunov explorer alone has: numbers in its picture."""

import pytest
from pages import NEXT_FRAME, Watch, page_of, picture

from snnsg_book.explorers import LyapunovExplorer

pytestmark = pytest.mark.browser


def test_numbers_in_the_picture_show_that_the_sum_holds(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, LyapunovExplorer(tau_mem=5, tau_syn=2, size=20)))
        for gain in ("0", "1.3", "4"):
            page.locator("input[name=gain]").fill(gain)
            page.evaluate(NEXT_FRAME)
            values = page.locator(".snnsg-picture .snnsg-value").all_text_contents()
            assert values[:3] == ["−14.000000", "−14.000000", "< 10⁻⁹"]


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
