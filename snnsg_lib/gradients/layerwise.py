"""The gradient of a loss layer by layer, of any module, and how well a batch determines it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from snnsg_lib.by_layer import ByLayer, names_of
from snnsg_lib.checks import check_int
from snnsg_lib.measuring import as_found
from snnsg_lib.networks import RecurrentLIF, SpikingMLP

from .layers import FirstUse, choose_layers, find_layers
from .measures import Gradients, Loss, Measure, cosine_similarity


def layer_gradients(
    net: nn.Module,
    loss_fn: Loss,
    batch: Any,
    *,
    layers: Sequence[int | str] | int | str | None = None,
    fresh_noise: bool = False,
) -> Gradients:
    """Gradient of a loss with respect to the weights of each layer; everything else is left as it was.

    Every weight of two or more dimensions is a layer, wherever the module keeps it: linear, convolutional and recurrent
    ones, snnTorch's recurrent neurons, bare parameters. Their order is that of their first use. Biases, gains of
    normalisation and the constants of neurons (beta, threshold) are not layers.

    Parameters
    ----------
    net : nn.Module
        A `SpikingMLP` or `RecurrentLIF` (its `weights`), or any other module. Its `.grad`, running statistics, hidden
        states, modes and random states stay as they were.
    loss_fn : callable
        ``loss_fn(net, batch)`` returns a scalar, or one loss per replica, (R,). The losses are summed, so that
        a replica's gradient is the one it would have alone; a mean over replicas would divide it by R.
    batch : object
        Handed to `loss_fn` as it is.
    layers : int, str or sequence of them, optional
        Only these, by number or by name; a module's name stands for all its weights. They keep their numbers.
    fresh_noise : bool
        By default random states come back (dropout, escape noise), so that two calls meet the same noise: right for a
        comparison of slopes. True lets the draws go on from call to call: right for an average over noise.

    Returns
    -------
    dict of int to Tensor
        Layer 0 is the first hidden layer, the last one the output; (in, out) or (R, in, out). A convolution is
        the matrix (in channels times kernel, out channels) that it multiplies each patch by. `names` of the dictionary
        says what the module calls each. A layer that the loss does not depend on has a gradient of zeros.

    Raises
    ------
    ValueError
        If the net has no layers, one of them is frozen, the loss does not depend on its weights, or loss or gradient is
        NaN or infinite.

    Warns
    -----
    UserWarning
        Names the layers that the loss does not depend on.
    """
    with as_found(net, generators=None if fresh_noise else ()), parametrize.cached(), torch.enable_grad():
        if isinstance(net, SpikingMLP | RecurrentLIF):
            loss = loss_fn(net, batch)
            candidates = find_layers(net)  # behind the forward pass: torch's tools may set the weights in it
        else:
            with FirstUse(find_layers(net)) as first_use:
                loss = loss_fn(net, batch)
            candidates = first_use.in_order()
        _check_loss(loss)
        chosen = choose_layers(candidates, layers)
        found = torch.autograd.grad(loss.sum(), [layer.weight for layer in chosen.values()], allow_unused=True)
    names = {number: layer.name for number, layer in chosen.items()}
    untouched = [f"{number} ({names[number]})" for number, grad in zip(chosen, found, strict=True) if grad is None]
    if untouched:
        warnings.warn(f"the loss does not depend on layer {', '.join(untouched)}: its gradient is 0", stacklevel=2)
    grads: Gradients = ByLayer(names=names)
    for (number, layer), grad in zip(chosen.items(), found, strict=True):
        grad = torch.zeros_like(layer.weight) if grad is None else grad
        if not bool(torch.isfinite(grad).all()):
            raise ValueError(
                f"gradient of layer {number} must be finite, got NaN or infinity at loss {loss.tolist()} "
                f"({names[number]})"
            )
        grads[number] = layer.as_matrix(grad, len(loss) if loss.ndim else None)
    return grads


def _check_loss(loss: object) -> None:
    if not isinstance(loss, Tensor) or loss.ndim > 1:
        shape = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise ValueError(f"loss_fn must return a scalar tensor or one loss per replica, (R,), got {shape}")
    if not loss.requires_grad:
        raise ValueError(
            "loss_fn must return a loss that depends on the weights of net, got one without a graph "
            "(no weight that learns was used, or it was computed under torch.no_grad)"
        )


def gradient_reliability(
    net: nn.Module,
    loss_fn: Loss,
    batch: Tensor | tuple[Tensor, ...],
    *,
    num_splits: int = 1,
    batch_dim: int | Sequence[int] = 0,
    rng: np.random.Generator | None = None,
    layers: Sequence[int | str] | int | str | None = None,
) -> Measure:
    """Cosine between the gradients of two random halves of a batch, layer by layer: {layer: float or (R,)}.

    1: the gradient is the same whichever examples are drawn; 0: it is all sampling noise. It is the noise floor of any
    comparison with that gradient, since even the same slope on other examples agrees with it no better than this. With
    independent examples a gradient of twice as many has reliability 2 r / (1 + r) (Spearman-Brown).

    Parameters
    ----------
    net, loss_fn, layers
        As for `layer_gradients`; random states are left as they were, and the halves meet different noise.
    batch : Tensor or tuple of Tensor
        Cut along `batch_dim`, every tensor at the same examples; with an odd number one example is left out.
    num_splits : int
        Random splits to average over, >= 1.
    batch_dim : int or sequence of int
        Axis of the examples: 0 for (batch, features), 1 for (num_steps, batch, features) or (R, batch, features). One
        for each tensor where they differ, as ``(1, 0)`` for inputs (num_steps, batch, features) with labels (batch,);
        of a single number, a tensor with fewer axes takes its last one.
    rng : numpy.random.Generator, optional
        Draws the splits; default_rng(0) if None.

    Raises
    ------
    TypeError, ValueError
        If the batch holds anything but tensors, fewer than two examples, or different numbers of them.
    """
    num_splits = check_int("num_splits", num_splits, low=1)
    rng = np.random.default_rng(0) if rng is None else rng
    tensors = (batch,) if isinstance(batch, Tensor) else tuple(batch)
    dims = _example_axes(tensors, batch_dim)
    counts = [tensor.shape[dim] for tensor, dim in zip(tensors, dims, strict=True)]
    if len(set(counts)) != 1 or counts[0] < 2:
        raise ValueError(
            f"batch must hold equally many examples, >= 2, in each tensor, got {counts} on axis {batch_dim}; "
            "batch_dim takes one axis a tensor, e.g. (1, 0)"
        )
    half = counts[0] // 2
    cosines = []
    with as_found(net):
        for _ in range(num_splits):
            order = torch.from_numpy(rng.permutation(counts[0]))
            grads = []
            for rows in (order[:half], order[half : 2 * half]):
                part = tuple(x.index_select(dim, rows.to(x.device)) for x, dim in zip(tensors, dims, strict=True))
                data = part[0] if isinstance(batch, Tensor) else part
                grads.append(layer_gradients(net, loss_fn, data, layers=layers, fresh_noise=True))
            cosines.append(cosine_similarity(*grads))
    means = {layer: sum(cosine[layer] for cosine in cosines) / num_splits for layer in cosines[0]}
    return ByLayer(means, names_of(cosines[0]))


def _example_axes(tensors: tuple[Any, ...], batch_dim: int | Sequence[int]) -> list[int]:
    """Axis of the examples of each tensor, >= 0."""
    for tensor in tensors:
        if not isinstance(tensor, Tensor) or tensor.ndim == 0:
            raise TypeError(f"batch must be a tensor or a tuple of tensors with an axis of examples, got {tensor!r}")
    if isinstance(batch_dim, Sequence):
        dims = [check_int("batch_dim", dim, low=-8) for dim in batch_dim]
    else:
        dim = check_int("batch_dim", batch_dim, low=-8)
        dims = [min(dim, tensor.ndim - 1) for tensor in tensors]
    if len(dims) != len(tensors) or not all(-x.ndim <= dim < x.ndim for x, dim in zip(tensors, dims, strict=False)):
        shapes = [tuple(tensor.shape) for tensor in tensors]
        raise ValueError(f"batch_dim must be an axis of each tensor, or one for each, got {batch_dim!r} for {shapes}")
    return [dim % tensor.ndim for tensor, dim in zip(tensors, dims, strict=True)]
