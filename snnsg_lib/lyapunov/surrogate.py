"""Surrogate Lyapunov exponents of a recurrent spiking network, with a gradient derived by hand.

The state of a `RecurrentLIF` is (syn, mem). With V the recurrent weight (row i holds the targets of neuron i), c its
scale and d the surrogate derivative at the last mem, a tangent vector (p, q) of it is pushed by

    p' = alpha p + (d q) c V        q' = keep q + passed p'

keep and passed are beta and 1 with the subtracted reset (keep = beta - threshold d if it is attached); with reset to
zero, passed = 1 - reset and keep = passed beta (minus total d if attached, total being mem before the reset). Without
synaptic current there is no p and p' = (d q) c V. Products with V are all that is needed: the 2N x 2N Jacobian is never
formed.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from snnsg_lib.networks import RecurrentLIF, parts
from snnsg_lib.surrogates import Surrogate, spikes_of

from ._growth import Factors, LogGrowth
from .spectrum import LyapunovError, check_finite, check_schedule, first_tangents


def surrogate_lyapunov_spectrum(
    net: RecurrentLIF,
    inputs: Tensor,
    num_exponents: int = 10,
    qr_interval: int = 5,
    transient: int = 50,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Leading Lyapunov exponents, per step, of a network driven by `inputs`, the spike's derivative replaced.

    Differentiable, through the tangent vectors and through the network's own activity. Tangent vectors are float64
    for a network of any dtype.

    Parameters
    ----------
    net : RecurrentLIF
        With a surrogate of this library.
    inputs : Tensor, (num_steps, batch, in) or (num_steps, replicas, batch, in)
        As for ``net(inputs)``, finite; the state begins from zeros.
    num_exponents : int
        How many (m), in [1, neurons], or [1, 2 neurons] with synaptic current.
    qr_interval, transient, rng
        As in `lyapunov_spectrum`; `transient` must be below num_steps.

    Returns
    -------
    Tensor, ([replicas,] batch, num_exponents), float64
        Of each trial, largest first up to the error of a finite time.

    Raises
    ------
    LyapunovError
        If the Jacobian is singular along a requested direction, e.g. for trailing exponents with reset to zero, or the
        state of the network is not finite.
    TypeError, ValueError
        If an argument has the wrong type, shape or range.

    Notes
    -----
    With the subtracted reset (detached) or none, all 2N exponents of a network with synaptic current sum to
    N ln(alpha beta), whatever its weights and inputs: pushing some up pushes the others down. Without synaptic current,
    and with other resets, the sum is the mean of ln |det Jacobian|, which the weights do change.

    Gradients reach weights, biases and inputs, and beta, alpha and threshold where those are parameters that require
    one, and a slope that is learnt.

    References
    ----------
    Engelken (2023), Gradient Flossing: improving gradient descent through dynamic control of Jacobians.
    """
    if not isinstance(net, RecurrentLIF):
        raise TypeError(f"net must be a RecurrentLIF, got {type(net).__name__}")
    inputs = parts.check_input("inputs", inputs, net.input_weight, time=True)
    check_finite("inputs", inputs)
    size = state_size(net)
    ends = check_schedule(len(inputs), num_exponents, qr_interval, transient, size)
    factors = tangent_factors(net, inputs)
    start = first_tangents(size, num_exponents, rng).to(inputs.device)
    sums = LogGrowth.apply(*factors, start, sorted(ends), transient)
    exponents = sums / (len(inputs) - transient)
    return exponents if net.replicas is not None else exponents.squeeze(0)


def state_size(net: RecurrentLIF) -> int:
    """How many numbers a neuron carries to the next step, times the neurons: the most exponents there are."""
    return net.num_neurons * (1 if net.alpha is None else 2)


def tangent_factors(net: RecurrentLIF, inputs: Tensor) -> Factors:
    """Run `net` and return the factors of its tangent map along the way; they keep their graph."""
    surrogate = net.surrogate
    if not isinstance(surrogate, Surrogate):
        raise TypeError(f"net.surrogate must be a snnsg_lib surrogate: its derivative is needed, got {surrogate!r}")
    _, recording = net(inputs, record=True)
    if not all(bool(torch.isfinite(state).all()) for state in recording.mem + recording.syn):
        raise LyapunovError("the network's state is not finite: its weights are NaN, infinite or too large")
    mem, spk = recording.mem[0], recording.spk[0]
    before = torch.cat([torch.zeros_like(mem[:1]), mem[:-1]]).double()
    beta, threshold = (x.double() if isinstance(x, Tensor) else x for x in (net.beta, net.threshold))
    slope_dims = 0 if net.replicas is None else 2
    centred = before - threshold
    derivative = surrogate.derivative(centred, surrogate.slope_along(slope_dims))
    keep, passed = torch.as_tensor(beta, dtype=torch.float64, device=mem.device), None
    if net.reset_mechanism == "zero":
        reset = spikes_of(surrogate, centred, slope_dims)
        passed = 1 - (reset.detach() if net.detach_reset else reset)
        keep = passed * keep
    if not net.detach_reset and net.reset_mechanism == "subtract":
        keep = keep - threshold * derivative
    elif not net.detach_reset and net.reset_mechanism == "zero":
        keep = keep - _before_reset(net, inputs, before, spk, recording.syn) * derivative
    keep = keep.expand_as(before)
    weight = (net.recurrent_weight * net.current_scale).double()
    if net.replicas is None:
        weight, derivative, keep = weight.unsqueeze(0), derivative.unsqueeze(1), keep.unsqueeze(1)
        passed = None if passed is None else passed.unsqueeze(1)
    return Factors(weight, derivative, keep, passed, _alpha_of(net))


def _alpha_of(net: RecurrentLIF) -> Tensor | None:
    """Alpha in float64, () or (neurons,), or with replicas (replicas, 1, 1, neurons)."""
    if net.alpha is None:
        return None
    alpha = torch.as_tensor(net.alpha, dtype=torch.float64, device=net.recurrent_weight.device)
    return alpha.unsqueeze(1) if alpha.dim() == 3 else alpha


def _before_reset(net: RecurrentLIF, inputs: Tensor, before: Tensor, spk: Tensor, syn: list[Tensor]) -> Tensor:
    """The potential of each step before a reset to zero takes it away."""
    if syn:
        return net.beta * before + syn[0].double()
    spk_before = torch.cat([torch.zeros_like(spk[:1]), spk[:-1]])
    recurrent = spk_before @ (net.recurrent_weight * net.current_scale)
    return net.beta * before + (net.input_current(inputs) + recurrent).double()
