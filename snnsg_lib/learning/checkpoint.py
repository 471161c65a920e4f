"""Checkpoints: arrays in NumPy's .npz without pickle, everything else as JSON inside it, a SHA-256 over both."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.store.files import CorruptResultError, write_atomically


def write_checkpoint(path: str | Path, arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any]) -> None:
    """Write `arrays` and the JSON-able `plain` to one file, whole or not at all."""
    text = json.dumps(plain, allow_nan=False)
    stream = io.BytesIO()
    np.savez(stream, plain=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]
    data = stream.getvalue()
    write_atomically(Path(path), hashlib.sha256(data).digest() + data)


def read_checkpoint(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return what `write_checkpoint` wrote; CorruptResultError if a single bit differs."""
    content = Path(path).read_bytes()
    digest, data = content[:32], content[32:]
    if hashlib.sha256(data).digest() != digest:
        raise CorruptResultError(f"{path} is not a whole checkpoint: its checksum does not agree")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return arrays, json.loads(arrays.pop("plain").tobytes().decode())


def module_arrays(name: str, module: nn.Module) -> dict[str, np.ndarray]:
    """Parameters of `module` as arrays, their names prefixed."""
    return {f"{name}.{key}": value.detach().cpu().numpy() for key, value in module.state_dict().items()}


def load_module(name: str, module: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Put back what `module_arrays` took."""
    module.load_state_dict({key: torch.from_numpy(arrays[f"{name}.{key}"].copy()) for key in module.state_dict()})


def optimizer_arrays(name: str, optimizer: torch.optim.Optimizer) -> dict[str, np.ndarray]:
    """Moments and step counts of `optimizer` as arrays."""
    states = optimizer.state_dict()["state"]
    return {
        f"{name}.{index}.{key}": value.cpu().numpy()
        for index, state in states.items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def load_optimizer(name: str, optimizer: torch.optim.Optimizer, arrays: Mapping[str, np.ndarray]) -> None:
    """Put back what `optimizer_arrays` took."""
    states: dict[int, dict[str, Tensor]] = {}
    for key, value in arrays.items():
        if key.startswith(f"{name}."):
            index, entry = key[len(name) + 1 :].split(".")
            states.setdefault(int(index), {})[entry] = torch.from_numpy(value.copy())
    optimizer.load_state_dict({**optimizer.state_dict(), "state": states})
