"""The step that pretends to be smooth: one rule for autograd, torch.func and double backward."""

from __future__ import annotations

import torch


class Spike(torch.autograd.Function):
    """Step forward, the derivatives of `surrogate.primitive` backward, by u and by a slope that is learnt.

    Every rule is made of torch ops, so it differentiates again. A slope that is a setting stays out of the graph
    (`slope` is None): it is read from the surrogate when the gradient flows back.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(u, slope, surrogate, slope_dims):
        return (u > 0).to(u.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output):
        u, slope, ctx.surrogate, ctx.slope_dims = inputs
        ctx.save_for_backward(u, slope)
        ctx.save_for_forward(u, slope)

    @staticmethod
    def backward(ctx, grad_spikes):
        u, slope = ctx.saved_tensors
        by_slope = None
        if slope is not None and ctx.needs_input_grad[1]:
            by_slope = (grad_spikes * ctx.surrogate.slope_derivative(u, slope)).sum_to_size(slope.shape)
        slope = ctx.surrogate.slope_along(ctx.slope_dims) if slope is None else slope
        return grad_spikes * ctx.surrogate.derivative(u, slope), by_slope, None, None

    @staticmethod
    def jvp(ctx, u_tangent, slope_tangent, *_):
        u, slope = ctx.saved_tensors
        total = torch.zeros_like(u)
        if slope_tangent is not None:
            total = total + slope_tangent * ctx.surrogate.slope_derivative(u, slope)
        if u_tangent is not None:
            slope = ctx.surrogate.slope_along(ctx.slope_dims) if slope is None else slope
            total = total + u_tangent * ctx.surrogate.derivative(u, slope)
        return total
