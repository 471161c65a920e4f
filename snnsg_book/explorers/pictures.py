"""Pictures of the explorers, captured from the pages' own drawing by `make pictures`."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

FOLDER = Path(__file__).parent / "pictures"


class Picture(NamedTuple):
    """A drawing and what it says.

    Attributes
    ----------
    svg : str
        The document, with real text, free of scripts and of anything fetched.
    words : str
        The sentence that stood below the drawing.
    """

    svg: str
    words: str

    def to_html(self) -> str:
        """Return the picture as an image that fetches nothing."""
        source = "data:image/svg+xml," + quote(self.svg, safe=" =:/;,()'!*")
        return f'<img alt="{html.escape(self.words, quote=True)}" src="{source}">'


def picture_path(name: str, changes: Mapping[str, Any]) -> Path:
    """Where the picture of an explorer lies whose controls have been changed so.

    Examples
    --------
    >>> picture_path("curves", {"learner": "bc"}).name
    'curves-learner_bc.svg'
    """
    values = ((control, f"{value:g}" if isinstance(value, float) else value) for control, value in changes.items())
    parts = [f"{control}_{value}" for control, value in values]
    return FOLDER / (re.sub(r"[^\w.-]", "_", "-".join([name, *parts]))[:100] + ".svg")


def stored_picture(name: str, changes: Mapping[str, Any]) -> Picture:
    """Return the picture of an explorer; of its first state, and with words that say so, where there is no other.

    Raises
    ------
    FileNotFoundError
        If the first state has no picture either.
    """
    path = picture_path(name, changes)
    if path.exists():
        return _read(path)
    first = picture_path(name, {})
    if not first.exists():
        raise FileNotFoundError(f"no picture of the explorer {name!r} at {first}: type `make pictures`")
    svg, words = _read(first)
    return Picture(svg, f"The explorer in its first state. {words}")


@lru_cache(maxsize=32)
def _read(path: Path) -> Picture:
    svg = path.read_text(encoding="utf-8").strip()
    words = re.search(r"<desc>(.*?)</desc>", svg, re.DOTALL)
    if not words:
        raise ValueError(f"{path} must hold its words in <desc>: type `make pictures`")
    return Picture(svg, html.unescape(words[1]))
