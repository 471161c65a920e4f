"""Neuron explorer: a leaky integrate-and-fire neuron, and how much of the loss each step of its input hears."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from snnsg_book.studies.spike.figures.neuron import plot_neuron
from snnsg_lib import surrogates
from snnsg_lib.lif import lif_scan
from snnsg_lib.surrogates import Surrogate

from .explorer import Choice, Explorer, Number, in_words, script
from .surrogate import CUTOFF, FAMILIES

NUM_STEPS = 50
LOSSES = {"last step": 1, "last 10 steps": 10, "all steps": NUM_STEPS}
RESETS = ("subtract", "zero", "none")
# The explorer's JavaScript holds the same fifty numbers.
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
    family : {"FastSigmoid", "ATan", "Sigmoid", "Triangular"}
        The surrogate, peak-normalised.
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

    current = Number(0.12, 0, 0.5)
    noise = Number(0.1, 0, 0.5)
    beta = Number(0.9, 0, 0.99)
    threshold = Number(1.0, 0.1, 2)
    slope = Number(25.0, 1, 100)
    family = Choice("FastSigmoid", FAMILIES)
    input = Choice("constant", ("constant", "pulses"))
    reset_mechanism = Choice("subtract", RESETS)
    loss = Choice("last 10 steps", tuple(LOSSES))

    @property
    def surrogate(self) -> Surrogate:
        """The library's surrogate in the present state, ready to serve as `spike_grad`."""
        return getattr(surrogates, self.family)(self.slope)

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

    def sentence(self) -> str:
        """Say how often the neuron spikes and how many of its inputs the loss reaches."""
        traces = self.traces()
        spikes, reached = int(traces.spk.sum()), int((traces.gradient > CUTOFF).sum())
        fires = "is silent" if spikes == 0 else "spikes once" if spikes == 1 else f"spikes {spikes} times"
        steps = self.loss if self.loss == "all steps" else f"the {self.loss}"
        back = f"reaches {reached or 'none'} of {'' if reached else 'the '}{NUM_STEPS} inputs"
        back += " with more than 1 % of the peak gradient"
        if reached == 0:
            back += ": there is next to nothing to learn from"
        return f"At k = {in_words(self.slope, 3)} the neuron {fires}. The loss, its spikes in {steps}, {back}."

    def _draw(self) -> Figure:
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        axes = figure.subplots(3, 1, sharex=True, height_ratios=[1, 2, 2])
        plot_neuron(*self.traces(), threshold=self.threshold, slope=self.slope, cutoff=CUTOFF, axes=axes)
        return figure
