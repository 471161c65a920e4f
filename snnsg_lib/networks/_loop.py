"""The loop over the layers of a feedforward spiking network, its parts one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.lif import arguments
from snnsg_lib.lif.arguments import SpikeFunction, choose_backend
from snnsg_lib.lif.feedforward import scan
from snnsg_lib.lif.layout import as_rows, as_steps

from . import parts

Linear = tuple[Tensor, Tensor | None]


class LayerLoop(nn.Module):
    """What `SpikingMLP` does with its layers; rows are ([replicas,] num_steps * batch, neurons), ready for products."""

    sizes: list[int]
    num_steps: int
    replicas: int | None
    reset_mechanism: str
    detach_reset: bool
    readout: str
    readout_beta: float
    escape_noise: float | None
    noise_rng: np.random.Generator
    backend: str | None
    surrogates: tuple[SpikeFunction, ...]
    betas: nn.ParameterList | list[float]
    thresholds: nn.ParameterList | list[float]
    weights: nn.ParameterList
    biases: nn.ParameterList | list[None]

    def layers(
        self,
        x: Tensor,
        mem: Sequence[Tensor | None] | None = None,
        noise: Sequence[Tensor | None] | None = None,
        *,
        sequence: bool = False,
        first: int = 0,
        given: bool = False,
    ) -> list[tuple[Tensor, Tensor]]:
        """Spikes and membrane potentials of each hidden layer: the loop over the layers, from any state.

        Parameters
        ----------
        x : Tensor
            As for `forward`, or for `sequence` if `sequence` is True.
        mem : list of Tensor, ([replicas,] batch, neurons), optional
            Potentials of each layer before the first step, or None for zeros; one above threshold resets at once.
        noise : list of Tensor, (num_steps, [replicas,] batch, neurons), optional
            Of each layer, in place of the escape noise that would be drawn, as from `draw_noise`: added to the
            threshold of each spike, not to its surrogate derivative. Minus infinity forces a spike, infinity forbids
            it.
        sequence : bool
            Whether `x` holds one input a step.
        first : int
            Begin with this layer: `x` is what it hears, `mem` and `noise` are those of the layers from here on.
        given : bool
            Whether each layer hears the spikes of the one below as given: no gradient passes through them.

        Returns
        -------
        list of (spk, mem), each (num_steps, [replicas,] batch, neurons)
            `read_out` turns the last spikes into outputs.
        """
        blocks = list(self._spiking(self._linears()[first:-1], x, sequence, mem, noise, first, given))
        num_steps = x.shape[0] if sequence else self.num_steps
        return [(as_steps(spk, num_steps), as_steps(mem, num_steps)) for spk, mem in blocks]

    def read_out(self, spk: Tensor, weight: Tensor | None = None) -> Tensor:
        """Outputs ([replicas,] batch, out) for spikes (num_steps, [replicas,] batch, neurons) of the last layer.

        With `weight`, (neurons, out), it stands in the place of the readout's weight and bias.
        """
        readout = self._linears()[-1] if weight is None else (weight, None)
        return self._read_out(as_rows(spk, len(spk)), len(spk), *readout)

    def draw_noise(self, x: Tensor, sequence: bool = False) -> list[Tensor] | None:
        """Draw the escape noise of one forward pass of `x`, as `layers` takes it; None without `escape_noise`."""
        if self.escape_noise is None:
            return None
        steps, batch = x.shape[0] if sequence else self.num_steps, x.shape[-2]
        rows = [x.new_empty(steps * batch, neurons) for neurons in self.sizes[1:-1]]
        drawn = [parts.escape_noise_like(block, self.escape_noise, self.noise_rng) for block in rows]
        return [as_steps(noise, steps) for noise in drawn]

    def input_current(self, x: Tensor, sequence: bool = False, layer: int = 0) -> Tensor:
        """Current of a layer that hears `x`, (num_steps, [replicas,] batch, neurons); `x` is as in `layers`."""
        return as_steps(*self._first_current(x, sequence, *self._linears()[layer]))

    def hidden_current(self, layer: int, x: Tensor, sequence: bool = False) -> tuple[Tensor, int]:
        """Current of a hidden layer as rows, ([replicas,] num_steps * batch, neurons), and num_steps."""
        linears = self._linears()
        if layer == 0:
            return self._first_current(x, sequence, *linears[0])
        *_, (spk, _) = self._spiking(linears[:layer], x, sequence)
        return parts.linear(spk, *linears[layer]), x.shape[0] if sequence else self.num_steps

    def spiking_layer(
        self, layer: int, current: Tensor, num_steps: int, noise: Tensor | None = None, mem: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potentials of a hidden layer, rows like `current`; `noise` in place of what is drawn."""
        surrogate = self.surrogates[layer]
        if noise is None and self.escape_noise is not None:
            noise = parts.escape_noise_like(current, self.escape_noise, self.noise_rng)
        return scan(
            current,
            parts.clamped_decay(self.betas[layer]),
            parts.clamped_threshold(self.thresholds[layer]),
            surrogate,
            self.reset_mechanism,
            mem,
            detach_reset=self.detach_reset,
            backend=choose_backend(self.backend, surrogate, current),
            num_steps=num_steps,
            slope_dims=0 if self.replicas is None else 2,
            noise=noise,
        )

    def _linears(self) -> list[tuple[Tensor, Tensor | None]]:
        """Weight and bias of each layer, read once a forward: spectral_norm changes its estimate at each access."""
        return list(zip(parts.tensors_of(self.weights), parts.tensors_of(self.biases), strict=True))

    def _first_current(self, x: Tensor, sequence: bool, weight: Tensor, bias: Tensor | None) -> tuple[Tensor, int]:
        """Current of the first layer as rows, ([replicas,] num_steps * batch, neurons), and num_steps."""
        x = parts.check_input("x", x, weight, time=sequence)
        if sequence:
            return parts.linear(as_rows(x, x.shape[0]), weight, bias), x.shape[0]
        # A static input gives the same current in every step: one product serves all.
        current = parts.linear(x, weight, bias)
        return current.repeat(*[1] * (current.dim() - 2), self.num_steps, 1), self.num_steps

    def _spiking(
        self,
        linears: list[Linear],
        x: Tensor,
        sequence: bool,
        mem: Sequence[Tensor | None] | None = None,
        noise: Sequence[Tensor | None] | None = None,
        first: int = 0,
        given: bool = False,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what `layers` returns, as rows; `linears` are weight and bias of each layer from `first` on."""
        states, noises = (_of_layers(name, of, len(linears)) for name, of in (("mem", mem), ("noise", noise)))
        spk = None
        for place, (weight, bias) in enumerate(linears):
            if spk is None:
                current, num_steps = self._first_current(x, sequence, weight, bias)
            else:
                current = parts.linear(spk.detach() if given else spk, weight, bias)
            start, drawn = states[place], noises[place]
            if start is not None or drawn is not None:
                drawn = _checked_rows(as_steps(current, num_steps), start, drawn)
            spk, potentials = self.spiking_layer(first + place, current, num_steps, drawn, start)
            yield spk, potentials

    def _read_out(self, spk: Tensor, num_steps: int, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Both readouts are linear in the spikes: weigh the steps first, so that one small product is left."""
        steps = spk.reshape(*spk.shape[:-2], num_steps, -1)
        if self.readout == "rate":
            weighed = steps.mean(-2)
        else:
            by_step = self.readout_beta ** torch.arange(num_steps - 1, -1, -1, dtype=spk.dtype, device=spk.device)
            weighed = by_step @ steps
            bias = None if bias is None else bias * by_step.sum()
        return parts.linear(weighed.unflatten(-1, (-1, spk.shape[-1])), weight, bias)


def _of_layers(name: str, blocks: Sequence[Tensor | None] | None, count: int) -> list[Tensor | None]:
    """One block, or None, for each of `count` layers."""
    if blocks is None:
        return [None] * count
    if not isinstance(blocks, list | tuple) or len(blocks) != count:
        got = f"{len(blocks)}" if isinstance(blocks, list | tuple) else type(blocks).__name__
        raise ValueError(
            f"{name} must be None, or a list with one tensor or None for each of {count} layers, got {got}"
        )
    return list(blocks)


def _checked_rows(current: Tensor, mem: Tensor | None, noise: Tensor | None) -> Tensor | None:
    """The noise as rows, if it and the potentials fit the current, (num_steps, [replicas,] batch, neurons)."""
    arguments.check_like("mem", mem, current, current.shape[1:])
    if noise is None:
        return None
    shared = isinstance(noise, Tensor) and noise.dim() < current.dim()
    shape = (current.shape[0], *current.shape[-2:]) if shared else current.shape
    arguments.check_like("noise", noise, current, shape)
    return as_rows(noise, current.shape[0])
