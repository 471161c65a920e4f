"""Measures of gradients, layer by layer: length, spread, angle, and products free of sampling noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from snnsg_lib.by_layer import ByLayer, names_of
from snnsg_lib.checks import check_choice, check_number

Gradients = dict[int, Tensor]
Measure = dict[int, float | Tensor]
Loss = Callable[[Any, Any], Tensor]


def gradient_norms(grads: Gradients) -> Measure:
    """Euclidean norm of each layer's gradient: {layer: float or (R,)}."""
    norms = {layer: _measure(torch.linalg.vector_norm(_flat(grad), dim=-1), grad) for layer, grad in grads.items()}
    return ByLayer(norms, names_of(grads))


def cosine_similarity(grads: Gradients, reference: Gradients) -> Measure:
    """Cosine of the angle between two gradients, layer by layer: {layer: float or (R,)}, in [-1, 1].

    1 for the same direction whatever the lengths, 0 for unrelated directions. Where either gradient is exactly
    zero it has no direction, and the cosine is defined as 0.

    Parameters
    ----------
    grads, reference : dict of int to Tensor
        As from `layer_gradients`, with the same layers. A reference without replica axis serves all replicas.

    Raises
    ------
    ValueError
        If layers or shapes differ.
    """
    _check_same_layers(grads, reference)
    cosines: Measure = ByLayer(names=names_of(grads) or names_of(reference))
    for layer, grad in grads.items():
        a, b = _unit(_flat(grad)), _unit(_flat(reference[layer]))
        cosine = (a * b).sum(-1).clamp(-1, 1)
        cosines[layer] = _measure(cosine, grad if grad.ndim > 2 else reference[layer])
    return cosines


def active_share(grads: Gradients, floor: float = 0.01, *, of: str = "weights", relative_to: str = "layer") -> Measure:
    """Share of weights or neurons whose gradient is larger than a floor: {layer: float or (R,)}, in [0, 1].

    A fast sigmoid is nowhere exactly zero, so "non-zero" needs a floor, and a floor needs something to be relative to.

    Parameters
    ----------
    grads : dict of int to Tensor
        As from `layer_gradients`.
    floor : float
        Fraction of the largest gradient, in [0, 1); 0 counts what is not exactly zero.
    of : {"weights", "neurons"}
        Compare absolute values of single weights, or norms over the incoming weights of each neuron.
    relative_to : {"layer", "network"}
        The largest gradient of the same layer (how evenly it is spread, whatever its scale), or of any layer (how much
        of it is left, compared with where it is largest).

    Returns
    -------
    dict of int to float or Tensor
        0 for a gradient of zeros.
    """
    floor = check_number("floor", floor, low=0.0)
    if floor >= 1:
        raise ValueError(f"floor must be in [0, 1), got {floor!r}")
    by_neuron = check_choice("of", of, ("weights", "neurons")) == "neurons"
    check_choice("relative_to", relative_to, ("layer", "network"))
    sizes = {layer: _flat(_lengths(grad) if by_neuron else grad).abs() for layer, grad in grads.items()}
    peaks = {layer: size.amax(-1, keepdim=True) for layer, size in sizes.items()}
    if relative_to == "network":
        peaks = dict.fromkeys(peaks, torch.stack(list(peaks.values())).amax(0))
    shares = {
        layer: _measure((sizes[layer] > floor * peaks[layer]).double().mean(-1), grad) for layer, grad in grads.items()
    }
    return ByLayer(shares, names_of(grads))


def expected_product(samples: Iterable[Gradients], others: Iterable[Gradients] | None = None) -> Measure:
    """Unbiased inner product of two expected gradients, from independent batches: {layer: float or (R,)}.

    Averages <samples[i], others[j]> over all i != j. Pairs from the same batch are left out, since both members carry
    the noise of that batch; with them even pure noise would have a length. The squared length of the expected gradient
    is ``expected_product(samples)``; where there is nothing but noise it scatters around zero, so below it too.

    Parameters
    ----------
    samples, others : iterable of dict of int to Tensor
        Two or more gradients; `others[i]` (`samples[i]` if not given) belongs to the same batch as `samples[i]`.
    """
    samples = list(samples)
    others = samples if others is None else list(others)
    count = len(samples)
    if count < 2 or len(others) != count:
        raise ValueError(f"samples and others must hold equally many gradients, >= 2, got {count} and {len(others)}")
    for grads, other in zip(samples, others, strict=True):
        _check_same_layers(grads, other)
    products: Measure = ByLayer(names=names_of(samples[0]))
    for layer in samples[0]:
        a = [_flat(grads[layer]) for grads in samples]
        b = [_flat(grads[layer]) for grads in others]
        same_batch = sum((x * y).sum(-1) for x, y in zip(a, b, strict=True))
        total = (torch.stack(a).sum(0) * torch.stack(b).sum(0)).sum(-1)
        product = (total - same_batch) / (count * (count - 1))
        products[layer] = _measure(product, max(samples[0][layer], others[0][layer], key=Tensor.dim))
    return products


def _flat(grad: Tensor) -> Tensor:
    """(n,) or (R, n), in float64: squares of steep gradients far from the output underflow float32."""
    return (grad.flatten(1) if grad.ndim > 2 else grad.flatten()).double()


def _lengths(grad: Tensor) -> Tensor:
    """Norm over the incoming weights of each neuron, (1, out) or (R, 1, out)."""
    return torch.linalg.vector_norm(grad.double(), dim=-2, keepdim=True)


def _unit(vector: Tensor) -> Tensor:
    length = torch.linalg.vector_norm(vector, dim=-1, keepdim=True)
    return vector / torch.where(length > 0, length, 1.0)


def _measure(value: Tensor, like: Tensor) -> float | Tensor:
    return value if like.ndim > 2 else value.item()


def _check_same_layers(grads: Gradients, reference: Gradients) -> None:
    shapes = {layer: tuple(grad.shape[-2:]) for layer, grad in grads.items()}
    others = {layer: tuple(grad.shape[-2:]) for layer, grad in reference.items()}
    if shapes != others:
        raise ValueError(f"gradients to compare must have the same layers and shapes, got {shapes} and {others}")
