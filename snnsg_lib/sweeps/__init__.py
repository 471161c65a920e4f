"""Many configurations of one experiment: on one machine or a cluster, resumed after any interruption."""

from .configs import grid
from .parent import sweep
from .work import Failure

__all__ = ["Failure", "grid", "sweep"]
