"""Sphinx extension: Matplotlib figures follow the page's theme.

A picture behind `<img>` cannot know that the page is dark. So SVG figures are put into the page itself, and each
colour of the visual language becomes a CSS variable, with its light value as default and its dark value under
the dark theme.
"""

import html
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from sphinx.application import Sphinx

from snnsg_book.style import COLOURS, slope_colormap

IMAGE = re.compile(r'<img\b[^>]*\bsrc="[^"]*_images/([^"/]+\.svg)"[^>]*/?>')
ALT = re.compile(r'\balt="([^"]*)"')
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
STYLE = re.compile(r'style="([^"]*)"')
WIDTH = re.compile(r'<svg\b[^>]*\bwidth="([0-9.]+)pt"')
COLUMN = 500  # points; figures of several panels are wider
LIGHT_MAP, DARK_MAP = (slope_colormap(dark)(np.arange(256))[:, :3] for dark in (False, True))
FIXED = {light: dark for light, dark in COLOURS.values()} | {"#000000": "#ffffff", "#ffffff": "#14181e"}


def dark_colour(colour: str) -> str:
    """Return the dark theme's counterpart of a colour on a light page; a colour outside the visual language stays."""
    if colour in FIXED:
        return FIXED[colour]
    distance = np.abs(LIGHT_MAP - to_rgb(colour)).max(axis=1)
    nearest = int(distance.argmin())
    return to_hex(DARK_MAP[nearest]) if distance[nearest] < 0.01 else colour


def themed(svg: str, name: str) -> str:
    """Return `svg` as an element that can stand in a page many times: unique ids, colours as variables of its theme.

    Parameters
    ----------
    svg : str
        As Matplotlib writes it, with colours in style attributes.
    name : str
        Prefix of its ids and variables, unique on the page.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda match: f' id="{name}-{match[1]}"' if match[1] in used else "", svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\1{name}-", svg)
    variables: dict[str, str] = {}

    def variable(match: re.Match) -> str:
        return f"var({variables.setdefault(match[0], f'--{name}-{len(variables)}')}, {match[0]})"

    svg = STYLE.sub(lambda match: f'style="{COLOUR.sub(variable, match[1])}"', svg)
    rules = "; ".join(f"{variables[light]}: {dark_colour(light)}" for light in variables)
    return f'<style>html[data-theme="dark"] .{name} {{ {rules} }}</style>{svg}'


def _points(drawing: str) -> float:
    """Width of a drawing in points."""
    width = WIDTH.search(drawing)
    return float(width[1]) if width else 0.0


def inline_figures(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Replace the page's SVG images from notebooks by the drawings themselves, with the alt text as their label."""
    sources = {target: Path(app.srcdir) / source for source, target in app.builder.images.items()}
    count = 0

    def replace(match: re.Match) -> str:
        nonlocal count
        source = sources.get(match[1])
        if source is None or "jupyter_execute" not in source.parts:
            return match[0]
        count += 1
        name = f"snnsg-figure-{count}"
        alt = ALT.search(match[0])
        label = html.escape(html.unescape(alt[1]) if alt else "", quote=True)
        drawing = themed(source.read_text(encoding="utf-8"), name)
        # On a phone a wide one is moved sideways: also by the keyboard, for which it takes the focus.
        kind, focus = (" snnsg-figure-wide", ' tabindex="0"') if _points(drawing) > COLUMN else ("", "")
        return f'<span class="{name} snnsg-figure{kind}"{focus} role="img" aria-label="{label}">{drawing}</span>'

    if context.get("body"):
        context["body"] = IMAGE.sub(replace, context["body"])


def setup(app: Sphinx) -> dict:
    """Register the extension with Sphinx."""
    mpl.use("agg")
    app.connect("html-page-context", inline_figures)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
