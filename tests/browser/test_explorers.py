"""What holds for every explorer, on a page of its own with the network blocked."""

import gzip
import io

import numpy as np
import pytest
from capture import captured, pictured
from pages import (
    NEXT_FRAME,
    ROOT,
    SLIDERS,
    Watch,
    axe_violations,
    controls_in_sight,
    cut_off_labels,
    drawing_times,
    faults_of_choices,
    faults_of_sliders,
    figure,
    page_of,
    small_targets,
    standalone_page,
    state_of,
)
from PIL import Image

from snnsg_book import explorers
from snnsg_book.explorers import Explorer, NeuronExplorer, SurrogateExplorer
from snnsg_book.explorers.pictures import picture_path
from snnsg_book.style import COLOURS, slope_colour

pytestmark = pytest.mark.browser

EVERY = {value._name: value for value in vars(explorers).values() if isinstance(value, type) and value is not Explorer}
# Long words and far ends: what may not fit.
EXTREMES = {
    "surrogate": [{"slope": 1, "normalization": "area"}, {"slope": 100, "normalization": "area"}],
    "neuron": [{"slope": 1, "reset_mechanism": "none"}, {"slope": 100, "loss": "all steps"}],
    "depth": [
        {"slope": slope, "depth": depth, "normalization": kept}
        for depth in ("2", "8", "16")
        for slope, kept in ((1, "peak"), (100, "area"))
    ],
    "truth": [{"slope": 1, "batch": 20_000}, {"slope": 100, "batch": 1}, {"slope": 5}, {"layer": "3"}],
    "curves": [{"against": "all"}, {"slope": 100, "against": "50", "setting": "crazyflie", "learner": "bc"}],
    "schedule": [{"curve": "adaptive"}, {"fixed": 99, "low": 20, "high": 25}, {"fixed": 1, "interval": 6}],
    "lyapunov": [
        {"gain": 4, "slope": 1, "size": 24, "tau_mem": 20, "tau_syn": 10, "drive": 2},
        {"gain": 4, "slope": 1, "size": 24, "tau_mem": 1, "tau_syn": 1},
        {"gain": 0, "slope": 100, "size": 2, "tau_mem": 1, "tau_syn": 10, "drive": 0},
        {"gain": 2.5, "slope": 5, "size": 24, "tau_mem": 2, "tau_syn": 1, "seed": 9},
    ],
    "flossing": [
        {"arm": "before 16", "slope": 1, "step": 600},
        {"arm": "during", "slope": 25, "step": 120, "task": "xor"},
        {"arm": "gain", "slope": 1, "step": 0, "network": "4"},
    ],
    "flight": [{"pilot": "expert", "azimuth": 45, "elevation": 35}, {"pilot": "td3", "trained": "0.1", "time": 3}],
}
# From which every control has something to change.
MOVABLE = {"schedule": {"curve": "adaptive", "low": 2, "high": 90}, "truth": {"slope": 30}}
# What is moved while drawings are timed: state, control, values, and the milliseconds that a drawing may take.
SLOPES = [1 + (i * 37) % 99 for i in range(101)]
TIMED = {
    "surrogate": ({}, "slope", SLOPES, 4),
    "neuron": ({}, "slope", SLOPES, 4),
    "depth": ({"depth": "16"}, "slope", SLOPES, 4),
    "truth": ({}, "slope", SLOPES, 4),
    "curves": ({}, "slope", [1, 2, 5, 10, 25, 50, 100], 8),
    "schedule": ({"curve": "adaptive"}, "weight_change", [(i * 37) % 50 / 10 for i in range(101)], 4),
    "lyapunov": ({"size": 24}, "gain", [1 + 0.05 * i for i in range(60)], 30),
    "flossing": ({"arm": "before 16", "task": "xor"}, "step", [*range(0, 161, 20), *range(200, 601, 40)], 4),
    "flight": ({}, "time", [0.2, 1.1, 2.9], 8),
}
# Bytes of an explorer in a page, packed as a web server sends them.
LIGHT = {"depth": 50_000, "curves": 75_000, "flight": 75_000, "flossing": 45_000}


