"""The claims on Lyapunov exponents and flossing."""

from .controls import FLOSSING_CONTROL_CLAIMS
from .flossing import FLOSSING_CLAIMS

CLAIMS = (*FLOSSING_CLAIMS, *FLOSSING_CONTROL_CLAIMS)
