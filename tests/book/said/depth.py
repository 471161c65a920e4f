"""What `depth` says in numbers, from the tables `depth` and `depth_conditions`."""

import math

import numpy as np
from saying import WORDS, Said, results, table


def climb(slope, setup, normalization="peak"):
    """log10 of the gradient in the first hidden layer over that in the output layer, mean over seeds."""
    rows = table("depth")
    rows = rows[(rows.slope == slope) & (rows.setup == setup) & (rows.normalization == normalization)]
    logs = np.log10(rows.norm).groupby(rows.layer).mean()
    return logs[0] - logs[4]


def left_out(slope):
    """Share of the hidden weights below one per cent of their layer's largest gradient, in the authors' set-up."""
    rows = table("depth")
    rows = rows[(rows.slope == slope) & (rows.setup == "authors") & (rows.normalization == "peak") & (rows.layer < 4)]
    return 1 - rows.share_weights.mean()


def orders():
    """Orders of magnitude by which slope 100 hears less than slope 1 (claim S2), in the two set-ups."""
    return [results("S2")[name] for name in ("the authors' set-up", "controlled firing rate")]


SAID = (
    Said("slope 100 loses a factor of {} per layer", lambda: f"{10 ** (-climb(100, 'authors') / 4):.0f}"),
    Said("the line of k = 1 falls by less than two orders of magnitude", lambda: -2 < climb(1, "authors") < -1),
    Said("that of k = 100 by more than five", lambda: -6 < climb(100, "authors") < -5),
    Said("that of k = 5 ends where it began", lambda: abs(climb(5, "controlled")) < 0.05),
    Said("by {} to {} orders of magnitude", lambda: tuple(WORDS[round(found.estimate)] for found in orders())),
    Said("by four orders of magnitude or more", lambda: 4 <= min(found.low for found in orders()) < 5),
    Said("steep slopes leave two thirds of the weights out", lambda: math.isclose(left_out(100), 2 / 3, abs_tol=0.05)),
    Said("the balance is near $k = 5$ with the peak kept", lambda: abs(climb(5, "controlled")) < 0.05),
    Said(
        "already at $k = 1$ the first layer hears {} times as much as the output layer",
        lambda: f"{10 ** climb(1, 'controlled', 'area'):.1f}",
    ),
)

SET = (
    "32 inputs, four hidden layers",
    "fire in 15 % of the steps",
    "from 1 on the left to 100 on the right",
    "63 inputs, four layers of 64",
    "over 20 seeds",
    "fire at 0.15",
    "no slope of 1 or more",
    "for 2, 4, 8 and 16 hidden layers",
)
