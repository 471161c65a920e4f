"""A recurrent spiking network: sequence in, sequence out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_choice, check_int, check_number
from snnsg_lib.lif import arguments
from snnsg_lib.lif.arguments import Number, SpikeFunction, choose_recurrent_backend
from snnsg_lib.lif.recurrent import recurrent_scan
from snnsg_lib.surrogates import spikes_of

from . import parts
from .parts import Recording
from .rates import rates_of
from .reference import SnntorchRecurrent, single_surrogate


class RecurrentLIF(nn.Module):
    """One recurrent layer of leaky integrate-and-fire neurons between a linear input and a linear readout.

    Parameters
    ----------
    num_inputs, num_neurons, num_outputs : int
        Sizes, >= 1.
    beta : float or Tensor
        Decay of the membrane potential, in [0, 1]: a number or (neurons,).
    alpha : float or Tensor, optional
        Decay of the synaptic current, like `beta`; None: no synaptic current.
    threshold : float or Tensor
        > 0: a number or (neurons,).
    surrogate : callable, optional
        Held, never copied; by default ``FastSigmoid(10)``. With replicas its slope may have the shape (replicas,).
    reset_mechanism : {"subtract", "zero", "none"}
        As in `rlif_scan`. With ``beta=0`` and ``"none"`` this is a network of binary units.
    detach_reset : bool
        As in `rlif_scan`.
    gain : float
        Recurrent weights are drawn from N(0, gain^2 / num_neurons).
    input_gain : float
        Factor on the input weights and biases, uniform within 1 / sqrt(num_inputs) as torch.nn.Linear.
    bias : bool
        Whether input and readout have a bias.
    bias_range : (float, float), optional
        Lowest and highest input bias, drawn uniformly; None: as torch.nn.Linear, times `input_gain`. Biases above zero
        keep neurons near threshold while the input is silent.
    current_scale : float
        c >= 0 in mem[t] = beta mem[t-1] + c syn[t] - reset: 1 as in snnTorch, or 1 - beta, which keeps the scale of mem
        independent of the time constant.
    readout : {"membrane", "rate"}
        ``"membrane"``: output neurons that integrate with `readout_beta` and never spike. ``"rate"``: linear function
        of the mean spike count so far.
    readout_beta : float
        Decay of the membrane readout, in [0, 1].
    replicas, seed
        As in `SpikingMLP`.

    Attributes
    ----------
    input_weight, recurrent_weight, output_weight : nn.Parameter
        (in, neurons), (neurons, neurons) with row i the targets of neuron i, (neurons, out); with replicas (R, ., .).
    input_bias, output_bias : nn.Parameter or None
        (neurons,) and (out,).
    beta, alpha, threshold : float or nn.Parameter
        Fixed; parameters without gradient where neurons differ.
    backend : str or None
        As in `rlif_scan`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """

    def __init__(
        self,
        num_inputs: int,
        num_neurons: int,
        num_outputs: int,
        beta: Number = 0.9,
        alpha: Number | None = None,
        threshold: Number = 1.0,
        surrogate: SpikeFunction | None = None,
        reset_mechanism: str = "subtract",
        detach_reset: bool = True,
        gain: float = 1.0,
        input_gain: float = 1.0,
        bias: bool = True,
        bias_range: tuple[float, float] | None = None,
        current_scale: float = 1.0,
        readout: str = "membrane",
        readout_beta: float = 0.9,
        replicas: int | None = None,
        seed: int | Sequence[int] = 0,
    ):
        super().__init__()
        self.num_inputs = check_int("num_inputs", num_inputs, low=1)
        self.num_neurons = check_int("num_neurons", num_neurons, low=1)
        self.num_outputs = check_int("num_outputs", num_outputs, low=1)
        self.seeds = parts.check_seeds(seed, replicas)
        self.replicas = replicas
        sizes = [self.num_neurons]
        self.beta = parts.neuron_values("beta", beta, sizes, high=1.0, replicas=replicas)[0]
        self.alpha = (
            None if alpha is None else parts.neuron_values("alpha", alpha, sizes, high=1.0, replicas=replicas)[0]
        )
        self.threshold = parts.neuron_values("threshold", threshold, sizes, above=0.0, replicas=replicas)[0]
        (self.surrogate,) = parts.surrogates_per_layer(surrogate, 1)
        self.reset_mechanism = check_choice("reset_mechanism", reset_mechanism, arguments.RESETS)
        self.detach_reset = arguments.check_flag("detach_reset", detach_reset)
        self.current_scale = check_number("current_scale", current_scale, low=0.0)
        self.readout = check_choice("readout", readout, ("membrane", "rate"))
        self.readout_beta = check_number("readout_beta", readout_beta, low=0.0, high=1.0)
        self.backend: str | None = None
        self._draw_weights(
            check_number("gain", gain, low=0.0),
            check_number("input_gain", input_gain, low=0.0),
            arguments.check_flag("bias", bias),
            None if bias_range is None else _check_range("bias_range", bias_range),
        )

    def _draw_weights(self, gain, input_gain, bias, bias_range):
        rngs = [np.random.default_rng(seed) for seed in self.seeds]
        stacked, neurons = self.replicas is not None, self.num_neurons
        self.input_weight, input_bias = parts.linear_parameters(rngs, self.num_inputs, neurons, input_gain, stacked)
        recurrent = [rng.standard_normal((neurons, neurons)) for rng in rngs]
        self.recurrent_weight = parts.stack_replicas(recurrent, gain / math.sqrt(neurons), stacked)
        self.output_weight, output_bias = parts.linear_parameters(rngs, neurons, self.num_outputs, 1.0, stacked)
        if bias_range is not None:  # drawn last, so that the weights are those without it
            low, high = bias_range
            input_bias = parts.stack_replicas([rng.uniform(low, high, neurons) for rng in rngs], 1.0, stacked)
        self.input_bias = input_bias if bias else None
        self.output_bias = output_bias if bias else None

    @property
    def weights(self) -> list[nn.Parameter]:
        """Input, recurrent and output weights: layers 0, 1 and 2 of `layer_gradients`."""
        return [self.input_weight, self.recurrent_weight, self.output_weight]

    def forward(
        self, x: Tensor, record: bool = False, mem: Tensor | None = None, syn: Tensor | None = None
    ) -> Tensor | tuple[Tensor, Recording]:
        """Run the network over a sequence.

        Parameters
        ----------
        x : Tensor, (num_steps, batch, in) or (num_steps, replicas, batch, in)
            Without a replica axis it is shared by all replicas.
        record : bool
            Also return a `Recording` of the layer.
        mem, syn : Tensor, ([replicas,] batch, neurons), optional
            State before the first step, zeros by default; the neurons whose `mem` is above threshold have just spiked.

        Returns
        -------
        Tensor, (num_steps, batch, out) or (num_steps, replicas, batch, out)
        """
        current = self.input_current(x)
        weight: Tensor = self.recurrent_weight  # read once: torch's tools may make it anew at each access
        if self.current_scale != 1.0:
            weight = weight * self.current_scale
        if syn is not None and self.alpha is None:
            raise ValueError("syn must be None for a network without alpha: it has no synaptic current")
        for name, state in (("mem", mem), ("syn", syn)):
            arguments.check_like(name, state, current, current.shape[1:])
        slope_dims = 0 if self.replicas is None else 2
        spk = None if mem is None else spikes_of(self.surrogate, mem - self.threshold, slope_dims)
        outputs = recurrent_scan(
            current,
            weight,
            self.beta,
            self.threshold,
            self.surrogate,
            self.reset_mechanism,
            self.alpha,
            (syn, mem, spk),
            self.detach_reset,
            choose_recurrent_backend(self.backend, self.surrogate, current, self.reset_mechanism, self.detach_reset),
            slope_dims,
        )
        out = self._read_out(outputs[0])
        if not record:
            return out
        return out, Recording([outputs[0]], [outputs[-1]], [] if self.alpha is None else [outputs[1]])

    def input_current(self, x: Tensor) -> Tensor:
        """Return `current_scale` times what the input `x` adds to the current of each step.

        `x` is as in `forward`; the current is (num_steps, batch, neurons) or (num_steps, replicas, batch, neurons).
        """
        weight = self.input_weight
        current = self._linear(parts.check_input("x", x, weight, time=True), weight, self.input_bias)
        return current if self.current_scale == 1.0 else current * self.current_scale

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """(num_steps, [replicas,] batch, in) -> (num_steps, [replicas,] batch, out), contiguous."""
        if weight.dim() == 2:
            return parts.linear(x.flatten(0, 1), weight, bias).unflatten(0, x.shape[:2])
        rows = x.flatten(0, 1) if x.dim() == 3 else x.movedim(1, 0).flatten(1, 2)
        return parts.linear(rows, weight, bias).unflatten(1, (x.shape[0], -1)).movedim(1, 0).contiguous()

    def _read_out(self, spk: Tensor) -> Tensor:
        drive = self._linear(spk, self.output_weight, self.output_bias)
        if self.readout == "membrane":
            return parts.leaky_sum(drive, self.readout_beta)
        steps = torch.arange(1, len(drive) + 1, dtype=drive.dtype, device=drive.device)
        return drive.cumsum(0) / steps.view(-1, *[1] * (drive.dim() - 1))

    @torch.no_grad()
    def firing_rates(self, x: Tensor) -> dict[int, float | Tensor]:
        """Mean spikes per neuron and step, {0: float or (replicas,)}; warns of a dead layer as `SpikingMLP` does."""
        _, recording = self(x, record=True)
        return rates_of(recording.spk, has_replicas=self.replicas is not None)

    def to_snntorch(self, replica: int | None = None) -> nn.Module:
        """Return the same network as snn.RLeaky or snn.RSynaptic and a step loop, with a copy of the weights.

        Parameters
        ----------
        replica : int, optional
            Which replica; required with replicas.
        """
        if not self.detach_reset:
            raise ValueError("detach_reset must be True for snnTorch, which always detaches the reset, got False")
        parts.run_tools(self)
        return SnntorchRecurrent(self, single_surrogate(self.surrogate, replica, self.replicas), replica)

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(net)`."""
        replicas = "" if self.replicas is None else f", replicas={self.replicas}"
        return (
            f"num_inputs={self.num_inputs}, num_neurons={self.num_neurons}, num_outputs={self.num_outputs}, "
            f"reset_mechanism={self.reset_mechanism!r}, readout={self.readout!r}{replicas}"
        )


def _check_range(name: str, value: object) -> tuple[float, float]:
    """Return `value` as two floats if it is a pair (low, high) with low <= high."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (low, high) of finite numbers, low <= high, or None, got {value!r}")
    low = check_number(f"{name}[0]", value[0])
    return low, check_number(f"{name}[1]", value[1], low=low)
