"""Lyapunov explorer: the surrogate Lyapunov exponents of a small recurrent network, and what a perturbation does."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch

from snnsg_lib.lyapunov import surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid

from .controls import Number, Slope, Whole
from .explorer import Explorer, script

MOST = 24  # neurons; all draws are for so many, so that a smaller network is a part of a larger one
NUM_STEPS, TRANSIENT, QR_INTERVAL, NOISE = 160, 40, 5, 0.5
STREAMS = {"weights": (MOST, MOST), "levels": (MOST,), "noise": (NUM_STEPS, MOST), "tangents": (2 * MOST, 2 * MOST)}


@lru_cache(maxsize=9)
def drawn(seed: int) -> dict[str, np.ndarray]:
    """Uniform numbers with mean 0 and variance 1, float64, the same as in the explorer's JavaScript.

    From a linear congruential generator (Press et al., Numerical Recipes), which JavaScript's doubles hold exactly.
    """
    arrays = {}
    for stream, (name, shape) in enumerate(STREAMS.items()):
        whole, values = 4 * seed + stream, []
        for _ in range(math.prod(shape) + 10):
            whole = (1664525 * whole + 1013904223) % 2**32
            values.append(math.sqrt(3) * (whole / 2**31 - 1))
        arrays[name] = np.array(values[10:]).reshape(shape)  # neighbouring seeds begin alike
    return arrays


class _FirstTangents(np.random.Generator):
    """Gives `surrogate_lyapunov_spectrum` the explorer's first tangent vectors in place of a random draw."""

    def __init__(self, seed: int):
        super().__init__(np.random.PCG64(seed))
        self.tangents = drawn(seed)["tangents"]

    def standard_normal(self, size=None, dtype=np.float64, out=None):
        """Return as much of the draw as the network's state needs."""
        rows, columns = size
        return self.tangents[:rows, :columns].copy()


class Growth(NamedTuple):
    """What the explorer shows.

    Attributes
    ----------
    exponents : ndarray, (2 N,)
        Per step, in the order of the tangent vectors: largest first, up to the error of a finite time.
    expected : float
        What they must add up to: N ln(alpha beta).
    log_size : ndarray, (161,)
        ln of the size of a tangent vector before each step and after the last.
    spk : ndarray, (160, N)
        Spikes.
    """

    exponents: np.ndarray
    expected: float
    log_size: np.ndarray
    spk: np.ndarray


class LyapunovExplorer(Explorer):
    """Surrogate Lyapunov exponents of a recurrent spiking network, alive with and without a kernel.

    A driven `RecurrentLIF` with synaptic current, fast sigmoid and detached subtracted reset, for 160 steps, of which
    the first 40 are not counted.

    Parameters
    ----------
    slope : float
        Slope k of the surrogate, 1..100.
    gain : float
        Recurrent weights have the variance gain^2 / N; 0..4.
    tau_mem, tau_syn : float
        Time constants of membrane and synapse, 1..20 and 1..10 steps: beta = exp(-1 / tau_mem), alpha likewise.
    size : int
        Number of neurons N, 2..24.
    drive : float
        Mean input, 0..2: where the potential would settle without spikes; the threshold is 1.
    seed : int
        Draw of weights, input and first tangent vectors, 1..9.

    Examples
    --------
    >>> LyapunovExplorer(size=12).growth().exponents.shape
    (24,)
    """

    _name = "lyapunov"
    _esm = script("lyapunov")
    _title = "Lyapunov explorer"
    _picture = (
        "All Lyapunov exponents of a recurrent spiking network, its spikes, and the size of a small perturbation over "
        "time"
    )
    _try_this = (
        "find the slope at which the perturbation neither grows nor dies. Then raise the gain: what moves up, what "
        "moves down to pay for it, and which number stays?"
    )

    slope = Slope(10.0, wide=True)
    gain = Number(2.0, 0, 4, "gain g", step=0.1, digits=1)
    tau_mem = Number(5.0, 1, 20, "membrane", step=0.5, unit="steps")
    tau_syn = Number(2.0, 1, 10, "synapse", step=0.5, unit="steps")
    size = Whole(20, 2, MOST, "neurons N")
    drive = Number(1.0, 0, 2, "input", step=0.1, digits=1, more=True)
    seed = Whole(1, 1, 9, "random draw", more=True)

    def decays(self) -> tuple[float, float]:
        """Return alpha and beta: what synapse and membrane keep of a step."""
        return math.exp(-1 / self.tau_syn), math.exp(-1 / self.tau_mem)

    def network(self) -> RecurrentLIF:
        """Return the network in float64; its inputs are one current per neuron."""
        alpha, beta = self.decays()
        net = RecurrentLIF(
            self.size, self.size, 1, beta, alpha, surrogate=FastSigmoid(self.slope), bias=False, current_scale=1 - beta
        ).double()
        weight = drawn(self.seed)["weights"][: self.size, : self.size]
        with torch.no_grad():
            net.input_weight.copy_(torch.eye(self.size))
            net.recurrent_weight.copy_(torch.tensor(self.gain / math.sqrt(self.size) * weight))
        return net

    def inputs(self) -> torch.Tensor:
        """Return the input of each neuron at each step, (160, 1, N), float64: a level of its own, and noise."""
        level = self.drive + drawn(self.seed)["levels"][: self.size] / math.sqrt(12)
        noise = drawn(self.seed)["noise"][:, : self.size]
        return torch.tensor((1 - self.decays()[0]) * (level + NOISE * noise)).unsqueeze(1)

    @torch.no_grad()
    def growth(self) -> Growth:
        """Exponents by `surrogate_lyapunov_spectrum`, and the first tangent vector followed step by step."""
        net, inputs = self.network(), self.inputs()
        exponents = surrogate_lyapunov_spectrum(
            net, inputs, 2 * self.size, QR_INTERVAL, TRANSIENT, rng=_FirstTangents(self.seed)
        )
        _, recording = net(inputs, record=True)
        mem = recording.mem[0][:, 0].numpy()
        expected = self.size * math.log(math.prod(self.decays()))
        return Growth(exponents[0].numpy(), expected, self._log_size(net, mem), recording.spk[0][:, 0].numpy())

    def _log_size(self, net: RecurrentLIF, mem: np.ndarray) -> np.ndarray:
        alpha, beta = self.decays()
        before = np.vstack([np.zeros(self.size), mem[:-1]])
        derivative = FastSigmoid(self.slope).derivative(torch.tensor(before - 1)).numpy()
        weight = net.current_scale * net.recurrent_weight.numpy()
        tangent = drawn(self.seed)["tangents"][0, : 2 * self.size]
        tangent = tangent / np.linalg.norm(tangent)
        log_size = np.zeros(NUM_STEPS + 1)
        for t in range(NUM_STEPS):
            syn, mem_part = np.split(tangent, 2)
            syn = alpha * syn + (derivative[t] * mem_part) @ weight
            tangent = np.concatenate([syn, beta * mem_part + syn])
            size = np.linalg.norm(tangent)
            tangent, log_size[t + 1] = tangent / size, log_size[t] + math.log(size)
        return log_size