def extremes(name):
    return [EVERY[name](), *(EVERY[name](**state) for state in EXTREMES[name])]


every_explorer = pytest.mark.parametrize("name", EVERY)


@every_explorer
def test_sliders_and_choices_change_the_picture_by_mouse_and_by_keyboard_and_reset_brings_it_back(
    browser, tmp_path, name
):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, EVERY[name](**MOVABLE.get(name, {}))))
        explorer = page.locator("figure")
        for summary in explorer.locator("summary").all():
            summary.click()
        assert faults_of_sliders(explorer) == []
        # Against itself a slope is as against nothing. Some settings of neuron and schedules end in the same numbers.
        words = name not in ("neuron", "schedule")
        assert faults_of_choices(explorer, alike=("against",), words=words) == []
        assert (watch.foreign, watch.errors) == ([], [])


@every_explorer
def test_no_label_is_cut_off_and_no_page_scrolls_sideways_at_any_width(browser, tmp_path, name):
    with Watch(browser, width=360, height=800) as watch:
        page = watch.open(page_of(tmp_path, *extremes(name)))
        for width in (360, 380, 592, 704, 800, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(NEXT_FRAME)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            drawn = page.locator(".snnsg-picture svg").first.evaluate("svg => svg.clientWidth")
            assert width - 33 <= drawn <= width
            assert cut_off_labels(page) == [], width


@every_explorer
def test_axe_finds_nothing_in_light_and_in_dark(browser, tmp_path, name):
    """In the dark, contrast alone: nothing else depends on colours."""
    with Watch(browser, reduced_motion="reduce") as watch:
        for theme, rules in (("light", None), ("dark", ["color-contrast"])):
            page = watch.open(page_of(tmp_path, *extremes(name)[:3], theme=theme))
            for summary in page.locator("summary").all():
                summary.click()
            assert axe_violations(page, "figure[data-snnsg]", rules) == [], theme


@every_explorer
def test_on_a_phone_the_picture_is_wide_and_everything_to_touch_tall_enough_and_at_most_five(browser, tmp_path, name):
    with Watch(browser, width=380) as watch:
        explorer = watch.open(page_of(tmp_path, EVERY[name]())).locator("figure")
        assert explorer.locator("svg").bounding_box()["width"] >= 0.55 * explorer.bounding_box()["width"]
        assert controls_in_sight(explorer) <= 5
        assert small_targets(explorer) == []


@every_explorer
def test_a_drawing_fits_into_a_frame(browser, tmp_path, name):
    state, control, values, most = TIMED[name]
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, EVERY[name](**state)))
        times, stretch = drawing_times(page.locator("figure"), control, values)
        assert np.median(times) <= most * stretch


@every_explorer
def test_the_html_of_a_cell_comes_alive_in_its_state_is_light_and_without_scripts_a_picture(browser, tmp_path, name):
    shown = extremes(name)[-1]
    element = shown.to_html()
    assert len(gzip.compress(element.encode())) < LIGHT.get(name, 20_000)
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, [name], element))
        assert state_of(page) == shown.state
        assert page.locator("figure[data-snnsg] img").count() == 0
        still = watch.open(standalone_page(tmp_path, [name], element, scripts=False)).locator("figure img")
        assert still.evaluate("image => image.naturalWidth") == 720
        assert still.get_attribute("alt") == shown.picture().words
        assert watch.errors == []


@every_explorer
def test_every_control_has_a_visible_label_and_says_its_value_once(browser, tmp_path, name):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, EVERY[name]()))
        for slider in page.locator(SLIDERS).all():
            assert slider.evaluate("input => input.labels[0].textContent").strip()
            shown = slider.evaluate("input => input.parentElement.querySelector('output').value")
            assert slider.get_attribute("aria-valuetext") == shown != ""
        # The slider has its value in words; an output that is read out as well would speak fifty times a second.
        assert set(page.locator("output").evaluate_all("nodes => nodes.map(node => node.ariaLive)")) <= {"off"}
        for select in page.locator("select").all():
            assert select.evaluate("select => select.labels[0].textContent").strip()


