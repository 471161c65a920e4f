"""Slopes over training, in the manner of `torch.optim.lr_scheduler`, and what Adam remembers when a slope moves."""

from snnsg_lib.schedulers.base import FixedSlope, SlopeScheduler
from snnsg_lib.schedulers.moments import moments_follow
from snnsg_lib.schedulers.schedules import AdaptiveSlope, CubicSlope, IntervalSlope, TargetSlope

__all__ = [
    "AdaptiveSlope",
    "CubicSlope",
    "FixedSlope",
    "IntervalSlope",
    "SlopeScheduler",
    "TargetSlope",
    "moments_follow",
]
