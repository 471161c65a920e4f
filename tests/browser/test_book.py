"""Every page of the built book in a browser with the network blocked."""

from __future__ import annotations

import json
import re

import pytest
from pages import SLIDERS, Watch, axe_violations, faults_of_sliders, picture

pytestmark = pytest.mark.browser

# Faults of what the book stands on, which it cannot mend from outside: (axe rule, part of the element) and why.
KNOWN_FAULTS = {
    ("region", "logo__title"): "sphinx-book-theme puts the title beside the logo outside every landmark",
    ("aria-required-children", "citation-list"): "docutils wraps the entries of a bibliography in a list without items",
    ("aria-allowed-role", "doc-biblioentry"): "docutils writes this role for each entry of a bibliography",
    ("aria-deprecated-role", "doc-biblioentry"): "docutils writes this role, which ARIA has since retired",
}


def pages_with_explorers(built_book, book_pages):
    return [page for page in book_pages if "data-snnsg=" in (built_book / page).read_text(encoding="utf-8")]


def test_landing_page_and_both_chapters_hold_an_explorer(built_book, book_pages):
    names = {
        name
        for page in book_pages
        for name in re.findall(r'data-snnsg="(\w+)"', (built_book / page).read_text(encoding="utf-8"))
    }
    assert {"surrogate", "neuron"} <= names
    assert len(pages_with_explorers(built_book, book_pages)) >= 3


def test_no_page_holds_a_widget_that_needs_a_kernel(built_book, book_pages):
    needy = r"application/vnd\.jupyter\.widget-view\+json|data-jupyter-widgets|html-manager"
    found = [page for page in book_pages if re.search(needy, (built_book / page).read_text(encoding="utf-8"))]
    assert found == []


def test_no_page_asks_for_anything_from_outside_or_complains(browser, book_url, book_pages):
    faults = {}
    with Watch(browser) as watch:
        for page in book_pages:
            watch.open(f"{book_url}/{page}")
            watch.page.wait_for_load_state("networkidle")
            if watch.foreign or watch.errors:
                faults[page] = [*watch.foreign, *watch.errors]
            watch.foreign.clear()
            watch.errors.clear()
    assert faults == {}


def test_every_slider_of_the_book_changes_its_picture(browser, book_url, built_book, book_pages):
    faults = {}
    for address in pages_with_explorers(built_book, book_pages):
        with Watch(browser) as watch:
            page = watch.open(f"{book_url}/{address}")
            for i, explorer in enumerate(page.locator("figure[data-snnsg]").all()):
                explorer.locator(".snnsg").wait_for()
                faults[address, i] = faults_of_sliders(explorer)
            faults[address, "console"] = [*watch.foreign, *watch.errors]
    assert {place: found for place, found in faults.items() if found} == {}


def test_explorers_live_when_the_book_is_opened_from_a_folder(browser, built_book, book_pages):
    for address in pages_with_explorers(built_book, book_pages):
        with Watch(browser) as watch:
            page = watch.open((built_book / address).as_uri())
            slider = page.locator(f".snnsg {SLIDERS}").first
            explorer = page.locator("figure[data-snnsg]").first
            before = picture(explorer)
            slider.press("Home")
            assert picture(explorer) != before
            assert watch.foreign == []


@pytest.mark.parametrize(("theme", "rules"), [("light", None), ("dark", ["color-contrast"])])
def test_axe_finds_nothing_but_the_known_faults(browser, book_url, book_pages, theme, rules):
    found = {}
    # Reduced motion: the theme fades its colours for 150 ms, and in the middle of that no contrast is what it will be.
    with Watch(browser, color_scheme=theme, reduced_motion="reduce") as watch:
        for address in book_pages:
            page = watch.open(f"{book_url}/{address}")
            page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
            faults = [fault for fault in axe_violations(page, rules=rules) if not _known(*fault)]
            if faults:
                found[address] = faults
    assert found == {}, json.dumps(found, indent=1)


def _known(rule: str, element: str) -> bool:
    return any(rule == known and part in element for known, part in KNOWN_FAULTS)


def test_narrow_screens_need_no_sideways_scroll_inside_explorers(browser, book_url, built_book, book_pages):
    for address in pages_with_explorers(built_book, book_pages):
        with Watch(browser, width=360, height=700) as watch:
            page = watch.open(f"{book_url}/{address}")
            page.locator(".snnsg-picture svg").first.wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, address


def test_figures_of_several_panels_stay_legible_on_a_phone(browser, book_url):
    """They are moved sideways on their own; the page is not."""
    with Watch(browser, width=380, height=800) as watch:
        page = watch.open(f"{book_url}/book/flossing.html")
        sizes = page.locator(".snnsg-figure-wide > svg").evaluate_all(
            """drawings => drawings.map((svg) => {
              const size = (text) => parseFloat(getComputedStyle(text).fontSize);
              return svg.getScreenCTM().a * Math.min(...[...svg.querySelectorAll("text")].map(size));
            })"""
        )
        assert len(sizes) >= 4
        assert min(sizes) >= 9
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        assert axe_violations(page, ".bd-article") == []


def test_exponents_and_indices_are_smaller_than_what_they_stand_on(browser, book_url):
    with Watch(browser) as watch:
        page = watch.open(f"{book_url}/book/slope.html")
        page.locator(".bd-article p mjx-script").first.wait_for(state="attached")
        shares = page.locator(".bd-article p mjx-script").evaluate_all(
            """scripts => scripts.map((script) => {
              const size = (element) => parseFloat(getComputedStyle(element).fontSize);
              return size(script.firstElementChild) / size(script.closest("mjx-container"));
            })"""
        )
        assert max(shares) < 0.75
