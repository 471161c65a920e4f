"""Pages under watch: what they fetch, what they complain about, and how their explorers are driven."""

from __future__ import annotations

import html
import json
from pathlib import Path
from urllib.parse import urlparse

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page

from snnsg_book.explorers import Explorer
from snnsg_book.explorers.explorer import SHARED

ROOT = Path(__file__).resolve().parents[2]
EXPLORER_FOLDER = ROOT / "snnsg_book" / "explorers"
SLIDERS = "input[type=range]"
# The page is ready for the next look when its frame has been drawn.
NEXT_FRAME = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Watch:
    """A page in its own context and network blocked; collects foreign requests and console errors."""

    def __init__(self, browser: Browser, *, width: int = 1280, height: int = 800, **context):
        self.context = browser.new_context(viewport={"width": width, "height": height}, **context)
        self.foreign: list[str] = []
        self.errors: list[str] = []
        self.context.route("**/*", self._admit)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(90_000)  # a busy machine takes long; a right page does not
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self._note(message))

    def _note(self, message) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def _admit(self, route) -> None:
        url = urlparse(route.request.url)
        if url.scheme in ("file", "data", "blob") or url.hostname == "127.0.0.1":
            route.continue_()
        else:
            self.foreign.append(route.request.url)
            route.abort()

    def open(self, url: str) -> Page:
        self.page.goto(url, wait_until="load")
        return self.page

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_) -> None:
        self.context.close()


def standalone_page(folder: Path, names, figures: str, *, theme: str = "light", scripts: bool = True) -> str:
    """Write a page with these figures and the project's own scripts, and return its file:// address."""
    loaded = [*SHARED, *names, "host"] if scripts else []
    for name in ("explorer.css", *(f"{name}.js" for name in loaded)):
        (folder / name).write_bytes((EXPLORER_FOLDER / name).read_bytes())
    tags = "".join(f'<script defer src="{name}.js"></script>' for name in loaded)
    background = "#121212" if theme == "dark" else "#ffffff"
    path = folder / f"{theme}.html"
    path.write_text(
        f'<!doctype html><html lang="en" data-theme="{theme}"><head><meta charset="utf-8"><title>Explorers</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="explorer.css">{tags}'
        f"<style>body {{ margin: 16px; background: {background}; --pst-color-background: {background} }}</style></head>"
        f"<body><main><h1>Explorers</h1>{figures}</main></body></html>",
        encoding="utf-8",
    )
    return path.as_uri()


def page_of(folder: Path, *shown: Explorer, **settings) -> str:
    """Write a page with these explorers, each in its state, and return its file:// address."""
    figures = "".join(figure(explorer) for explorer in shown)
    return standalone_page(folder, sorted({explorer._name for explorer in shown}), figures, **settings)


def figure(explorer: Explorer) -> str:
    """Return the element of an explorer in its state, without a picture inside."""
    state = html.escape(json.dumps(explorer.page_state), quote=True)
    return f'<figure data-snnsg="{explorer._name}" data-state="{state}"></figure>'


def state_of(page: Page) -> dict:
    """Return the controls' values of a page's first explorer, after the next frame."""
    page.evaluate(NEXT_FRAME)
    return page.locator(".snnsg").first.evaluate("root => root.snnsg.read()")


def cut_off_labels(page: Page) -> list[str]:
    """Return the labels that reach beyond the drawing of their explorer."""
    return page.locator(".snnsg-picture svg").evaluate_all(
        """pictures => pictures.flatMap((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter((text) => {
            const box = text.getBoundingClientRect();
            const aside = box.left < frame.left - 1 || box.right > frame.right + 1;
            return box.width && (aside || box.bottom > frame.bottom + 1 || box.top < frame.top - 1);
          }).map((text) => text.textContent);
        })"""
    )


def picture(explorer: Locator) -> str:
    """Return the explorer's drawing as text, after the next frame."""
    explorer.page.evaluate(NEXT_FRAME)
    return explorer.locator(".snnsg-picture svg").evaluate("svg => svg.outerHTML")


def reset(explorer: Locator) -> None:
    explorer.locator(".snnsg-reset").click()


