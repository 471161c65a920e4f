"""The claims on Lyapunov exponents and flossing."""

from .controls import FLOSSING_CONTROL_CLAIMS
from .figure import FIGURE_CLAIMS
from .flossing import FLOSSING_CLAIMS
from .retired import RETIRED
from .success import SUCCESS_CLAIMS

__all__ = ["CLAIMS", "RETIRED"]

CLAIMS = (*FLOSSING_CLAIMS, *SUCCESS_CLAIMS, *FLOSSING_CONTROL_CLAIMS, *FIGURE_CLAIMS)
