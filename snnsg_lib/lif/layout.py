"""Two layouts of a sequence: as steps for the scan, as rows of a matrix for the products between layers."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def as_steps(rows: Tensor, num_steps: int | None) -> Tensor:
    """View ([replicas,] num_steps * batch, neurons) as (num_steps, [replicas,] batch, neurons), given num_steps."""
    if num_steps is None:
        return rows
    if rows.dim() == 2:
        return rows.reshape(num_steps, -1, rows.shape[-1])
    return rows.reshape(rows.shape[0], num_steps, -1, rows.shape[-1]).movedim(1, 0)


def as_rows(steps: Tensor, num_steps: int | None) -> Tensor:
    """Inverse of `as_steps`."""
    if num_steps is None:
        return steps
    return steps.flatten(0, 1) if steps.dim() == 3 else steps.movedim(1, 0).flatten(1, 2)


def step_arrays(block: Tensor | None, num_steps: int | None) -> Any:
    """`as_steps` as an array; views in NumPy cost a fraction of those in torch."""
    if block is None or num_steps is None:
        return None if block is None else block.detach().numpy()
    rows = block.detach().numpy()
    if rows.ndim == 2:
        return rows.reshape(num_steps, -1, rows.shape[-1])
    return rows.reshape(rows.shape[0], num_steps, -1, rows.shape[-1]).swapaxes(0, 1)
