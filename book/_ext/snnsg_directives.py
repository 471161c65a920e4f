"""Sphinx directives of the book: an explorer on a text page, and the scorecard in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

if TYPE_CHECKING:
    from pandas import DataFrame


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


def counted(verdicts: DataFrame) -> list[tuple[str, list[str]]]:
    """Return how many claims there are of which verdict: those of the paper and the talk, and our own."""
    ours = verdicts["id"].str.startswith("T")
    kinds = (("claims of the paper and the talk", verdicts[~ours]), ("of our own", verdicts[ours]))
    return [
        (f"{len(rows)} {name}: ", [f"{n} {word}" for word, n in rows["verdict"].value_counts(sort=False).items()])
        for name, rows in kinds
    ]


class Scorecard(Directive):
    """Say in one line how many claims of the paper and the talk, and how many of our own, have which verdict."""

    def run(self) -> list[nodes.Node]:
        """Return a paragraph of counts, computed from the stored tables."""
        from snnsg_book.claims import verdicts

        line = nodes.paragraph()
        for heading, counts in counted(verdicts()):
            line += nodes.Text(heading)
            for number, count in enumerate(counts):
                line += nodes.Text(", " if number else "")
                line += nodes.strong(text=count)
            line += nodes.Text(". ")
        return [nodes.container("", line, classes=["scorecard"])]


def setup(app: Sphinx) -> dict:
    """Register the directives with Sphinx."""
    app.add_directive("explorer", Explorer)
    app.add_directive("scorecard", Scorecard)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
