"""What both networks are made of: initial weights, linear layers with a replica axis, checks of settings and inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from snnsg_lib.checks import check_int, check_number
from snnsg_lib.lif.arguments import SMALLEST_THRESHOLD, Number, SpikeFunction, check_surrogate
from snnsg_lib.surrogates import FastSigmoid

TOOLS = (BasePruningMethod, SpectralNorm, WeightNorm)


@dataclass
class Recording:
    """Blocks of each spiking layer, (num_steps, [replicas,] batch, neurons), in layer order; they keep their graph.

    Attributes
    ----------
    spk, mem : list of Tensor
        Spikes and membrane potentials.
    syn : list of Tensor
        Synaptic currents of a `RecurrentLIF` with `alpha`.
    """

    spk: list[Tensor] = field(default_factory=list)
    mem: list[Tensor] = field(default_factory=list)
    syn: list[Tensor] = field(default_factory=list)


def check_seeds(seed: int | Sequence[int], replicas: int | None) -> list[int]:
    """Return one seed a replica: `seed`, `seed` + 1, ... for an int, else the sequence itself."""
    count = 1 if replicas is None else check_int("replicas", replicas, low=1)
    seed = seed.tolist() if isinstance(seed, np.ndarray) else seed
    if not isinstance(seed, Sequence) or isinstance(seed, str | bytes | bytearray):
        first = check_int("seed", seed)
        return [first + replica for replica in range(count)]
    if len(seed) != count or replicas is None:
        raise ValueError(
            f"seed must be an integer >= 0 or a sequence of one per replica, got {len(seed)} seeds for {replicas=}"
        )
    return [check_int("seed", one) for one in seed]


def check_rng(name: str, rng: object) -> np.random.Generator:
    """Return a NumPy generator as it is, and default_rng(0) for None."""
    if rng is None:
        return np.random.default_rng(0)
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"{name} must be a numpy.random.Generator or None, got {rng!r}")
    return rng


def escape_noise_like(current: Tensor, kappa: float, rng: np.random.Generator) -> Tensor:
    """Draw logistic noise of scale 1 / kappa for rows of current, without replica axis.

    A threshold with that noise is passed with probability sigmoid(kappa (mem - threshold)).
    """
    chance = rng.random(tuple(current.shape[-2:]), dtype=np.float32)
    with np.errstate(divide="ignore"):  # a draw of 0 is minus infinity: a certain spike
        noise = (np.log(chance) - np.log1p(-chance)) / kappa
    return torch.from_numpy(noise).to(current)


def linear_parameters(
    rngs: list[np.random.Generator], fan_in: int, fan_out: int, gain: float, stacked: bool
) -> tuple[nn.Parameter, nn.Parameter]:
    """Draw weight (in, out) and bias (out,) as torch.nn.Linear does, times `gain`; with a replica axis if `stacked`."""
    bound = 1 / math.sqrt(fan_in)
    draws = [(rng.uniform(-bound, bound, (fan_in, fan_out)), rng.uniform(-bound, bound, fan_out)) for rng in rngs]
    weight, bias = (stack_replicas([draw[part] for draw in draws], gain, stacked) for part in (0, 1))
    return weight, bias


def stack_replicas(draws: list[np.ndarray], gain: float, stacked: bool) -> nn.Parameter:
    """Parameter of one draw per replica, or of the only draw without a replica axis."""
    values = np.stack(draws) if stacked else draws[0]
    return nn.Parameter(torch.from_numpy((values * gain).astype(np.float32)))


def linear(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Product of (rows, in) or (replicas, rows, in) with the weights, plus bias; shared rows serve every replica."""
    if weight.dim() == 2:
        return rows @ weight if bias is None else torch.addmm(bias, rows, weight)
    rows = rows if rows.dim() == 3 else rows.expand(weight.shape[0], -1, -1)
    return torch.bmm(rows, weight) if bias is None else torch.baddbmm(bias.unsqueeze(1), rows, weight)


def tensors_of(held: Any) -> list[Tensor]:
    """Entries of a ParameterList, or of a list in its place, by index: what torch's tools left there for a forward.

    They may have taken an entry out of the parameters and put it back behind the others (prune), or made it anew from
    other parameters at each access (parametrize) or in a hook before each forward (prune, weight_norm).
    """
    if not isinstance(held, nn.ParameterList):
        return [held[index] for index in range(len(held))]
    for hook in held._forward_pre_hooks.values():
        hook(held, ())
    # An index into a ParameterList costs as much as a small product.
    parameters, names = held._parameters, map(str, range(len(held)))
    return [parameters[name] if name in parameters else getattr(held, name) for name in names]  # type: ignore[misc]


def run_tools(module: nn.Module) -> None:
    """Let torch's tools that set a tensor before each forward (prune, weight_norm, spectral_norm) set it now."""
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, TOOLS):
            hook(module, ())


