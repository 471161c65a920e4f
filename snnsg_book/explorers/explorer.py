"""What every explorer shares: checked traits, one script for page and kernel, a picture for everything else."""

from __future__ import annotations

import base64
import html
import io
import json
import math
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anywidget
import matplotlib as mpl
import traitlets
from matplotlib.figure import Figure

from snnsg_book.style.drawing import RC
from snnsg_lib._checks import check_choice, check_number

_HERE = Path(__file__).parent


class Number(traitlets.TraitType):
    """A synchronised number in [low, high]."""

    def __init__(self, default: float, low: float, high: float):
        super().__init__(default)
        self.low, self.high = low, high
        self.tag(sync=True)

    def validate(self, obj, value):
        """Return `value` as a float, else raise an error that names trait, range and value."""
        return check_number(self.name, value, low=self.low, high=self.high)


class Whole(Number):
    """A synchronised whole number in [low, high]."""

    def validate(self, obj, value):
        """Return `value` as an int, else raise an error that names trait, range and value."""
        number = super().validate(obj, value)
        if number != int(number):
            raise ValueError(f"{self.name} must be a whole number in [{self.low}, {self.high}], got {value!r}")
        return int(number)


class Listed(Number):
    """A synchronised number, one of `values`, which rise."""

    def __init__(self, default: float, values: Sequence[float]):
        super().__init__(default, values[0], values[-1])
        self.values = tuple(values)

    def validate(self, obj, value):
        """Return `value` as a float if it is listed, else raise an error that names trait, list and value."""
        number = super().validate(obj, value)
        if number not in self.values:
            raise ValueError(f"{self.name} must be one of {', '.join(f'{v:g}' for v in self.values)}, got {value!r}")
        return number


class Numbers(traitlets.TraitType):
    """A synchronised list of numbers in [low, high], as many as in `default`."""

    def __init__(self, default: Sequence[float], low: float, high: float):
        super().__init__()
        self.start, self.low, self.high = tuple(default), low, high
        self.tag(sync=True)

    def make_dynamic_default(self):
        """Return a new list for each explorer."""
        return [float(value) for value in self.start]

    def validate(self, obj, value):
        """Return `value` as a list of floats, else raise an error that names trait, length, range and value."""
        if not isinstance(value, list | tuple) or len(value) != len(self.start):
            raise TypeError(f"{self.name} must be a list of {len(self.start)} numbers, got {value!r}")
        return [check_number(self.name, number, low=self.low, high=self.high) for number in value]


class Choice(traitlets.TraitType):
    """A synchronised choice among strings."""

    def __init__(self, default: str, choices: tuple[str, ...]):
        super().__init__(default)
        self.choices = choices
        self.tag(sync=True)

    def validate(self, obj, value):
        """Return `value` if it is one of the choices, else raise an error that names trait, choices and value."""
        return check_choice(self.name, value, self.choices)


def script(name: str) -> str:
    """Return the ES module of explorer `name` for a kernel: the classic scripts of the book's pages and one export."""
    parts = [(_HERE / f"{part}.js").read_text(encoding="utf-8") for part in ("core", name)]
    return "\n".join([*parts, f"export default {{ render: globalThis.snnsg.explorers.{name}.render }};\n"])


class Explorer(anywidget.AnyWidget):
    """Base of the explorers. A subclass sets `_name`, `_esm` and its traits, and writes `sentence` and `_draw`.

    Parameters
    ----------
    **state
        The explorer's controls by name.

    Raises
    ------
    TypeError, ValueError
        If a control is unknown, or its value has the wrong type or lies outside its range.
    """

    _name: str
    _css = (_HERE / "explorer.css").read_text(encoding="utf-8")

    def __init__(self, **state):
        unknown = sorted(set(state) - set(self.controls()))
        if unknown:
            raise TypeError(f"{type(self).__name__} has the controls {self.controls()}, got {unknown[0]!r}")
        super().__init__(**state)

    @classmethod
    def controls(cls) -> list[str]:
        """Names of the traits that the reader can change."""
        return [name for name, trait in cls.class_traits().items() if isinstance(trait, Number | Numbers | Choice)]

    @property
    def state(self) -> dict[str, Any]:
        """The value of every control."""
        return {name: getattr(self, name) for name in self.controls()}

    @property
    def page_state(self) -> dict[str, Any]:
        """What a page without a kernel needs: the controls, and in some explorers their data."""
        return self.state

    def sentence(self) -> str:
        """Say in words, with numbers, what the picture shows."""
        raise NotImplementedError

    def draw(self) -> Figure:
        """Return the picture of the present state as a Matplotlib figure, made by the library's own functions."""
        with mpl.rc_context(RC):
            return self._draw()

    def _draw(self) -> Figure:
        raise NotImplementedError

    def to_svg(self) -> str:
        """Return the picture of the present state as a small SVG document with real text."""
        text = _save(self.draw(), "svg").decode("utf-8")
        text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>", "", text, flags=re.DOTALL)
        # A tenth of a point is finer than any screen shows.
        rounded = partial(re.sub, r"\d+\.\d{2,}", lambda digits: f"{float(digits[0]):.1f}")
        return re.sub(r"<[^>]*>", lambda tag: rounded(tag[0]), re.sub(r"\s+", " ", text)).strip()

    def to_html(self) -> str:
        """Return the figure element that `host.js` brings to life, around the picture for print and no JavaScript."""
        state = html.escape(json.dumps(self.page_state, separators=(",", ":")), quote=True)
        source = "data:image/svg+xml," + quote(self.to_svg().replace("> <", "><"), safe=" =:/;,()'!*")
        alt = html.escape(self.sentence(), quote=True)
        return f'<figure data-snnsg="{self._name}" data-state="{state}"><img alt="{alt}" src="{source}"></figure>'

    def _repr_mimebundle_(self, **kwargs):
        bundle, metadata = super()._repr_mimebundle_(**kwargs)
        bundle["text/html"] = self.to_html()
        bundle["text/plain"] = self.sentence()
        bundle["application/pdf"] = base64.b64encode(_save(self.draw(), "pdf")).decode("ascii")
        return bundle, metadata


def in_words(value: float, digits: int = 2) -> str:
    """Return `value` with so many significant digits, written as the explorers write it."""
    return f"{float(f'{value:.{digits}g}'):g}".replace("-", "−")


def percent(share: float) -> str:
    """Return a share of 0..1 in per cent, written as the explorers write it."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    return f"{in_words(100 * share) if share < 0.1 else math.floor(100 * share + 0.5)} %"


def _save(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    # No date: the same state gives the same bytes.
    with mpl.rc_context(RC):
        figure.savefig(stream, format=kind, metadata={"Date": None} if kind == "svg" else {"CreationDate": None})
    return stream.getvalue()
