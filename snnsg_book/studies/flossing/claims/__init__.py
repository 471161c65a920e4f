"""The claims on Lyapunov exponents and flossing."""

from snnsg_book.claim import Retired

from .controls import FLOSSING_CONTROL_CLAIMS
from .figure import FIGURE_CLAIMS
from .flossing import FLOSSING_CLAIMS
from .success import SUCCESS_CLAIMS

CLAIMS = (*FLOSSING_CLAIMS, *SUCCESS_CLAIMS, *FLOSSING_CONTROL_CLAIMS, *FIGURE_CLAIMS)
RETIRED = (
    Retired(
        "L3",
        "slope 1: 1 / |largest exponent| after flossing over the longest time constant, claimed above 2",
        "It had passed the margin before any flossing, so no result of flossing could have failed it.",
    ),
    Retired(
        "L4, T31 to T34, T43, T44",
        "interquartile means of the final accuracy, claimed above 0.1 (T34: above -0.1)",
        "Networks are right or at chance: the mean of the middle half is 0 up to a success rate of a quarter.",
    ),
)
