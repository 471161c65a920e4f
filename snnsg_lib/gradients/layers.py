"""Which weights of a module are its layers: found wherever they live, in the order in which they are first used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from snnsg_lib.networks import RecurrentLIF, SpikingMLP
from snnsg_lib.surrogates import Surrogate

# Elementwise gains, not weights.
NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
OUT_FIRST = (nn.Linear, nn.modules.conv._ConvNd, nn.RNNBase, nn.RNNCellBase, nn.Bilinear, nn.MultiheadAttention)


@dataclass(frozen=True)
class Layer:
    """One weight of a module.

    Attributes
    ----------
    name : str
        Of the module that holds the weight, or of the weight itself where that module holds several or none.
    weight : Tensor
        What the gradient is taken with respect to.
    layout : str
        ``"stacked"``: (in, out) or (R, in, out); ``"bare"``: (in, out), (R, in, out) if the loss has R entries, else
        (out, ...); ``"out first"``: (out, ...), as nn.Linear and nn.Conv2d; ``"transposed"``: as nn.ConvTranspose2d.
    groups : int
        Of a transposed convolution.
    """

    name: str
    weight: Tensor
    layout: str
    groups: int = 1

    def as_matrix(self, grad: Tensor, replicas: int | None) -> Tensor:
        """Gradient as (in, out), all that one output neuron or channel weighs in one column; or (R, in, out)."""
        stacked = grad.ndim == 3 and (self.layout == "stacked" or len(grad) == replicas)
        if self.layout in ("stacked", "bare") and (grad.ndim == 2 or stacked):
            return grad
        if self.layout == "transposed":  # (in, out / groups, ...)
            grouped = grad.reshape(self.groups, grad.shape[0] // self.groups, grad.shape[1], -1)
            return grouped.permute(1, 3, 0, 2).reshape(-1, self.groups * grad.shape[1])
        return grad.flatten(1).mT


def find_layers(net: nn.Module) -> list[Layer]:
    """Every weight of two or more dimensions, shared ones once, in the order in which they were registered.

    Biases, gains of normalisation and the constants of neurons (beta, threshold, ...) are no weights. Call it inside
    `parametrize.cached()`: a parametrised weight is then the tensor that the forward pass uses.

    Raises
    ------
    ValueError
        If there is none.
    """
    found: dict[int, Layer] = {}
    for layer in _walk(net, ""):
        found.setdefault(id(layer.weight), layer)
    if not found:
        raise ValueError(
            f"net must have `weights` or nn.Linear layers, or any other weight of two or more dimensions, got "
            f"{type(net).__name__} with none"
        )
    return list(found.values())


def _walk(module: nn.Module, path: str) -> Iterator[Layer]:
    if isinstance(module, SpikingMLP | RecurrentLIF):
        names = {id(parameter): name for name, parameter in module.named_parameters()}
        for number in range(len(module.weights)):
            weight = module.weights[number]
            yield Layer(path + names.get(id(weight), f"weights.{number}"), weight, "stacked")
        return
    own = _own_weights(module)
    for name, weight in own.items():
        only_one = name == "weight" and len(own) == 1 and path
        yield _layer(module, path[:-1] if only_one else path + name, weight)
    for name, value in vars(module).items():
        yield from _loose_weights(path + name, name, value)
    for name, child in module.named_children():
        if name != "parametrizations":
            yield from _walk(child, f"{path}{name}.")


def _own_weights(module: nn.Module) -> dict[str, Tensor]:
    """Weights that the module itself registers, parametrised ones as the forward pass sees them."""
    if isinstance(module, (*NORMS, Surrogate)) or _is_spiking_neuron(module):
        return {}
    own = {name: value for name, value in module._parameters.items() if value is not None}
    if parametrize.is_parametrized(module):
        own |= {name: getattr(module, name) for name, _ in module.get_submodule("parametrizations").named_children()}
    return {name: value for name, value in own.items() if _is_weight(value) and not name.startswith("bias")}


def _is_spiking_neuron(module: nn.Module) -> bool:
    import snntorch

    return isinstance(module, snntorch.SpikingNeuron)


def _is_weight(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim >= 2 and (value.is_floating_point() or value.is_complex())


def _layer(module: nn.Module, name: str, weight: Tensor) -> Layer:
    if isinstance(module, TRANSPOSED):
        return Layer(name, weight, "transposed", module.groups)
    if isinstance(module, OUT_FIRST):
        return Layer(name, weight, "out first")
    # What a list called `weights` holds has replicas in front, if it has a third axis.
    return Layer(name, weight, "stacked" if name.split(".")[-2:-1] == ["weights"] else "bare")


def _loose_weights(path: str, name: str, value: Any) -> Iterator[Layer]:
    """Weights that were never registered: tensors, or lists of them, that learn; a list `weights` is taken as it is."""
    if name == "weights" and isinstance(value, list | tuple) and all(map(_is_weight, value)):
        yield from (Layer(f"{path}.{number}", weight, "stacked") for number, weight in enumerate(value))
        return
    for number, one in enumerate(value if isinstance(value, list | tuple) else [value]):
        if _is_weight(one) and one.requires_grad and one.is_leaf:
            yield Layer(path if one is value else f"{path}.{number}", one, "bare")


class FirstUse(TorchFunctionMode):
    """Inside the with block, take down in which order the weights of `layers` are used by torch functions."""

    def __init__(self, layers: Iterable[Layer]):
        super().__init__()
        self.layers = list(layers)
        self.unused = {id(layer.weight): number for number, layer in enumerate(self.layers)}
        self.rank: dict[int, int] = {}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        """Look at the arguments of each function that returns tensors: one that only asks for a shape is no use."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if self.unused and isinstance(result, Tensor | tuple | list):
            for value in (*args, *kwargs.values()):
                for one in value if isinstance(value, list | tuple) else (value,):
                    if id(one) in self.unused and _holds_tensor(result):
                        self.rank[self.unused.pop(id(one))] = len(self.rank)
        return result

    def in_order(self) -> list[Layer]:
        """Layers by first use; one that was not seen stays behind the one registered before it."""
        ranks: list[int] = []
        for number in range(len(self.layers)):
            ranks.append(self.rank.get(number, ranks[-1] if ranks else -1))
        return [self.layers[number] for number in sorted(range(len(ranks)), key=lambda n: (ranks[n], n))]