def faults_of_sliders(explorer: Locator) -> list[str]:
    """Move every slider to its ends by mouse and by keyboard, and return what did not behave."""
    faults = []
    initial = picture(explorer)
    for slider in explorer.locator(SLIDERS).all():
        if not slider.is_visible():
            continue
        name = slider.get_attribute("name")
        ends = {}
        for device, move in (("mouse", _click_end), ("keyboard", _press_end)):
            for end in ("min", "max"):
                move(slider, end)
                ends[device, end] = picture(explorer)
                if slider.input_value() != slider.get_attribute(end):
                    faults.append(f"{name}: {device} does not reach {end}")
            reset(explorer)
            if picture(explorer) != initial:
                faults.append(f"{name}: reset does not bring the first picture back")
        at_end = [end for end in ("min", "max") if slider.input_value() == slider.get_attribute(end)]
        changed = [shown != initial for (_, end), shown in ends.items() if end not in at_end]
        if not all(changed):
            faults.append(f"{name}: the picture at an end equals the picture at the default")
        if any(ends["mouse", end] != ends["keyboard", end] for end in ("min", "max")):
            faults.append(f"{name}: mouse and keyboard lead to different pictures")
        slider.focus()
        slider.press("ArrowLeft" if "max" in at_end else "ArrowRight")
        if picture(explorer) == initial:
            faults.append(f"{name}: an arrow key changes nothing")
        reset(explorer)
    return faults


def _click_end(slider: Locator, end: str) -> None:
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    x = box["x"] + (1 if end == "min" else box["width"] - 1)
    slider.page.mouse.click(x, box["y"] + box["height"] / 2)


def _press_end(slider: Locator, end: str) -> None:
    slider.focus()
    slider.press("Home" if end == "min" else "End")


def faults_of_choices(explorer: Locator, *, alike: tuple[str, ...] = (), words: bool = True) -> list[str]:
    """Take every choice of every select, and return what did not give each choice a picture and a sentence of its own.

    One choice of the selects in `alike` may repeat another; without `words` the sentences are not looked at.
    """
    faults = []
    for select in explorer.locator("select").all():
        if not select.is_enabled():
            continue
        name = select.get_attribute("name")
        choices = select.locator("option").evaluate_all("options => options.map(option => option.value)")[:12]
        pictures, sentences = set(), set()
        for choice in choices:
            select.select_option(choice)
            pictures.add(picture(explorer))
            sentences.add(explorer.locator(".snnsg-sentence").text_content())
        for kind, seen in (("pictures", pictures), ("sentences", sentences if words else pictures)):
            if len(seen) < len(choices) - (name in alike):
                faults.append(f"{name}: {len(choices)} choices have {len(seen)} {kind}")
        reset(explorer)
    return faults


def drawing_times(explorer: Locator, control: str, values: list) -> tuple[list[float], float]:
    """Return how long each of 101 drawings takes, in milliseconds, and by what this machine is slower than it might be.

    The latter, 1 or more, by ten million products, which take 10 ms on the reference machine when it is idle.
    """
    return explorer.locator(".snnsg").evaluate(
        """(root, [control, values]) => {
          const { draw, change } = root.snnsg;
          const numbers = new Float64Array(1000).fill(0.5);
          const time = (work) => { const start = performance.now(); work(); return performance.now() - start; };
          function probe() {
            let sum = 0;
            for (let i = 0; i < 10000; i++) for (let j = 0; j < 1000; j++) sum += numbers[j] * numbers[j];
            return sum;
          }
          const probes = [], times = [];
          for (let i = 0; i < 101; i++) {
            change(control, values[i % values.length]);
            times.push(time(draw));
            if (i % 5 === 0) probes.push(time(probe));
          }
          probes.sort((a, b) => a - b);
          return [times, Math.max(1, probes[Math.floor(probes.length / 2)] / 10)];
        }""",
        [control, values],
    )


def small_targets(explorer: Locator, least: int = 44) -> list[str]:
    """Open all controls, and return the names of those that are lower than `least` pixels to the touch."""
    for drawer in explorer.locator("details:not([open]) summary").all():
        drawer.click()
    targets = explorer.locator(".snnsg :is(input, select, button)").all()
    return [target.get_attribute("name") or "reset" for target in targets if target.bounding_box()["height"] < least]


def controls_in_sight(explorer: Locator) -> int:
    """Return how many controls stand above the picture."""
    return explorer.locator(".snnsg > .snnsg-controls :is(input, select, button)").count()


def axe_violations(page: Page, selector: str = "html", rules: list[str] | None = None) -> list[tuple[str, str]]:
    """Return (rule, element) of everything that axe finds inside `selector`, by all rules or by the given ones.

    Of the API's entries, which are all generated alike, the first of each group is looked at.
    """
    context = {"include": [[selector]], "exclude": [["dl.py ~ dl.py"]]}
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [(rule["id"], node["html"]) for rule in found for node in rule["nodes"]]
