"""Neuron explorer: a leaky integrate-and-fire neuron, and how much of the loss each step of its input hears."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from snnsg_lib.lif import lif_scan
from snnsg_lib.surrogates import FAMILIES, Surrogate

from .controls import Choice, Family, Number, Slope
from .explorer import Explorer, script

NUM_STEPS = 50
LOSSES = {"last step": 1, "last 10 steps": 10, "all steps": NUM_STEPS}
RESETS = ("subtract", "zero", "none")
NOISE = np.random.default_rng(0).standard_normal(NUM_STEPS).round(3)


class Traces(NamedTuple):
    """What the neuron does in every step, float64 arrays of shape (50,)."""

    current: np.ndarray
    mem: np.ndarray
    spk: np.ndarray
    gradient: np.ndarray


class NeuronExplorer(Explorer):
    """A leaky integrate-and-fire neuron in time and the gradient of its spike count, alive with and without a kernel.

    Parameters
    ----------
    current, noise : float
        Level of the input current and standard deviation of a fixed noise around it; each 0..0.5.
    beta : float
        Decay of the membrane potential per step, 0..0.99.
    threshold : float
        0.1..2.
    slope : float
        Slope k of the surrogate, 1..100.
    family : str
        The surrogate, a name in `FAMILIES`, peak-normalised.
    input : {"constant", "pulses"}
        Current always on, or on for five steps of every ten.
    reset_mechanism : {"subtract", "zero", "none"}
        As in `snn.Leaky`.
    loss : {"last step", "last 10 steps", "all steps"}
        The loss is the number of spikes in these steps.

    Examples
    --------
    >>> NeuronExplorer(slope=100).traces().gradient.shape
    (50,)
    """

    _name = "neuron"
    _esm = script("neuron")
    _title = "Neuron explorer"
    _picture = (
        "Input current, membrane potential with its threshold and spikes, and the gradient that flows back to each "
        "time step"
    )
    _try_this = (
        "lower the input current until the neuron falls silent; then find the slope that still reaches its inputs."
    )

    current = Number(0.12, 0, 0.5, "input current", step=0.01, digits=2)
    noise = Number(0.1, 0, 0.5, "noise", step=0.01, digits=2)
    beta = Number(0.9, 0, 0.99, "decay beta", step=0.01, digits=2)
    threshold = Number(1.0, 0.1, 2, "threshold", step=0.05, digits=2)
    slope = Slope(25.0, wide=True)
    input = Choice("constant", ("constant", "pulses"), "input", more=True)
    loss = Choice("last 10 steps", tuple(LOSSES), "loss: spikes of the", more=True)
    reset_mechanism = Choice("subtract", RESETS, "reset", more=True)
    family = Family(more=True)

    @classmethod
    def stored(cls) -> dict[str, Any]:
        """The noise of each step."""
        return {"noise": NOISE.tolist()}

    @property
    def surrogate(self) -> Surrogate:
        """The library's surrogate in the present state, ready to serve as `spike_grad`."""
        return FAMILIES[self.family](self.slope)

    def input_current(self) -> np.ndarray:
        """Input current of each step, (50,)."""
        off = (np.arange(NUM_STEPS) % 10 >= 5) & (self.input == "pulses")
        return np.where(off, 0.0, self.current) + self.noise * NOISE

    def traces(self) -> Traces:
        """Run the neuron with `lif_scan` and let autograd carry the loss back to the input current."""
        current = torch.tensor(self.input_current()).reshape(-1, 1).requires_grad_()
        spk, mem = lif_scan(current, self.beta, self.threshold, self.surrogate, self.reset_mechanism)
        (gradient,) = torch.autograd.grad(spk[-LOSSES[self.loss] :].sum(), current)
        return Traces(*(values.detach().numpy().ravel() for values in (current, mem, spk, gradient)))
