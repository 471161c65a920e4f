"""What was claimed or measured once and is no more, and why: nothing is dropped without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


class Retired(NamedTuple):
    """A claim, a regime or a measure of one that was given up, with the reason and the day."""

    id: str
    what: str
    reason: str
    on: str


_BLIND = (
    "Most of these networks are right or at chance, and the mean of the middle half does not see what happens in a"
    " quarter of them. Counted are networks that solve the task, with exact intervals."
)
RETIRED = (
    *(
        Retired(id, "Interquartile mean of the final accuracy.", _BLIND, "2026-11-28")
        for id in ("L4", "T31", "T32", "T33", "T34", "T43", "T44")
    ),
    Retired(
        "L3",
        "1 / |largest exponent| after flossing, over the longest time constant.",
        "The claim speaks of gradients, and these were measured: they last 3.8 time constants, not the 10.6 of the"
        " exponent. At slope 1 the margin was passed before any flossing. Measured is what flossing adds.",
        "2026-11-28",
    ),
    Retired(
        "T46",
        "Weights times 4 as the only larger weights.",
        "Weights times 8 remember for longer; the claim has to hold against both.",
        "2026-11-28",
    ),
)


def retired() -> Styler:
    """Return the list as a table to be read: it shows itself in a notebook and on a page."""
    shown = pd.DataFrame(RETIRED).rename(columns={"id": "Id", "what": "Given up", "reason": "Why", "on": "On"})
    cell = "text-align: left; vertical-align: top; white-space: pre-line;"
    style = shown.style.hide(axis="index").format(escape="html").set_uuid("retired")
    return style.set_table_styles([{"selector": "th, td", "props": cell}])