def _holds_tensor(result: Any) -> bool:
    return isinstance(result, Tensor) or any(isinstance(one, Tensor) for one in result)


def choose_layers(layers: list[Layer], chosen: Sequence[int | str] | int | str | None) -> dict[int, Layer]:
    """Return {number: layer} of the layers asked for, by number or name; all of them for None. They must learn.

    Raises
    ------
    TypeError, ValueError
        If there is no such layer, or one does not require a gradient.
    """
    numbered = dict(enumerate(layers))
    if chosen is not None:
        wanted = [chosen] if isinstance(chosen, int | str) else list(chosen)
        numbers = {number for one in wanted for number in _numbers_of(one, layers)}
        numbered = {number: layer for number, layer in numbered.items() if number in numbers}
    if not numbered:
        raise ValueError("layers must hold at least one number or name, got none")
    frozen = [f"{number} ({layer.name})" for number, layer in numbered.items() if not layer.weight.requires_grad]
    if frozen:
        rest = [number for number, layer in numbered.items() if layer.weight.requires_grad]
        raise ValueError(
            f"every layer must learn, but requires_grad is False in layer {', '.join(frozen)}: "
            f"unfreeze it, or leave it out with layers={rest}"
        )
    return numbered


def _numbers_of(one: int | str, layers: list[Layer]) -> list[int]:
    if isinstance(one, bool) or not isinstance(one, int | str):
        raise TypeError(f"layers must hold numbers or names of layers, got {one!r}")
    found = [n for n, layer in enumerate(layers) if one == n or layer.name == one or layer.name.startswith(f"{one}.")]
    if not found:
        names = ", ".join(f"{number} ({layer.name})" for number, layer in enumerate(layers))
        raise ValueError(f"layers must be among {names}, got {one!r}")
    return found
