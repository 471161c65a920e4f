"""The gradient of a loss layer by layer, and measures of such gradients: length, spread, angle, reliability."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from snnsg_lib._checks import check_choice, check_int, check_number

Gradients = dict[int, Tensor]
Measure = dict[int, float | Tensor]
Loss = Callable[[Any, Any], Tensor]


def layer_gradients(net: nn.Module, loss_fn: Loss, batch: Any) -> Gradients:
    """Gradient of a loss with respect to the weights of each layer; the `.grad` of the parameters is left as it was.

    Parameters
    ----------
    net : nn.Module
        A `SpikingMLP` (its `weights`), or any module whose `nn.Linear` layers, in module order, are the layers: the
        `to_snntorch()` twin, for instance.
    loss_fn : callable
        ``loss_fn(net, batch)`` returns a scalar, or one loss per replica, (R,). The losses are summed, so that
        a replica's gradient is the one it would have alone; a mean over replicas would divide it by R.
    batch : object
        Handed to `loss_fn` as it is.

    Returns
    -------
    dict of int to Tensor
        Layer 0 is the first hidden layer, the last one the output; (in, out) or (R, in, out). A layer that the loss
        does not depend on has a gradient of zeros.

    Raises
    ------
    ValueError
        If the net has no layers, the loss does not depend on its weights, or loss or gradient is NaN or infinite.
    """
    with parametrize.cached():  # a parametrised weight is made anew at each access
        loss = loss_fn(net, batch)
        weights, transposed = _layer_weights(net)  # behind the forward pass, in which hooks may have set them
    if not isinstance(loss, Tensor) or loss.ndim > 1:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"loss_fn must return a scalar tensor or one loss per replica, (R,), got {shape}")
    if not loss.requires_grad:
        raise ValueError("loss_fn must return a loss that depends on the weights of net, got one without a graph")
    found = torch.autograd.grad(loss.sum(), weights, allow_unused=True)
    grads = {}
    for layer, (weight, grad) in enumerate(zip(weights, found, strict=True)):
        grad = torch.zeros_like(weight) if grad is None else grad
        if not bool(torch.isfinite(grad).all()):
            raise ValueError(f"gradient of layer {layer} must be finite, got NaN or infinity at loss {loss.tolist()}")
        grads[layer] = grad.mT if transposed else grad
    return grads


def gradient_norms(grads: Gradients) -> Measure:
    """Euclidean norm of each layer's gradient: {layer: float or (R,)}."""
    return {layer: _measure(torch.linalg.vector_norm(_flat(grad), dim=-1), grad) for layer, grad in grads.items()}


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
    cosines = {}
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
    return {
        layer: _measure((sizes[layer] > floor * peaks[layer]).double().mean(-1), grad) for layer, grad in grads.items()
    }


def gradient_reliability(
    net: nn.Module,
    loss_fn: Loss,
    batch: Tensor | tuple[Tensor, ...],
    *,
    num_splits: int = 1,
    batch_dim: int = 0,
    rng: np.random.Generator | None = None,
) -> Measure:
    """Cosine between the gradients of two random halves of a batch, layer by layer: {layer: float or (R,)}.

    1: the gradient is the same whichever examples are drawn; 0: it is all sampling noise. It is the noise floor of any
    comparison with that gradient, since even the same slope on other examples agrees with it no better than this. With
    independent examples a gradient of twice as many has reliability 2 r / (1 + r) (Spearman-Brown).

    Parameters
    ----------
    net, loss_fn
        As for `layer_gradients`.
    batch : Tensor or tuple of Tensor
        Cut along `batch_dim`, every tensor at the same examples; with an odd number one example is left out.
    num_splits : int
        Random splits to average over, >= 1.
    batch_dim : int
        Axis of the examples: 0 for (batch, features), 1 for (num_steps, batch, features) or (R, batch, features).
    rng : numpy.random.Generator, optional
        Draws the splits; default_rng(0) if None.

    Raises
    ------
    ValueError
        If the tensors hold fewer than two examples, or different numbers of them.
    """
    num_splits = check_int("num_splits", num_splits, low=1)
    rng = np.random.default_rng(0) if rng is None else rng
    tensors = (batch,) if isinstance(batch, Tensor) else tuple(batch)
    counts = [tensor.shape[batch_dim] for tensor in tensors]
    if len(set(counts)) != 1 or counts[0] < 2:
        raise ValueError(
            f"batch must hold equally many examples, >= 2, in each tensor, got {counts} on axis {batch_dim}"
        )
    half = counts[0] // 2
    cosines = []
    for _ in range(num_splits):
        order = torch.from_numpy(rng.permutation(counts[0]))
        grads = []
        for chosen in (order[:half], order[half : 2 * half]):
            part = tuple(tensor.index_select(batch_dim, chosen.to(tensor.device)) for tensor in tensors)
            grads.append(layer_gradients(net, loss_fn, part[0] if isinstance(batch, Tensor) else part))
        cosines.append(cosine_similarity(*grads))
    return {layer: sum(cosine[layer] for cosine in cosines) / num_splits for layer in cosines[0]}


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
    products = {}
    for layer in samples[0]:
        a = [_flat(grads[layer]) for grads in samples]
        b = [_flat(grads[layer]) for grads in others]
        same_batch = sum((x * y).sum(-1) for x, y in zip(a, b, strict=True))
        total = (torch.stack(a).sum(0) * torch.stack(b).sum(0)).sum(-1)
        product = (total - same_batch) / (count * (count - 1))
        products[layer] = _measure(product, max(samples[0][layer], others[0][layer], key=Tensor.dim))
    return products


def _layer_weights(net: nn.Module) -> tuple[list[Tensor], bool]:
    """Weights of the layers, and whether they are stored (out, in) as `nn.Linear` does."""
    own = getattr(net, "weights", None)
    linears = [module for module in net.modules() if isinstance(module, nn.Linear)]
    weights = [linear.weight for linear in linears] if own is None else list(own)
    if not weights:
        raise ValueError(f"net must have `weights` or nn.Linear layers, got {type(net).__name__} with neither")
    return weights, own is None


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
