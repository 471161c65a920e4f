"""Slopes over training, in the manner of `torch.optim.lr_scheduler`, and what Adam remembers when a slope moves."""

from .base import FixedSlope, SlopeScheduler
from .moments import moments_follow
from .schedules import AdaptiveSlope, CubicSlope, IntervalSlope, TargetSlope

__all__ = [
    "AdaptiveSlope",
    "CubicSlope",
    "FixedSlope",
    "IntervalSlope",
    "SlopeScheduler",
    "TargetSlope",
    "moments_follow",
]
