"""Measuring leaves everything as it was: buffers, hidden states, modes, attributes and random states."""

from __future__ import annotations

import copy
import functools
import random
import sys
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

CONTAINERS = (list, dict, OrderedDict, defaultdict, set, deque)
GENERATORS = (np.random.Generator, np.random.RandomState, torch.Generator, random.Random)
# Objects of these packages are not searched for generators: their state is their own business, and there are many.
FOREIGN = sys.stdlib_module_names | {"torch", "numpy", "snntorch", "pandas", "scipy", "matplotlib", "joblib", "tqdm"}


@contextmanager
def as_found(*modules: nn.Module, generators: Iterable[Any] | None = ()) -> Iterator[None]:
    """Run modules inside the block; what they keep comes back as it was before, also after an error.

    That is buffers (running statistics, hidden states of snnTorch), attributes, train and eval modes, `.grad`, and the
    random states of torch, NumPy and Python, of the generators that the modules hold and of `generators`. Inside, a
    hidden state that still hangs on the graph of an earlier forward pass is cut from it.

    Parameters
    ----------
    *modules : nn.Module
        With all that they contain.
    generators : iterable, optional
        Further generators; None leaves the random states alone: draws go on.

    Raises
    ------
    ValueError
        If a lazy module has not run yet.
    """
    inside = list(dict.fromkeys(part for module in modules for part in module.modules()))
    for part in inside:
        for name, tensor in (*part._parameters.items(), *part._buffers.items()):
            if isinstance(tensor, nn.UninitializedParameter | nn.UninitializedBuffer):
                raise ValueError(
                    f"{type(part).__name__}.{name} has no shape yet: run the model once before measuring it"
                )
    kept = [_Module(part) for part in inside]
    states = None if generators is None else RandomStates([*generators_in(inside), *generators])
    try:
        for part in inside:
            part._buffers.update({k: v.detach() for k, v in part._buffers.items() if v is not None and v.grad_fn})
        yield
    finally:
        for module in kept:
            module.put_back()
        if states is not None:
            states.put_back()


class RandomStates:
    """The global random states, and those of some generators, at one moment."""

    def __init__(self, generators: Iterable[Any]):
        self.torch = torch.get_rng_state()
        self.cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        self.numpy, self.python = np.random.get_state(), random.getstate()  # noqa: NPY002 (left as found)
        self.generators = [(one, _state_of(one)) for one in {id(one): one for one in generators}.values()]

    def put_back(self) -> None:
        """Make every draw from here on what it would have been at that moment."""
        torch.set_rng_state(self.torch)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)
        np.random.set_state(self.numpy)  # noqa: NPY002
        random.setstate(self.python)
        for generator, state in self.generators:
            _set_state(generator, state)


def generators_in(modules: Iterable[nn.Module]) -> list[Any]:
    """Random generators among the attributes of modules."""
    return [value for module in modules for value in vars(module).values() if isinstance(value, GENERATORS)]


def reachable_from(function: Any) -> tuple[list[nn.Module], list[Any]]:
    """Modules and random generators that a callable can use: in its closure, its arguments, the globals it names."""
    modules, generators = [], []
    todo, seen = [function], {}
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, int | float | str | bytes):
            continue
        seen[id(thing)] = thing  # kept alive, or another object could take its id
        if isinstance(thing, GENERATORS):
            generators.append(thing)
            continue
        if isinstance(thing, nn.Module):
            modules.append(thing)
        todo.extend(_parts_of(thing))
    return modules, generators


def _parts_of(thing: Any) -> Iterable[Any]:
    """What an object holds, as far as a random generator or a module may hide there."""
    if isinstance(thing, dict):
        return thing.values()
    if isinstance(thing, list | tuple | set | frozenset | deque):
        return thing
    if isinstance(thing, functools.partial):
        return (thing.func, *thing.args, *thing.keywords.values())
    if isinstance(thing, types.MethodType):
        return (thing.__self__, thing.__func__)
    if isinstance(thing, types.FunctionType):
        return () if _is_foreign(thing) else _parts_of_function(thing)
    if isinstance(thing, nn.Module):
        return vars(thing).values()
    if isinstance(thing, type | types.ModuleType | Tensor | np.ndarray) or _is_foreign(type(thing)):
        return ()
    return vars(thing).values() if hasattr(thing, "__dict__") else ()


def _is_foreign(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] in FOREIGN


def _parts_of_function(function: types.FunctionType) -> list[Any]:
    parts = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    parts += [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    codes = [function.__code__]
    for code in codes:  # grows by the functions defined inside
        codes.extend(const for const in code.co_consts if isinstance(const, types.CodeType))
        parts += [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    return parts


def _is_filled(cell: types.CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 (an empty cell raises)
    except ValueError:
        return False
    return True


class _Module:
    """Everything one module keeps: attributes, contents of its containers, values and gradients of its tensors."""

    def __init__(self, module: nn.Module):
        self.module, self.attributes = module, dict(vars(module))
        self.containers: list[Any] = [(x, x.copy()) for x in self.attributes.values() if type(x) in CONTAINERS]
        tensors = [*module._buffers.values(), *self.attributes.values()]
        self.tensors = [(x, x.detach().clone()) for x in tensors if isinstance(x, Tensor) and not x.is_inference()]
        self.grads = [(parameter, parameter.grad) for parameter in module._parameters.values() if parameter is not None]

    def put_back(self) -> None:
        attributes = vars(self.module)
        attributes.clear()
        attributes.update(self.attributes)
        for container, contents in self.containers:
            container.clear()
            (container.extend if isinstance(container, list | deque) else container.update)(contents)
        with torch.no_grad():
            for tensor, value in self.tensors:
                if not torch.equal(tensor, value):  # batch_norm changes its buffers without counting it as a version
                    tensor.copy_(value)
        for parameter, grad in self.grads:
            parameter.grad = grad


def _state_of(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator.bit_generator.state)
    if isinstance(generator, random.Random):
        return generator.getstate()
    return generator.get_state()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)
