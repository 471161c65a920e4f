"""What `lyapunov` says in numbers. It has no table: its own cells, in small, give them."""

import functools
import math

import numpy as np
import torch
from saying import Said

from snnsg_lib.lyapunov import surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid


def left(factor):
    """What is left of an error after fifty steps."""
    return factor**50


@functools.cache
def henon_exponents(num_steps=10_000):
    """Both exponents of the Hénon map, as the chapter's cell computes them by hand."""
    frame, sums, (x, y) = np.eye(2), np.zeros(2), (0.1, 0.1)
    for _ in range(num_steps):
        frame, growth = np.linalg.qr(np.array([[-2.8 * x, 1.0], [0.3, 0.0]]) @ frame)
        sums += np.log(np.abs(np.diag(growth)))
        x, y = 1 - 1.4 * x**2 + y, 0.3 * x
    return sums / num_steps


@functools.cache
def leading():
    """Leading exponent by (gain, slope), mean over the four networks of the chapter's last figure."""
    inputs = torch.from_numpy(np.random.default_rng(0).standard_normal((300, 1, 8)))
    chosen = ((0.5, 1.0), (1.0, 1.0), (1.0, 100.0))
    gain, slope = torch.tensor(chosen, dtype=torch.float64).repeat_interleave(4, 0).T
    beta = math.exp(-1 / 5)
    settings = {"alpha": math.exp(-1 / 2), "beta": beta, "current_scale": 1 - beta, "bias_range": (0.2, 0.6)}
    settings |= {"readout_beta": 0.0, "replicas": 12, "seed": 3 * [0, 1, 2, 3]}
    nets = RecurrentLIF(8, 64, 1, surrogate=FastSigmoid(slope), **settings)
    with torch.no_grad():
        nets.double().recurrent_weight.mul_(gain[:, None, None])
        found = surrogate_lyapunov_spectrum(nets, inputs, 1, transient=100)
    return dict(zip(chosen, found.reshape(3, 4).mean(1).tolist(), strict=True))


SAID = (
    Said("If that something is 0.9, then {} of the error arrives", lambda: f"{left(0.9):.3f}"),
    Said("If it is 1.1, then {} times the error arrives", lambda: f"{left(1.1):.0f}"),
    Said("a straight line of slope {} and", lambda: f"{henon_exponents()[0]:.2f}"),
    Said("The distance grows by $e^{0.42}$, one half more", lambda: round(henon_exponents()[0], 2) == 0.42),
    Said("the lowest, of gain 0.5, stays below", lambda: leading()[0.5, 1.0] < 0),
    Said("with a gain of 1 or more, gradients that explode at $k=1$", lambda: leading()[1.0, 1.0] > 0),
    Said("fade nearly as fast as in a neuron alone", lambda: -0.2 < leading()[1.0, 100.0] < -0.18),
)

SET = (
    "the 0.9 or the 1.1",
    "If that something is 0.9",
    "If it is 1.1",
    "Three times the same number",
    "that is $-0.3$ everywhere",
    "All 128 exponents",
    "from minus 0.2 to minus 0.5",
    "$10^{38}$ and $10^{-45}$",
    "the first half of this book",
    "All 112 run",
    "towards minus 0.2",
    "two of the seven slopes",
    "the peak 1",
    "the peak at 1",
    "the area at 1",
    "$\\lambda_1 = 0$",
    "about 0.91, 0 and −14.57",
)
