"""What all slope schedules share: the surrogates they move, checked rewards, and a state that can be saved."""

from __future__ import annotations

import copy
from numbers import Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from snnsg_lib.checks import check_number
from snnsg_lib.surrogates import find_surrogates


class SlopeScheduler:
    """Base of the schedules: sets the slope of every library surrogate in a model, once at each call of `step`.

    A schedule of one's own is one small class: give the first slope to ``super().__init__`` and return the next one
    from `next_slope`. Attributes without a leading underscore are its state; they must be plain numbers, strings or
    lists, so that `state_dict` can be written as JSON.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds surrogates of this library, or such a surrogate.
    slope : float or array (R,)
        Slope to begin with, finite and > 0; it is set at once.

    Attributes
    ----------
    count : int
        Calls of `step` so far.
    slope : float or list of float
        In use now; a list where each replica has its own.

    Raises
    ------
    TypeError, ValueError
        If `model` holds no such surrogate or one whose slope is learnt, or the slope is not finite and > 0.

    Examples
    --------
    >>> class HalvedSlope(SlopeScheduler):
    ...     def next_slope(self, reward):
    ...         return max(1.0, self.slope / 2)
    """

    needs_reward = False  # whether step() without a reward is an error

    def __init__(self, model: nn.Module, slope: ArrayLike):
        self._model = model
        self._surrogates = find_surrogates(model, learnt=False)
        self.count = 0
        self.reward_shape: list[int] | None = None  # [] or [R]; None as long as there was no reward
        self._set(slope)

    def next_slope(self, reward: NDArray | None) -> ArrayLike:
        """Return the slope after `count` steps; the one thing that a schedule defines.

        Parameters
        ----------
        reward : ndarray, () or (R,), or None
            Finite; what `step` was given.
        """
        raise NotImplementedError

    def step(self, reward: ArrayLike | Tensor | None = None) -> None:
        """Move on by one step of the schedule, usually after an evaluation.

        Parameters
        ----------
        reward : float or array (R,), optional
            Return of the evaluation, or what else the schedule listens to; finite. One value for each replica gives
            each replica a slope of its own. Schedules that do not listen ignore it.

        Raises
        ------
        TypeError, ValueError
            If `reward` is missing where it is needed, is not a finite number or vector, or has another length than
            before; nothing has changed then.
        """
        checked = self._checked(reward)
        self.count += 1
        self._set(self.next_slope(checked))

    def get_last_slope(self) -> float | Tensor:
        """Slope in use now: a float, or a tensor (R,) where each replica has its own."""
        if isinstance(self.slope, float):
            return self.slope
        return torch.tensor(self.slope, dtype=torch.get_default_dtype(), device=self._device())

    def state_dict(self) -> dict[str, Any]:
        """Settings and state, as plain numbers, strings and lists; a copy."""
        return {name: copy.deepcopy(value) for name, value in vars(self).items() if not name.startswith("_")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict` was called; the surrogates take the slope of that moment again.

        Raises
        ------
        ValueError
            If `state` has other entries than a state of this schedule.
        """
        own = self.state_dict()
        if set(state) != set(own):
            raise ValueError(f"state must have the entries {sorted(own)}, got {sorted(state)}")
        for name, value in state.items():
            setattr(self, name, copy.deepcopy(value))
        self._set(self.slope)

    def __repr__(self) -> str:
        state = ", ".join(f"{name}={value!r}" for name, value in self.state_dict().items())
        return f"{type(self).__name__}({state})"

    def _set(self, slope: ArrayLike) -> None:
        self.slope: float | list[float] = np.asarray(slope, dtype=np.float64).tolist()
        for surrogate in self._surrogates:
            surrogate.slope = self.get_last_slope()

    def _device(self) -> torch.device | None:
        # Looked up at each step: the model may have moved since.
        tensors = [*self._model.parameters(), *self._model.buffers()]
        return tensors[0].device if tensors else None

    def _checked(self, reward: ArrayLike | Tensor | None) -> NDArray | None:
        """Return `reward` as float64, () or (R,), and remember its length; None stays None unless it is needed."""
        if reward is None:
            if self.needs_reward:
                raise TypeError(f"reward must be a finite number or vector for {type(self).__name__}, got None")
            return None
        if isinstance(reward, Real):
            values = np.asarray(check_number("reward", reward))
        else:
            values = reward.detach().cpu().numpy() if isinstance(reward, Tensor) else np.asarray(reward)
        if values.dtype.kind not in "fiu" or values.ndim > 1 or values.size == 0:
            raise TypeError(f"reward must be a finite number, or a vector with one for each replica, got {reward!r}")
        if not np.isfinite(values).all():
            raise ValueError(f"reward must be finite, got {reward!r}")
        shape = list(values.shape)
        if self.reward_shape not in (None, shape):
            raise ValueError(f"reward must keep its shape {self.reward_shape}, got {shape}")
        self.reward_shape = shape
        return values.astype(np.float64)


class FixedSlope(SlopeScheduler):
    """The slope stays as it is: the baseline, with the interface of a schedule.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds surrogates of this library.
    slope : float or array (R,)
        Finite and > 0.
    """

    def next_slope(self, reward: NDArray | None) -> ArrayLike:
        """Return the slope as it is."""
        return self.slope
