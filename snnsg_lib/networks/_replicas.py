"""Single networks and replicas of one: from each to the other."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from snnsg_lib.surrogates import Surrogate

from . import parts
from .reference import check_replica, single_surrogate, single_value

if TYPE_CHECKING:
    from .mlp import SpikingMLP

NAMES = ("weights", "biases", "betas", "thresholds")
SETTINGS = ("sizes", "num_steps", "reset_mechanism", "detach_reset", "readout", "readout_beta", "escape_noise")


def single(net: SpikingMLP, replica: int) -> SpikingMLP:
    """The network equal to one replica of `net`."""
    if net.replicas is None:
        raise ValueError("net must have replicas to take one out, got a single network")
    check_replica(replica, net.replicas)
    entries = {name: parts.tensors_of(getattr(net, name)) for name in NAMES}
    values: dict[str, list[Any]] = {
        **{name: [None if one is None else one[replica].detach() for one in entries[name]] for name in NAMES[:2]},
        **{name: [single_value(one, replica) for one in entries[name]] for name in NAMES[2:]},
    }
    surrogates = [single_surrogate(surrogate, replica, net.replicas) for surrogate in net.surrogates]
    return _made(net, values, surrogate=_shared_as(net.surrogates, surrogates), seed=net.seeds[replica])


def sloped(net: SpikingMLP, slopes: Sequence[float] | Tensor, surrogate: Any) -> SpikingMLP:
    """One replica of a single network for each slope."""
    slopes = torch.as_tensor(slopes, dtype=torch.float32)
    if slopes.dim() != 1:
        raise ValueError(f"slopes must be a sequence of numbers, one per replica, got shape {tuple(slopes.shape)}")
    given = net.surrogates if surrogate is None else parts.surrogates_per_layer(surrogate, len(net.surrogates))
    own = [_with_slope(one) for one in given]
    copies = {id(one): copy.deepcopy(one) for one in own}
    for one in copies.values():
        one.slope = slopes
    return stack([net] * len(slopes), [copies[id(one)] for one in own])


def _with_slope(surrogate: Any) -> Surrogate:
    if not isinstance(surrogate, Surrogate):
        raise TypeError(f"surrogate must be of this library to take slopes, got {surrogate!r}")
    return surrogate


def stack(nets: Sequence[SpikingMLP], surrogate: Any) -> SpikingMLP:
    """Single networks as the replicas of one."""
    counts = [net.replicas for net in nets]
    if not counts or any(count is not None for count in counts):
        raise ValueError(f"nets must be single networks, one or more, got networks of {counts} replicas")
    first = nets[0]
    for name in (*SETTINGS, *_learning(first)):
        found = [{**vars(net), **_learning(net)}[name] for net in nets]
        if any(value != found[0] for value in found):
            raise ValueError(f"nets must be equal in {name} to be replicas of one network, got {found}")
    entries = {name: [parts.tensors_of(getattr(net, name)) for net in nets] for name in NAMES}
    values = {name: [_stacked(of_layer) for of_layer in zip(*lists, strict=True)] for name, lists in entries.items()}
    surrogate = list(first.surrogates) if surrogate is None else surrogate
    return _made(first, values, surrogate=surrogate, replicas=len(nets), seed=[net.seeds[0] for net in nets])


def _made(net: SpikingMLP, values: dict[str, list[Any]], **arguments: Any) -> SpikingMLP:
    """A network with the settings of `net` and these values."""
    learning: dict[str, Any] = _learning(net)
    made = type(net)(
        beta=[parts.clamped_decay(value) for value in values["betas"]],
        threshold=[parts.clamped_threshold(value) for value in values["thresholds"]],
        noise_rng=copy.deepcopy(net.noise_rng),
        **{name: getattr(net, name) for name in SETTINGS},
        **learning,
        **arguments,
    )
    made.backend = net.backend
    made.to(values["weights"][0])
    with torch.no_grad():
        for name in NAMES:
            for own, value in zip(getattr(made, name), values[name], strict=True):
                if isinstance(own, nn.Parameter):  # also what a learnt value has beyond its range
                    own.copy_(value.reshape(own.shape) if isinstance(value, Tensor) else torch.tensor(value))
    return made


def _learning(net: SpikingMLP) -> dict[str, bool]:
    """What else the constructor must be told, as its arguments."""
    learnt = {"learn_beta": net.betas, "learn_threshold": net.thresholds}
    return {
        **{name: any(getattr(v, "requires_grad", False) for v in values) for name, values in learnt.items()},
        "bias": net.biases[0] is not None,
    }


def _stacked(values: Sequence[Any]) -> Any:
    """One entry of each network: the float that all share, or a tensor (R, ...)."""
    if any(isinstance(value, Tensor) for value in values):
        return torch.stack([torch.atleast_1d(torch.as_tensor(value)).detach() for value in values])
    if values[0] is None or all(value == values[0] for value in values):
        return values[0]
    return torch.tensor(values, dtype=torch.float32).unsqueeze(1)


def _shared_as(old: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    """The new surrogates, one object wherever the old ones were one."""
    first = {id(one): made for one, made in zip(reversed(old), reversed(new), strict=True)}
    return [first[id(one)] for one in old]