@pytest.mark.parametrize("explorer", pictured(), ids=lambda one: picture_path(one._name, one.changes()).stem)
def test_stored_picture_is_the_live_drawing(browser, explorer):
    path = picture_path(explorer._name, explorer.changes())
    stale = f"{path.relative_to(ROOT)} is not what the page draws: type `make pictures`, and look at it"
    assert path.read_text(encoding="utf-8") == captured(browser, explorer), stale


@every_explorer
def test_a_vertical_swipe_scrolls_and_changes_nothing_while_a_horizontal_one_acts(browser, tmp_path, name):
    """From every slider in sight and every place of the picture that a finger can pull."""
    with Watch(browser, width=380, height=700, has_touch=True, is_mobile=True) as watch:
        page = watch.open(page_of(tmp_path, EVERY[name](), *[SurrogateExplorer()] * 2))
        explorer = page.locator("figure").first
        before = state_of(page)
        for target in explorer.locator(f"{SLIDERS}, .snnsg-handle, .snnsg-pad, .snnsg-view").all():
            if not target.is_visible():
                continue
            scrolled = into_reach(page, target)
            seen = swipe(page, target, right=4, down=-160)
            assert [*seen, state_of(page)] == [before] * (len(seen) + 1), target
            assert page.evaluate("scrollY") > scrolled + 50, target
            for right in (60, -60):
                into_reach(page, target)
                swipe(page, target, right=right, down=0)
                if state_of(page) != before:
                    break
            assert state_of(page) != before, target
            page.locator(".snnsg-reset").first.click()


def into_reach(page, target):
    """Scroll so that `target` lies 300 px below the top of the screen; return how far that is."""
    page.wait_for_timeout(100)  # the page still glides
    page.evaluate("scrollTo(0, 0)")
    page.evaluate(f"scrollTo(0, {max(0, target.bounding_box()['y'] - 300)})")
    page.evaluate(NEXT_FRAME)
    return page.evaluate("scrollY")


def swipe(page, target, right, down):
    """Move a finger from the middle of `target` in eight steps; return the first explorer's state after each."""
    box = target.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    devtools = page.context.new_cdp_session(page)
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    seen = []
    for step in range(1, 9):
        point = {"x": x + right * step / 8, "y": y + down * step / 8}
        devtools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        seen.append(state_of(page))
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    devtools.detach()
    return seen


