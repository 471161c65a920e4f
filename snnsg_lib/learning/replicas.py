"""Slopes x seeds as replicas: what slope each has now, and random streams that depend on the seed alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from snnsg_lib.checks import check_int, check_number
from snnsg_lib.surrogates import FastSigmoid, Slope, Surrogate

# Purposes of the random streams of a seed: any two differ, and adding one changes none of the others.
EXPLORATION, SMOOTHING, BATCHES, STARTS, EVALUATION, CRITICS, PROBE = range(1, 8)


class Schedule(Protocol):
    """A slope over training, as in `snnsg_lib.schedulers`."""

    def step(self, reward: float | None = None) -> Any:
        """Take the return of an evaluation and move on."""

    def get_last_slope(self) -> Any:
        """Return the slope in use now."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain numbers, strings and lists."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where `state_dict` was called."""


SlopeOrFactory = float | Callable[[Surrogate], Schedule]
SurrogateFamily = Callable[[Any], Surrogate]  # slope -> surrogate: a class, or a function


class Replicas:
    """The runs of one chunk: label and seed of each, its schedule if it has one, and the surrogate they share.

    Parameters
    ----------
    slopes : sequence of float or callable
        Fixed slopes > 0, or factories: ``factory(surrogate)`` returns a schedule that moves the slope of the
        surrogate it is given. Each replica gets a schedule of its own.
    seeds : sequence of int
        >= 0.
    paired : bool
        False: every slope with every seed. True: the first slope with the first seed, and so on.
    rescale_moments : bool or sequence of bool
        For all, or for each of `slopes`, whether the optimizer's moments follow its schedule (`moments_follow`).
    surrogate : type or callable
        Surrogate class, or a function slope -> `Surrogate`.

    Attributes
    ----------
    labels : list
        Of each replica: the fixed slope, or the name of the factory.
    seeds : list of int
        Of each replica.
    surrogate : Surrogate
        Its slope, (replicas,), is the current slope of each.
    rescaled : Tensor of bool, (replicas,)
        Whose moments follow the slope.
    """

    def __init__(
        self,
        slopes: Sequence[SlopeOrFactory],
        seeds: Sequence[int],
        paired: bool = False,
        rescale_moments: bool | Sequence[bool] = False,
        surrogate: SurrogateFamily = FastSigmoid,
    ):
        slopes, seeds = list(slopes), [check_int("seeds", seed) for seed in seeds]
        if not slopes or not seeds:
            raise ValueError(f"slopes and seeds must not be empty, got {len(slopes)} slopes and {len(seeds)} seeds")
        if paired and len(slopes) != len(seeds):
            raise ValueError(f"paired slopes and seeds must be equally many, got {len(slopes)} and {len(seeds)}")
        pairs = list(zip(slopes, seeds, strict=True)) if paired else [(k, seed) for k in slopes for seed in seeds]
        follow = [rescale_moments] * len(slopes) if isinstance(rescale_moments, bool) else list(rescale_moments)
        if len(follow) != len(slopes):
            raise ValueError(
                f"rescale_moments must be a bool, or one for each of the {len(slopes)} slopes, got {rescale_moments}"
            )
        self.rescaled = torch.tensor(follow).repeat_interleave(len(pairs) // len(slopes))
        self.seeds = [seed for _, seed in pairs]
        self.labels: list[float | str] = []
        self.schedules: list[Schedule | None] = []
        start = []
        for slope, _ in pairs:
            holder = make_surrogate(surrogate, 1.0)
            schedule = slope(holder) if callable(slope) else None
            self.schedules.append(schedule)
            self.labels.append(_name(slope) if callable(slope) else check_number("slopes", slope, above=0.0))
            start.append(float(schedule.get_last_slope()) if schedule is not None else float(slope))  # type: ignore[arg-type]
        self.surrogate = make_surrogate(surrogate, torch.tensor(start))

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def current_slopes(self) -> Tensor:
        """Slope of each replica now, (replicas,)."""
        slope = self.surrogate.slope
        assert isinstance(slope, Tensor)
        return slope

    def step_schedules(self, rewards: np.ndarray, skip: Sequence[int] = ()) -> None:
        """Hand each schedule the reward (replicas,) of its own replica and take up its new slope."""
        slopes = self.current_slopes.clone()
        for replica, schedule in enumerate(self.schedules):
            if schedule is not None and replica not in skip:
                schedule.step(float(rewards[replica]))
                slopes[replica] = float(schedule.get_last_slope())
        self.surrogate.slope = slopes


def make_surrogate(family: SurrogateFamily, slope: Slope) -> Surrogate:
    """Return the surrogate of a family with this slope; TypeError or ValueError unless `family` makes one."""
    wanted = "surrogate must be a Surrogate class such as FastSigmoid, or a function slope -> Surrogate"
    if not callable(family) or isinstance(family, nn.Module):
        raise TypeError(f"{wanted}, got {family!r}")
    try:
        made = family(slope)
    except (TypeError, NotImplementedError) as error:
        raise TypeError(f"{wanted}, got {family!r}, which does not take the slope {slope}: {error}") from error
    if not isinstance(made, Surrogate):
        raise TypeError(f"{wanted}, got {family!r}, which makes {made!r}")
    if not torch.equal(torch.as_tensor(made.slope), torch.as_tensor(slope)):
        raise ValueError(f"surrogate must make surrogates of the slope it is given, {slope}, got slope {made.slope}")
    return made


def _name(factory: Any) -> str:
    factory = getattr(factory, "func", factory)  # functools.partial
    return getattr(factory, "__name__", type(factory).__name__)


class SeedStreams:
    """One random generator per seed and purpose; replicas of equal seed draw equal numbers: slopes are paired."""

    def __init__(self, seeds: Sequence[int], *purpose: int):
        unique = list(dict.fromkeys(seeds))
        self._index = np.array([unique.index(seed) for seed in seeds])
        self._all_differ = len(unique) == len(seeds)
        self._rngs = [np.random.default_rng([seed, *purpose]) for seed in unique]

    def normal(self, *shape: int) -> np.ndarray:
        """Standard normal numbers, (replicas, *shape), float32."""
        return self._spread([rng.standard_normal(shape, dtype=np.float32) for rng in self._rngs])

    def uniform(self, *shape: int) -> np.ndarray:
        """Uniform numbers in [-1, 1), (replicas, *shape), float32."""
        return self._spread([2 * rng.random(shape, dtype=np.float32) - 1 for rng in self._rngs])

    def integers(self, high: int, *shape: int) -> np.ndarray:
        """Integers in [0, high), (replicas, *shape)."""
        return self._spread([rng.integers(high, size=shape) for rng in self._rngs])

    def _spread(self, draws: list[np.ndarray]) -> np.ndarray:
        stacked = np.stack(draws)
        return stacked if self._all_differ else stacked[self._index]

    def state_dict(self) -> list[dict[str, Any]]:
        """State of each generator, as plain numbers."""
        return [dict(rng.bit_generator.state) for rng in self._rngs]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Continue where `state_dict` was taken."""
        for rng, state in zip(self._rngs, states, strict=True):
            rng.bit_generator.state = state


def start_seeds(seeds: Sequence[int], purpose: Sequence[int], count: int) -> list[int]:
    """Seeds of `count` environments for each replica, replica after replica, from its seed and `purpose` alone."""
    return [int(s) for seed in seeds for s in np.random.SeedSequence([seed, *purpose]).generate_state(count)]
