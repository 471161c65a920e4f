"""What every explorer shares: its declaration for the page, one script for page and kernel, a picture for the rest."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

from .controls import Button, Control
from .pictures import Picture, stored_picture

_HERE = Path(__file__).parent
# Scripts that every explorer needs, in this order.
SHARED = ("core", "controls", "mount")


def script(name: str) -> str:
    """Return the ES module of explorer `name` for a kernel: the classic scripts of the book's pages and one export."""
    parts = [(_HERE / f"{part}.js").read_text(encoding="utf-8") for part in (*SHARED, name)]
    return "\n".join(
        [*parts, f'export default {{ render: (context) => globalThis.snnsg.mount("{name}", context) }};\n']
    )


class Explorer(anywidget.AnyWidget):
    """Base of the explorers. A subclass declares its controls and words, and its script of the same `_name` draws.

    Parameters
    ----------
    **state
        The explorer's controls by name.

    Raises
    ------
    TypeError, ValueError
        If a control is unknown, or its value has the wrong type or lies outside its range.
    """

    _name: ClassVar[str]
    _title: ClassVar[str]
    _picture: ClassVar[str]  # what the drawing shows, for those who do not see it
    _try_this: ClassVar[str]
    _css = (_HERE / "explorer.css").read_text(encoding="utf-8")

    declaration = traitlets.Dict(read_only=True).tag(sync=True)
    table = traitlets.Dict(read_only=True).tag(sync=True)

    def __init__(self, **state):
        unknown = sorted(set(state) - set(self.controls()))
        if unknown:
            raise TypeError(f"{type(self).__name__} has the controls {self.controls()}, got {unknown[0]!r}")
        super().__init__(**state)
        self.set_trait("declaration", self.declare())
        self.set_trait("table", self.stored())

    @classmethod
    def controls(cls) -> list[str]:
        """Names of the traits that the reader can change, in the order of the page."""
        return [member.name for member in cls._members() if isinstance(member, Control)]

    @classmethod
    def declare(cls) -> dict[str, Any]:
        """Title, words and controls, from which the page builds the explorer."""
        controls = [member.declaration() for member in cls._members()]
        return {"title": cls._title, "picture": cls._picture, "tryThis": cls._try_this, "controls": controls}

    @classmethod
    def _members(cls) -> list[Control | Button]:
        # Not `class_traits`, which sorts by name; and anywidget makes a class of its own for each explorer.
        return [m for base in reversed(cls.__mro__) for m in vars(base).values() if isinstance(m, Control | Button)]

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """Numbers that the page needs beside its controls, such as stored runs; of JSON's types."""
        return {}

    @property
    def state(self) -> dict[str, Any]:
        """The value of every control."""
        return {name: getattr(self, name) for name in self.controls()}

    @property
    def page_state(self) -> dict[str, Any]:
        """What a page without a kernel needs: the controls' values, their declaration and the stored numbers."""
        return {**self.state, "declaration": self.declaration, "table": self.table}

    def changes(self) -> dict[str, Any]:
        """The controls that are not as at first, and their values."""
        traits = self.class_traits()
        first = {name: traits[name].default(self) for name in self.controls()}
        return {name: value for name, value in self.state.items() if value != first[name]}

    def picture(self) -> Picture:
        """Picture and words of the present state, captured from the page; where none is stored, of the first state."""
        return stored_picture(self._name, self.changes())

    def to_html(self) -> str:
        """Return the figure element that `host.js` brings to life, around the picture for print and no JavaScript."""
        state = html.escape(json.dumps(self.page_state, separators=(",", ":")), quote=True)
        return f'<figure data-snnsg="{self._name}" data-state="{state}">{self.picture().to_html()}</figure>'

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.changes().items())})"

    def _repr_mimebundle_(self, **kwargs):
        bundle, metadata = super()._repr_mimebundle_(**kwargs)
        if not _someone_watches():
            del bundle["application/vnd.jupyter.widget-view+json"]
        bundle["text/html"] = self.to_html()
        bundle["text/plain"] = self.picture().words
        return bundle, metadata


def _someone_watches() -> bool:
    """Whether a reader runs the cell, not nbconvert, which writes a page that would fetch its widgets from elsewhere.

    Who runs a cell says whether he can be asked for input; programs cannot.
    """
    import IPython

    kernel = getattr(IPython.get_ipython(), "kernel", None)
    request = kernel.get_parent("shell") if kernel else {}
    return request.get("content", {}).get("allow_stdin", True)
