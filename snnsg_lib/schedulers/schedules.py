"""The paper's two schedules, and one that holds a measured quantity at a target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import nn

from snnsg_lib.checks import check_choice, check_int, check_number

from .base import SlopeScheduler

SPACINGS = ("linear", "geometric")


class IntervalSlope(SlopeScheduler):
    """From one slope to another in steps at a fixed interval; it ends exactly at `end` and stays there.

    The paper goes from 1 to 100. From 100 to 1, reversed, the same schedule is a control: it spends as long at every
    slope.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds surrogates of this library.
    start, end : float
        First and last slope, > 0.
    changes : int
        How many times the slope changes, >= 1.
    interval : int
        Calls of `step` from one change to the next, >= 1.
    spacing : {"linear", "geometric"}
        Equal differences or equal ratios between one slope and the next.
    """

    def __init__(
        self,
        model: nn.Module,
        start: float = 1.0,
        end: float = 100.0,
        changes: int = 10,
        interval: int = 1,
        spacing: str = "linear",
    ):
        self.start = check_number("start", start, above=0.0)
        self.end = check_number("end", end, above=0.0)
        self.changes = check_int("changes", changes, low=1)
        self.interval = check_int("interval", interval, low=1)
        self.spacing = check_choice("spacing", spacing, SPACINGS)
        super().__init__(model, self.start)

    def next_slope(self, reward: NDArray | None) -> ArrayLike:
        """Return the slope after `count` steps, whatever the reward."""
        share = min(self.count // self.interval, self.changes) / self.changes
        return _between(self.start, self.end, np.asarray(share), self.spacing)


class AdaptiveSlope(SlopeScheduler):
    r"""The slope follows the reward and its trend: steep where the agent does well or gets better.

    The paper writes, with rewards :math:`r`, their first differences :math:`r'` and two weights,

    .. math:: k_t = \frac{1}{10} \sum_{i=0}^{9} (w_p r_{t-i} + w_d r'_{t-i}),

    and says that the first term keeps the slope up once performance is at its best. As it stands, the result has the
    unit of the reward, no bounds, and depends on the size of the weights. Three steps make it a slope between `low`
    and `high`:

    1. the reward is scaled by `reward_range` and clipped, :math:`\hat r \in [0, 1]`, and so
       :math:`\hat r'_t = \hat r_t - \hat r_{t-1} \in [-1, 1]`;
    2. the sum is divided by :math:`w_p`, so that lasting full reward (:math:`\hat r = 1, \hat r' = 0`) gives 1 and
       lasting failure 0: :math:`s = \overline{\hat r} + (w_d / w_p) \, \overline{\hat r'}`;
    3. :math:`[0, 1]` is stretched to the range of slopes:
       :math:`k = \operatorname{clip}(low + (high - low) s, low, high)`.

    Means are taken over the last `window` rewards, or over those there are; the very first difference is 0. With
    :math:`w_p = 0` nothing can be divided by it: :math:`s = w_d \overline{\hat r'}`, which falls back to `low` wherever
    the reward stays as it is.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds surrogates of this library.
    reward_range : (float, float)
        Rewards of failure and of full success, the first below the second.
    slope_range : (float, float)
        `low` and `high`, 0 < low < high.
    window : int
        Rewards in the means, >= 1.
    weights : (float, float)
        :math:`w_p` of the reward and :math:`w_d` of its difference, >= 0 and not both 0.
    spacing : {"linear", "geometric"}
        ``"geometric"``: the third step is k = low (high / low)^s.
    """

    needs_reward = True

    def __init__(
        self,
        model: nn.Module,
        reward_range: tuple[float, float],
        slope_range: tuple[float, float] = (1.0, 100.0),
        window: int = 10,
        weights: tuple[float, float] = (0.5, 0.5),
        spacing: str = "linear",
    ):
        self.worst, self.best = _check_range("reward_range", reward_range)
        self.low, self.high = _check_range("slope_range", slope_range, above=0.0)
        self.window = check_int("window", window, low=1)
        self.weight_reward, self.weight_change = (
            check_number("weights", w, low=0.0) for w in _pair("weights", weights)
        )
        if self.weight_reward == 0 and self.weight_change == 0:
            raise ValueError(f"weights must not both be 0, got {weights}")
        self.spacing = check_choice("spacing", spacing, SPACINGS)
        self.rewards: list[float | list[float]] = []  # scaled; one more than the window, for the first difference
        super().__init__(model, self.low)

    def next_slope(self, reward: NDArray | None) -> ArrayLike:
        """Return the slope after one more reward."""
        assert reward is not None
        scaled = np.clip((reward - self.worst) / (self.best - self.worst), 0.0, 1.0)
        self.rewards = [*self.rewards, scaled.tolist()][-(self.window + 1) :]
        return _between(self.low, self.high, np.clip(self._weighted_means(), 0.0, 1.0), self.spacing)

    def _weighted_means(self) -> NDArray:
        scaled = np.array(self.rewards)
        change = np.diff(scaled, axis=0, prepend=scaled[:1])
        mean_reward, mean_change = (values[-self.window :].mean(axis=0) for values in (scaled, change))
        if self.weight_reward == 0:
            return self.weight_change * mean_change
        return mean_reward + self.weight_change / self.weight_reward * mean_change


class CubicSlope(SlopeScheduler):
    r"""The adaptive schedule as Van den Berghe et al. (2025) published it in code, which differs from their equation.

    With :math:`\hat r` the reward on `reward_range`, clipped to [0, 1], it is :math:`k = start + scale \, \hat r^3`: a
    crash hardly moves the slope. With `trend` it also listens to how the reward changes, and stops at a share of it:
    :math:`k = start + scale \, (\hat r^3 + \tanh \overline{r'})`, the mean increase of the last `window` rewards in
    their own unit, until :math:`\hat r` is above `hold_above`; as long as it is, the slope stays as it is.

    Two things are ours: rewards outside the range are clipped, and the slope never falls below `start`, where the
    published one has no bounds and can become negative.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds surrogates of this library.
    reward_range : (float, float)
        Rewards that count as 0 and as 1; theirs are 0 and 400.
    start, scale : float
        First and smallest slope, and what full reward adds to it, > 0.
    trend : bool
        Whether the increase of the reward counts, and a good one holds the slope.
    window : int
        Increases in the mean, >= 1.
    hold_above : float
        In [0, 1]; only with `trend`.
    """

    needs_reward = True

    def __init__(
        self,
        model: nn.Module,
        reward_range: tuple[float, float],
        start: float = 1.0,
        scale: float = 100.0,
        trend: bool = False,
        window: int = 10,
        hold_above: float = 0.3,
    ):
        self.worst, self.best = _check_range("reward_range", reward_range)
        self.start = check_number("start", start, above=0.0)
        self.scale = check_number("scale", scale, above=0.0)
        if not isinstance(trend, bool):
            raise TypeError(f"trend must be True or False, got {trend!r}")
        self.trend = trend
        self.window = check_int("window", window, low=1)
        self.hold_above = check_number("hold_above", hold_above, low=0.0, high=1.0)
        self.rewards: list[float | list[float]] = []  # one more than the window
        super().__init__(model, self.start)

    def next_slope(self, reward: NDArray | None) -> ArrayLike:
        """Return the slope after one more reward."""
        assert reward is not None
        scaled = np.clip((reward - self.worst) / (self.best - self.worst), 0.0, 1.0)
        if not self.trend:
            return self.start + self.scale * scaled**3
        self.rewards = [*self.rewards, reward.tolist()][-(self.window + 1) :]
        increases = np.diff(np.array(self.rewards), axis=0)
        increase = increases.mean(axis=0) if len(increases) else np.zeros_like(scaled)
        moved = self.start + self.scale * (scaled**3 + np.tanh(increase))
        return np.where(scaled > self.hold_above, self.slope, np.maximum(moved, self.start))


class TargetSlope(SlopeScheduler):
    """The slope moves until a measured quantity is at its target: an integral controller of log k.

    At each call ``step(value)``: log k <- log k - gain (value - target), within the range. The value may be the share
    of dead neurons, the reliability of the gradient, a Lyapunov exponent: whatever the caller measures.

    Parameters
    ----------
    model : nn.Module
        Any torch model that holds surrogates of this library.
    target : float
        Where the quantity shall be.
    gain : float
        Change of log k for each unit above the target. > 0 where the quantity grows with the slope (dead neurons);
        < 0 where it falls.
    slope_range : (float, float)
        Smallest and largest slope, 0 < low < high.
    start : float, optional
        Slope to begin with, in the range; the geometric middle by default.
    """

    needs_reward = True

    def __init__(
        self,
        model: nn.Module,
        target: float,
        gain: float = 1.0,
        slope_range: tuple[float, float] = (1.0, 100.0),
        start: float | None = None,
    ):
        self.target = check_number("target", target)
        self.gain = check_number("gain", gain)
        if self.gain == 0:
            raise ValueError("gain must not be 0, got 0")
        self.low, self.high = _check_range("slope_range", slope_range, above=0.0)
        middle = float(np.sqrt(self.low * self.high))
        super().__init__(model, check_number("start", middle if start is None else start, low=self.low, high=self.high))

    def next_slope(self, reward: NDArray | None) -> ArrayLike:
        """Return the slope after one more measured value."""
        assert reward is not None
        logarithm = np.log(self.slope) - self.gain * (reward - self.target)
        inside = np.clip(logarithm, np.log(self.low), np.log(self.high))
        return np.clip(np.exp(inside), self.low, self.high)  # exp(log k) may miss the ends by a rounding


def _between(start: float, end: float, share: NDArray, spacing: str) -> NDArray:
    """Value at `share` of the way from `start` to `end`: exactly `start` at 0, exactly `end` at 1, never outside."""
    way = start + (end - start) * share if spacing == "linear" else start * (end / start) ** share
    inside = np.clip(way, min(start, end), max(start, end))
    return np.where(share == 0, start, np.where(share == 1, end, inside))


def _pair(name: str, values: Sequence[float]) -> tuple[float, float]:
    if not isinstance(values, Sequence) or len(values) != 2:
        raise TypeError(f"{name} must be two numbers, got {values!r}")
    return values[0], values[1]


def _check_range(name: str, values: Sequence[float], above: float = -np.inf) -> tuple[float, float]:
    low, high = (check_number(name, value, above=above) for value in _pair(name, values))
    if low >= high:
        raise ValueError(f"{name} must have its first number below its second, got {values!r}")
    return low, high
