"""Sphinx directives of the book: an explorer on a text page, and the scorecard in one line."""

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


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
    """Say in one line how many of the seeds' claims have which verdict."""

    def run(self) -> list[nodes.Node]:
        """Return a paragraph of counts, computed from the stored tables."""
        from snnsg_book.claims import verdicts

        counts = verdicts()["verdict"].value_counts(sort=False)
        line = nodes.paragraph()
        line += nodes.Text(f"{counts.sum()} claims on trial: ")
        for number, (verdict, count) in enumerate(counts.items()):
            line += nodes.Text(", " if number else "")
            line += nodes.strong(text=f"{count} {verdict}")
        line += nodes.Text(". ")
        return [nodes.container("", line, classes=["scorecard"])]


def setup(app: Sphinx) -> dict:
    """Register the directives with Sphinx."""
    app.add_directive("explorer", Explorer)
    app.add_directive("scorecard", Scorecard)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
