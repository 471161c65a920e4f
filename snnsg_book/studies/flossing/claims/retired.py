"""What was claimed or measured once of flossing and is no more, and why: nothing is dropped without a word."""

from __future__ import annotations

from snnsg_book.claim import Retired

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
