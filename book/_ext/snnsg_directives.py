"""Sphinx directives of the book: an explorer on a text page, and the scorecard in two lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

if TYPE_CHECKING:
    import pandas as pd


class Explorer(Directive):
    """Show an explorer of `snnsg_book.explorers`, named by its class; `control=choice` sets a control at first."""

    required_arguments = 1
    optional_arguments = 5

    def run(self) -> list[nodes.Node]:
        """Return the explorer's HTML, alive on the page and a picture elsewhere."""
        from snnsg_book import explorers

        name, *choices = self.arguments
        html = getattr(explorers, name)(**dict(choice.split("=") for choice in choices)).to_html()
        return [nodes.raw("", html, format="html")]


class Scorecard(Directive):
    """Say how many claims have which verdict: those of the paper and the talk in one line, our own in another."""

    def run(self) -> list[nodes.Node]:
        """Return two paragraphs of counts, computed from the stored tables."""
        from snnsg_book.claims import verdicts

        found = verdicts()
        own = found["id"].str.startswith("T")
        lines = (
            _counts("claims of the paper and the talk", found.loc[~own, "verdict"]),
            _counts("claims of our own", found.loc[own, "verdict"]),
        )
        return [nodes.container("", *lines, classes=["scorecard"])]


def _counts(whose: str, verdicts: pd.Series) -> nodes.paragraph:
    line = nodes.paragraph("", f"{len(verdicts)} {whose}: ")
    for number, (verdict, count) in enumerate(verdicts.value_counts(sort=False).items()):
        line += nodes.Text(", " if number else "")
        line += nodes.strong(text=f"{count} {verdict}")
    line += nodes.Text(". ")
    return line


def setup(app: Sphinx) -> dict:
    """Register the directives with Sphinx."""
    app.add_directive("explorer", Explorer)
    app.add_directive("scorecard", Scorecard)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
