"""Run a module once and see whether it is a chain: each part called on what the one before it returned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from snnsg_lib.measuring import as_found

from .neurons import find_neurons

# What changes no value: nn.Flatten of rows, nn.Identity.
WITHOUT_EFFECT = (nn.Identity, nn.Flatten)


@dataclass
class _Call:
    """One call of a part of a module: what it got, returned, and kept as its membrane potential."""

    module: nn.Module
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any
    mem: Tensor | None

    @property
    def result(self) -> Tensor:
        """First of what was returned: the spikes of a neuron."""
        return self.output[0] if isinstance(self.output, tuple) else self.output

    @property
    def given_mem(self) -> Tensor | None:
        """Membrane potential that the caller handed over."""
        return self.args[1] if len(self.args) > 1 else self.kwargs.get("mem")


class Trace:
    """What a module did: the parts that it called, step by step.

    Attributes
    ----------
    chain : list of nn.Module
        In order of execution.
    num_steps : int
        How often it ran.
    """

    def __init__(self, calls: list[_Call]):
        self.chain = list(dict.fromkeys(call.module for call in calls))
        length = len(self.chain)
        if [call.module for call in calls] != self.chain * (len(calls) // length):
            order = " > ".join(call.name for call in calls[: 2 * length])
            raise ValueError(f"module must call its parts in the same order in every step, got {order} ...")
        self._steps = [calls[start : start + length] for start in range(0, len(calls), length)]
        self.num_steps = len(self._steps)

    def check(self) -> None:
        """Raise ValueError unless each part got what the one before it returned, and each neuron its own last state."""
        for number, step in enumerate(self._steps):
            if step[0].args[0].requires_grad:
                raise ValueError(
                    f"input of {step[0].name} must not depend on what the module has computed (recurrence)"
                )
            for before, call in pairwise(step):
                if not _is_same(call.args[0], before.result):
                    raise ValueError(f"{call.name} must be called on what {before.name} returns, got something else")
            for place, call in enumerate(step):
                _check_state(call, self._steps[number - 1][place] if number else None)

    @property
    def inputs(self) -> Tensor:
        """Inputs of the first part, (num_steps, batch, in)."""
        given = [step[0].args[0].detach() for step in self._steps]
        return torch.stack([x.reshape(-1, x.shape[-1]) for x in given])

    @property
    def mems(self) -> list[Tensor]:
        """Membrane potential after each step, (num_steps, ..., neurons), neuron by neuron."""
        kept = [[call.mem.detach() for call in step if call.mem is not None] for step in self._steps]
        return [torch.stack(mems) for mems in zip(*kept, strict=True)]


def _is_same(given: Any, returned: Tensor) -> bool:
    """Whether a tensor is another, or a view of all of it, on the same graph."""
    return (
        isinstance(given, Tensor)
        and given.untyped_storage().data_ptr() == returned.untyped_storage().data_ptr()
        and given.numel() == returned.numel()
        and given.requires_grad == returned.requires_grad
    )


def _check_state(call: _Call, before: _Call | None) -> None:
    given = call.given_mem
    if given is None or call.mem is None:
        return
    if before is None and bool(given.any()):
        raise ValueError(f"{call.name} must begin with a membrane potential of zero, got another one")
    if before is not None and before.mem is not None and not _is_same(given, before.mem):
        raise ValueError(f"{call.name} must get the membrane potential that it returned, attached, got another one")


def trace_chain(module: nn.Module, example: Tensor | None = None) -> Trace:
    """Run `module` on `example`, its neurons from rest, and return what it did; the module is left as it was."""
    neurons = list(find_neurons(module).values())
    leaves = _leaves_of(module, neurons)
    calls: list[_Call] = []

    def note(name: str, part: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        mem: Any = getattr(part, "mem", None) if part in neurons else None
        calls.append(_Call(part, name, args, kwargs, output, mem))

    hooks = [part.register_forward_hook(partial(note, name), with_kwargs=True) for name, part in leaves.items()]
    try:
        with as_found(module), torch.enable_grad():
            for neuron in neurons:
                reset: Any = getattr(neuron, "reset_mem", None)
                if reset is not None:
                    reset()
            module(_example_for(module) if example is None else example)
    except (RuntimeError, TypeError, IndexError) as error:
        raise ValueError(f"module must run on its example, got {error}: give it one with example=") from error
    finally:
        for hook in hooks:
            hook.remove()
    called = {call.module for call in calls}
    idle = [name for name, part in leaves.items() if part not in called]
    if idle or not calls:
        raise ValueError(f"module must call all of its parts, but it did not call {', '.join(idle) or 'any'}")
    return Trace(calls)


def _leaves_of(module: nn.Module, neurons: list[nn.Module]) -> dict[str, nn.Module]:
    """Parts that compute something: neurons, and what has no parts itself and belongs to none of them."""
    skipped = {part for neuron in neurons for part in neuron.modules()} - set(neurons)
    return {
        name: part
        for name, part in module.named_modules()
        if part not in skipped
        and not isinstance(part, WITHOUT_EFFECT)
        and (part in neurons or next(part.children(), None) is None)
    }


def _example_for(module: nn.Module) -> Tensor:
    first = next((part for part in module.modules() if isinstance(part, nn.Linear)), None)
    if first is None:
        raise ValueError(
            f"module must be a chain of nn.Linear and snn.Leaky, got {type(module).__name__} without Linear"
        )
    rows = torch.randn(8, first.in_features, generator=torch.Generator().manual_seed(0))
    return 2 * rows.to(first.weight)
