"""A feedforward spiking network with a linear readout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_choice, check_int, check_number
from snnsg_lib.lif import arguments
from snnsg_lib.lif.arguments import Number, SpikeFunction
from snnsg_lib.lif.layout import as_steps

from . import parts
from ._loop import LayerLoop
from ._replicas import single, sloped, stack
from .parts import Recording
from .rates import rates_of
from .reference import SnntorchMLP, check_replica

Tensors = Sequence[Number]


class SpikingMLP(LayerLoop):
    """Layers of leaky integrate-and-fire neurons with a linear readout; every forward begins from zero state.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, neurons of each hidden (spiking) layer, outputs; at least three numbers.
    num_steps : int
        Time steps for which `net(x)` shows its input.
    beta, threshold : float, Tensor or list
        Decay in [0, 1] and threshold > 0: a number, a tensor (neurons,), or a list with one of them per hidden layer;
        with replicas also a tensor (replicas, neurons) or (replicas, 1).
    surrogate : callable or list
        A surrogate, or one per hidden layer; held, never copied. By default ``FastSigmoid(10)``. With replicas the
        slope may have the shape (replicas,).
    reset_mechanism : {"subtract", "zero", "none"}
        As in `lif_scan`.
    detach_reset : bool
        As in `lif_scan`.
    readout : {"rate", "membrane"}
        ``"rate"``: linear function of the mean spike count per step. ``"membrane"``: last membrane potential of output
        neurons that integrate with `readout_beta` and never spike.
    readout_beta : float
        Decay of the membrane readout, in [0, 1].
    learn_beta, learn_threshold : bool
        Make them parameters (`betas`, `thresholds`), one a layer or one a neuron as given, clamped to [0, 1] and above
        0.
    gain : float or list
        Factor > 0 on the initial weights and biases of the hidden layers, one for all or one per layer.
    bias : bool
        Whether the linear layers have a bias.
    escape_noise : float, optional
        Steepness kappa > 0 of a stochastic threshold: in each step anew a neuron spikes with probability
        sigmoid(kappa (mem - threshold)). The backward pass uses the surrogate at mem - threshold as ever;
        ``Sigmoid(kappa, normalization="area")`` is the derivative of that probability. By default spikes are
        deterministic.
    noise_rng : numpy.random.Generator, optional
        Draws the escape noise, the same for all replicas; default_rng(0) if None.
    replicas : int, optional
        R independent networks in one: weights (R, in, out), outputs (R, batch, out).
    seed : int or sequence of int
        Of the initial weights; with replicas one per replica, or `seed`, `seed` + 1, ... for an int. Replica r equals
        the single network of its seed.

    Attributes
    ----------
    weights, biases : nn.ParameterList
        Of layers 0 (first hidden) to L (output): (in, out) and (out,), with a leading replica axis if there is one;
        uniform within gain / sqrt(in), as torch.nn.Linear. `biases` holds None without bias.
    surrogates : tuple
        One per hidden layer.
    backend : str or None
        As in `lif_scan`: set it to ``"torch"`` for a double backward.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (12, 64, 64, 4),
        num_steps: int = 4,
        beta: Number | Tensors = 0.9,
        threshold: Number | Tensors = 1.0,
        surrogate: SpikeFunction | Sequence[SpikeFunction] | None = None,
        reset_mechanism: str = "subtract",
        detach_reset: bool = True,
        readout: str = "rate",
        readout_beta: float = 0.9,
        learn_beta: bool = False,
        learn_threshold: bool = False,
        gain: float | Sequence[float] = 1.0,
        bias: bool = True,
        escape_noise: float | None = None,
        noise_rng: np.random.Generator | None = None,
        replicas: int | None = None,
        seed: int | Sequence[int] = 0,
    ):
        super().__init__()
        self.sizes = _check_sizes(sizes)
        self.num_steps = check_int("num_steps", num_steps, low=1)
        self.seeds = parts.check_seeds(seed, replicas)
        self.replicas = replicas
        self.reset_mechanism = check_choice("reset_mechanism", reset_mechanism, arguments.RESETS)
        self.detach_reset = arguments.check_flag("detach_reset", detach_reset)
        self.readout = check_choice("readout", readout, ("rate", "membrane"))
        self.readout_beta = check_number("readout_beta", readout_beta, low=0.0, high=1.0)
        self.escape_noise = None if escape_noise is None else check_number("escape_noise", escape_noise, above=0.0)
        self.noise_rng = parts.check_rng("noise_rng", noise_rng)
        self.backend: str | None = None
        hidden = self.sizes[1:-1]
        self.surrogates = parts.surrogates_per_layer(surrogate, len(hidden))
        # Registered so that print, find_surrogates and .to() meet them; a layer finds its own in `surrogates`.
        self.surrogate_modules = nn.ModuleList(dict.fromkeys(s for s in self.surrogates if isinstance(s, nn.Module)))
        learn_beta = arguments.check_flag("learn_beta", learn_beta)
        learn_threshold = arguments.check_flag("learn_threshold", learn_threshold)
        self.betas = parts.neuron_values("beta", beta, hidden, high=1.0, learn=learn_beta, replicas=replicas)
        self.thresholds = parts.neuron_values(
            "threshold", threshold, hidden, above=0.0, learn=learn_threshold, replicas=replicas
        )
        self._draw_weights(parts.per_layer("gain", gain, len(hidden)), arguments.check_flag("bias", bias))

    def _draw_weights(self, gains, bias):
        rngs = [np.random.default_rng(seed) for seed in self.seeds]
        gains = [check_number("gain", gain, above=0.0) for gain in gains] + [1.0]
        pairs = [
            parts.linear_parameters(rngs, fan_in, fan_out, gain, self.replicas is not None)
            for fan_in, fan_out, gain in zip(self.sizes[:-1], self.sizes[1:], gains, strict=True)
        ]
        self.weights = nn.ParameterList([weight for weight, _ in pairs])
        self.biases = nn.ParameterList([b for _, b in pairs]) if bias else [None] * len(pairs)

    def forward(self, x: Tensor, record: bool = False) -> Tensor | tuple[Tensor, Recording]:
        """Show a static input for `num_steps` steps.

        Parameters
        ----------
        x : Tensor, (batch, in) or (replicas, batch, in)
            Without a replica axis it is shared by all replicas.
        record : bool
            Also return a `Recording` of the hidden layers.

        Returns
        -------
        Tensor, (batch, out) or (replicas, batch, out)
        """
        return self._run(x, False, record)

    def sequence(self, x: Tensor, record: bool = False) -> Tensor | tuple[Tensor, Recording]:
        """Show one input a step, for as many steps as `x` has.

        Parameters
        ----------
        x : Tensor, (num_steps, batch, in) or (num_steps, replicas, batch, in)
            Without a replica axis it is shared by all replicas.
        record : bool
            Also return a `Recording` of the hidden layers.

        Returns
        -------
        Tensor, (batch, out) or (replicas, batch, out)
        """
        return self._run(x, True, record)

    def _run(self, x: Tensor, sequence: bool, record: bool) -> Tensor | tuple[Tensor, Recording]:
        *hidden, readout = self._linears()
        blocks = list(self._spiking(hidden, x, sequence))
        num_steps = x.shape[0] if sequence else self.num_steps
        out = self._read_out(blocks[-1][0], num_steps, *readout)
        if not record:
            return out
        return out, Recording(*([as_steps(rows, num_steps) for rows in kind] for kind in zip(*blocks, strict=True)))

    @torch.no_grad()
    def firing_rates(self, x: Tensor, sequence: bool = False) -> dict[int, float | Tensor]:
        """Mean spikes per neuron and step of each hidden layer, {layer: float or (replicas,)}; warns of dead layers.

        Parameters
        ----------
        x : Tensor
            As for `forward`, or for `sequence` if `sequence` is True.
        sequence : bool
            Whether `x` holds one input a step.

        Warns
        -----
        DeadLayerWarning
            Names layer and rate where fewer than one neuron in a thousand spikes a step: no gradient passes there.
        """
        _, recording = self.sequence(x, record=True) if sequence else self(x, record=True)
        return rates_of(recording.spk, has_replicas=self.replicas is not None)

    def replica(self, replica: int) -> SpikingMLP:
        """Return a single network equal to one replica, with a copy of its weights and of the noise to come.

        Parameters
        ----------
        replica : int
            In [0, replicas).
        """
        return single(self, replica)

    def with_slopes(self, slopes: Sequence[float] | Tensor, surrogate: Any = None) -> SpikingMLP:
        """Return one replica of this single network per slope, with copies of its weights and of the noise to come.

        Parameters
        ----------
        slopes : sequence of float or Tensor, (R,)
            Finite and > 0.
        surrogate : Surrogate or list, optional
            A surrogate, or one per hidden layer, whose copies get the slopes; by default the network's own.
        """
        return sloped(self, slopes, surrogate)

    @classmethod
    def stacked(cls, nets: Sequence[SpikingMLP], surrogate: Any = None) -> SpikingMLP:
        """Return single networks of equal settings as the replicas of one, with copies of their weights.

        Parameters
        ----------
        nets : sequence of SpikingMLP
            Without replicas; they may differ in weights, beta and threshold.
        surrogate : callable or list, optional
            As in the constructor; by default that of the first network.
        """
        return stack(nets, surrogate)

    def to_snntorch(self, replica: int | None = None) -> nn.Module:
        """Return the same network as snn.Leaky modules and a step loop, with a copy of the weights: the reference.

        Parameters
        ----------
        replica : int, optional
            Which replica; required with replicas.
        """
        if not self.detach_reset:
            raise ValueError("detach_reset must be True for snnTorch, which always detaches the reset, got False")
        if self.escape_noise is not None:
            raise ValueError(f"escape_noise must be None for snnTorch, which has none, got {self.escape_noise}")
        check_replica(replica, self.replicas)
        single = self if replica is None else self.replica(replica)
        single._linears()  # torch's tools that set a weight before each forward do so now
        return SnntorchMLP(single, list(single.surrogates), None)

    def extra_repr(self) -> str:
        """Sizes and settings, for `print(net)`."""
        rest = "" if self.escape_noise is None else f", escape_noise={self.escape_noise}"
        rest += "" if self.replicas is None else f", replicas={self.replicas}"
        return (
            f"sizes={self.sizes}, num_steps={self.num_steps}, reset_mechanism={self.reset_mechanism!r}, "
            f"readout={self.readout!r}{rest}"
        )


def _check_sizes(sizes: object) -> list[int]:
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        raise TypeError(f"sizes must be a sequence of integers >= 1 (inputs, hidden layers, outputs), got {sizes!r}")
    if len(sizes) < 3:
        raise ValueError(f"sizes must hold at least 3 integers (inputs, hidden layers, outputs), got {sizes!r}")
    return [check_int("sizes", size, low=1) for size in sizes]
