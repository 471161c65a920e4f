"""What `slope` says in numbers, from the table `widths`."""

from saying import WORDS, Said, table


def share(slope, family="FastSigmoid", rate=0.15):
    """Share of the potentials with a gradient, mean over seeds."""
    rows = table("widths")
    return rows[(rows.slope == slope) & (rows.family == family) & (rows.rate == rate)].active_share.mean()


SAID = (
    Said("the rate of 0.4 starts at {}", lambda: f"{share(1, rate=0.4):.1f}"),
    Said(
        "keeps {} times as many in touch as the triangle", lambda: WORDS[round(share(100) / share(100, "Triangular"))]
    ),
)

SET = (
    "from 1 to 100",
    "twice the slope, half the width",
    "fallen to a half",
    "At half its peak",
    "at half its peak",
    "drive 400 of them",
    "2, 15 or 40 % of all steps",
    "mean over 20 networks",
    "the rate 0.15",
    "the rate of 0.4",
    "more than ten times as high",
    "(mean −1.5)",
    "half-width",
)
