"""What may be a slope."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_number

Slope = float | Tensor

SMALLEST_SLOPE = 1e-6  # where an optimizer may leave a slope that learns


def check_slope(slope: object) -> Slope:
    """Return a slope, finite and > 0, else raise: a float, a copy of a tensor, or an nn.Parameter as it is."""
    if not isinstance(slope, Tensor):
        return check_number("slope", slope, above=0.0)
    if not slope.is_floating_point():
        raise TypeError(f"slope must be a floating-point tensor, finite and > 0, got dtype {slope.dtype}")
    if slope.numel() == 0 or not bool((torch.isfinite(slope) & (slope > 0)).all()):
        raise ValueError(f"slope must be finite and > 0 in every entry, got {slope}")
    if isinstance(slope, nn.Parameter):
        return slope
    if slope.requires_grad:
        raise TypeError(
            f"slope must be an nn.Parameter to be learnt, or a tensor without a graph, got {slope}: wrap it in "
            "nn.Parameter, or detach it"
        )
    return slope.detach().clone()