def leaky_sum(drive: Tensor, beta: float, chunk: int = 64) -> Tensor:
    """Return mem[t] = beta mem[t-1] + drive[t] from zero: neurons that integrate and never spike.

    Each chunk of steps is one product with the matrix of decays, cheaper than a step at a time for a few neurons.
    """
    steps = torch.arange(min(chunk, len(drive)), dtype=drive.dtype, device=drive.device)
    decays = (beta ** (steps.unsqueeze(1) - steps).clamp(min=0)).tril()
    carried, blocks = torch.zeros_like(drive[0]).flatten(), []
    for block in drive.flatten(1).split(chunk):
        sums = decays[: len(block), : len(block)] @ block
        blocks.append(sums + (beta ** (steps[: len(block)] + 1)).unsqueeze(1) * carried)
        carried = blocks[-1][-1]
    return torch.cat(blocks).view_as(drive)


def check_input(name: str, x: object, weight: Tensor, time: bool) -> Tensor:
    """Return `x` if it is a non-empty tensor ([num_steps,] [replicas,] batch, in) that fits the first weights."""
    words = (
        ("num_steps, " if time else "") + ("[replicas,] " if weight.dim() == 3 else "") + f"batch, {weight.shape[-2]}"
    )
    if not isinstance(x, Tensor):
        raise TypeError(f"{name} must be a tensor of shape ({words}), got {type(x).__name__}")
    if x.dtype != weight.dtype:
        raise TypeError(f"{name} must have the dtype of the weights, {weight.dtype}, got {x.dtype}")
    if x.device != weight.device:
        raise ValueError(f"{name} must be on the device of the weights, {weight.device}, got {x.device}")
    dims = x.dim() - time
    fits = dims == 2 or (dims == 3 and weight.dim() == 3 and x.shape[int(time)] == weight.shape[0])
    if not fits or x.shape[-1] != weight.shape[-2] or x.numel() == 0:
        replicas = f" with {weight.shape[0]} replicas" if weight.dim() == 3 else ""
        raise ValueError(f"{name} must have shape ({words}){replicas} and no empty dimension, got {tuple(x.shape)}")
    return x


def per_layer(name: str, value: object, layers: int) -> list:
    """Return one entry a layer: `value` for each, or the list or tuple that it is."""
    if not isinstance(value, list | tuple):
        return [value] * layers
    if len(value) != layers:
        raise ValueError(f"{name} must be one value or a list of {layers}, one per spiking layer, got {len(value)}")
    return list(value)


def surrogates_per_layer(surrogate: object, layers: int) -> tuple[SpikeFunction, ...]:
    """Return the surrogate of each layer, the very objects given; FastSigmoid(10), shared, for None."""
    return tuple(
        check_surrogate(one)
        for one in per_layer("surrogate", FastSigmoid(10.0) if surrogate is None else surrogate, layers)
    )


def neuron_values(
    name: str, value: object, sizes: Sequence[int], *, high: float = math.inf, above: float = -math.inf,
    learn: bool = False, replicas: int | None = None,
) -> nn.ParameterList | list[float]:  # fmt: skip
    """Return beta or threshold of each layer: floats, or parameters where one learns or differs between neurons.

    `value` is a number or tensor (neurons,) for all layers, or a list of them, one a layer. With replicas also a tensor
    (replicas, neurons) or (replicas, 1); a parameter has then the shape (replicas, 1, neurons) or (replicas, 1, 1):
    replicas learn apart.
    """
    low = 0.0 if high == 1.0 else -math.inf
    entries: list[Any] = []
    for one, neurons in zip(per_layer(name, value, len(sizes)), sizes, strict=True):
        if isinstance(one, Tensor | np.ndarray) and one.ndim > 0:
            values = torch.as_tensor(one, dtype=torch.float32).detach()
            shapes = [(neurons,), *([] if replicas is None else [(replicas, neurons), (replicas, 1)])]
            if values.shape not in shapes:
                allowed = " or ".join(map(str, shapes))
                raise ValueError(f"{name} must be a number or have shape {allowed}, got {tuple(values.shape)}")
            for entry in values.flatten().tolist():
                check_number(name, entry, low=low, high=high, above=above)
            entries.append(values.clone())
        else:
            number = one.item() if isinstance(one, Tensor | np.ndarray) else one
            entries.append(check_number(name, number, low=low, high=high, above=above))
    if not learn and all(isinstance(entry, float) for entry in entries):
        return entries
    tensors = [torch.as_tensor(entry, dtype=torch.float32) for entry in entries]
    if replicas is not None:
        tensors = [x.unsqueeze(1) if x.dim() == 2 else x.reshape(1, 1, -1).repeat(replicas, 1, 1) for x in tensors]
    return nn.ParameterList([nn.Parameter(x, requires_grad=learn) for x in tensors])


def clamped_decay(value: Number) -> Number:
    """A learnt decay inside [0, 1]; a fixed one as it is."""
    return value.clamp(0, 1) if isinstance(value, Tensor) else value


def clamped_threshold(value: Number) -> Number:
    """A learnt threshold above 0; a fixed one as it is."""
    return value.clamp(min=SMALLEST_THRESHOLD) if isinstance(value, Tensor) else value