def test_a_tap_on_a_slider_and_on_the_picture_acts(browser, tmp_path):
    with Watch(browser, width=380, height=800, has_touch=True, is_mobile=True) as watch:
        page = watch.open(page_of(tmp_path, SurrogateExplorer()))
        page.locator("input[name=slope]").tap(position={"x": 5, "y": 22})
        assert state_of(page)["slope"] < 3
        page.locator(".snnsg-handle").tap()
        assert state_of(page)["mean"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tracks_of_sliders_are_seen_in_forced_colours(browser, tmp_path, theme):
    """At least half of the row through the middle of a slider differs from the page."""
    with Watch(browser, forced_colors="active", color_scheme=theme) as watch:
        page = watch.open(page_of(tmp_path, SurrogateExplorer(), theme=theme))
        for slider in page.locator(SLIDERS).all():
            shot = np.array(Image.open(io.BytesIO(slider.screenshot())).convert("L")).astype(int)
            middle = shot[shot.shape[0] // 2]
            assert (np.abs(middle - shot[2, 2]) > 100).mean() > 0.5, slider.get_attribute("name")


def test_a_browser_that_mixes_no_colours_draws_fills_and_lines_in_the_slopes_own(browser, tmp_path):
    page_address = page_of(tmp_path, SurrogateExplorer(slope=100))
    for path in (tmp_path / "explorer.css", tmp_path / "core.js"):
        text = path.read_text(encoding="utf-8")
        assert "color-mix(" in text
        path.write_text(text.replace("color-mix(", "no-such-mix("), encoding="utf-8")
    with Watch(browser) as watch:
        page = watch.open(page_address)
        shown = {
            name: page.locator(f"path.snnsg-{name}").first.evaluate(
                "path => { const { fill, stroke } = getComputedStyle(path); return [fill, stroke]; }"
            )
            for name in ("area", "curve")
        }
        steepest = "rgb({}, {}, {})".format(*(int(slope_colour(100)[i : i + 2], 16) for i in (1, 3, 5)))
        assert shown == {"area": [steepest, steepest], "curve": ["none", steepest]}
        assert watch.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_follow_the_theme_without_a_redraw(browser, tmp_path, theme):
    other = "light" if theme == "dark" else "dark"
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, NeuronExplorer(), theme=other))
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        ink = page.locator(".snnsg").first.evaluate(
            "node => getComputedStyle(node).getPropertyValue('--snnsg-ink').trim()"
        )
        assert ink == COLOURS["ink"][theme == "dark"]
        colour = "path => getComputedStyle(path).fill.match(/[\\d.]+/g).slice(0, 3).map(Number)"
        shown = page.locator(".snnsg-bars").first.evaluate(colour)
        expected = [int(slope_colour(25, dark=theme == "dark")[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        assert shown == pytest.approx(expected, abs=0.02)


def test_motion_is_short_and_off_when_the_reader_asks(browser, tmp_path):
    longest = """() => Math.max(...[...document.querySelectorAll(".snnsg, .snnsg *")].flatMap((node) =>
      [undefined, "::-webkit-slider-thumb"].flatMap((part) => {
        const style = getComputedStyle(node, part);
        return [...style.transitionDuration.split(","), ...style.animationDuration.split(",")].map(parseFloat);
      })))"""
    address = page_of(tmp_path, SurrogateExplorer(), NeuronExplorer())
    with Watch(browser) as watch:
        assert watch.open(address).evaluate(longest) <= 0.15
    with Watch(browser, reduced_motion="reduce") as watch:
        assert watch.open(address).evaluate(longest) == 0


def test_dragging_keeps_up_with_the_screen(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, SurrogateExplorer()))
        slider = page.locator(SLIDERS).first
        box = slider.bounding_box()
        page.evaluate(
            """() => { globalThis.frames_seen = [];
              const tick = (now) => { globalThis.frames_seen.push(now); requestAnimationFrame(tick); };
              requestAnimationFrame(tick); }"""
        )
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        for share in np.linspace(0.1, 0.9, 60):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        page.mouse.up()
        gaps = np.diff(page.evaluate("globalThis.frames_seen"))
        # A frame is 16.7 ms; two frames leave room for a busy machine.
        assert float(np.median(gaps)) <= 34


def test_the_population_can_be_dragged_in_the_picture(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, SurrogateExplorer()))
        box = page.locator(".snnsg-handle").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        assert state_of(page)["mean"] == pytest.approx(0, abs=0.05)


def test_several_explorers_on_one_page_keep_their_own_state(browser, tmp_path):
    shown = [SurrogateExplorer(slope=5), SurrogateExplorer(slope=100), NeuronExplorer(slope=10)]
    with Watch(browser) as watch:
        page = watch.open(standalone_page(tmp_path, ["surrogate", "neuron"], "".join(map(figure, shown))))
        sliders = page.locator("input[name=slope]")
        sliders.nth(1).focus()
        sliders.nth(1).press("Home")
        page.evaluate(NEXT_FRAME)
        slopes = page.locator(".snnsg").evaluate_all("roots => roots.map(root => root.snnsg.read().slope)")
        assert slopes == [5, 1, 10]
        ids = page.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
        assert len(set(ids)) == len(ids)


def test_arrow_keys_stay_with_the_explorer(browser, tmp_path):
    with Watch(browser) as watch:
        page = watch.open(page_of(tmp_path, SurrogateExplorer()))
        page.evaluate(
            "() => { globalThis.leaked = 0; document.addEventListener('keydown', () => globalThis.leaked++); }"
        )
        page.locator(SLIDERS).first.press("ArrowRight")
        assert page.evaluate("globalThis.leaked") == 0
