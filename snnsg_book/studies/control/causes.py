"""Why does TD3 prefer a shallow slope? Interventions on the setting with a slow actor, where it does.

If the noise of shallow gradients helped by exploring, noise should help a steep slope, and a steep learner should do
better with the data of a shallow run. If shallow gradients wake silent layers, none of that should matter, but networks
that are awake from the start should. Each treatment changes one thing:

- ``own``: nothing;
- ``data of the other``: the actions of the run with the other slope and the same seed are executed, so that both learn
  from the same transitions (a tandem, Ostrovski et al. 2021);
- ``fixed buffer``: no actions at all; learning from all that the run with slope 100 had collected at its end;
- ``gradient noise``: the gradient of each weight matrix is turned by noise until its cosine with itself is that
  between slope 100 and slope 2 on the same batch; its length stays;
- ``direction of k=2``, ``length of k=2``: the gradient of slope 2 on the same batch, scaled to the length of the own
  one; the own gradient, scaled to the length of that of slope 2;
- ``parameter noise``: exploration by perturbed weights, whose actions differ by 0.1 on average (Plappert et al. 2018);
- ``no exploration noise``;
- ``awake``: hidden weights three times larger, so that all layers spike from the start.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from snnsg_book.replicas import in_groups
from snnsg_lib.learning import TD3
from snnsg_lib.learning.replay import Batch
from snnsg_lib.learning.replicas import SeedStreams
from snnsg_lib.surrogates import slope_set_to

from . import training

SETTING = "slow_actor"
SHALLOW, STEEP = 2.0, 100.0
GRADIENTS = ("gradient noise", "direction of k=2", "length of k=2")
DATA = ("own", "data of the other", "fixed buffer")
# Treatment, slopes it is given to.
TREATMENTS: dict[str, tuple[float, ...]] = {
    **dict.fromkeys(DATA, (SHALLOW, STEEP)),
    **dict.fromkeys(GRADIENTS, (STEEP,)),
    "awake": (SHALLOW, STEEP),
    "parameter noise": (STEEP,),
    "no exploration noise": (SHALLOW,),
}
SEEDS_PER_CHUNK = 5
CHUNK_SIZE = SEEDS_PER_CHUNK * sum(len(slopes) for slopes in TREATMENTS.values())
NOISE, PERTURBATION = 101, 102  # purposes of random streams


@dataclass(frozen=True)
class Config:
    """One run under one treatment."""

    treatment: str = "own"
    slope: float = STEEP
    seed: int = 0
    steps: int = 18_000


def configs(quick: bool = False) -> list[Config]:
    """Treatments x 15 seeds; if quick, the first steps without treatment in one seed."""
    if quick:
        return [Config("own", slope, 0, 2000) for slope in (SHALLOW, STEEP)]
    return [
        Config(treatment, slope, seed, training.SETTINGS[SETTING].steps)
        for start in range(0, 15, SEEDS_PER_CHUNK)
        for treatment, slopes in TREATMENTS.items()
        for slope in slopes
        for seed in range(start, start + SEEDS_PER_CHUNK)
    ]


def run(configs: Sequence[Config]) -> list:
    """Train the runs of one kind of treatment as replicas of one network."""
    return in_groups(configs, key=lambda config: (_kind(config.treatment), config.steps), train=_train)


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether the steep slope without treatment sends the smaller gradient to the first layer."""
    measured = table[(table.treatment == "own") & table["norm_0"].notna()]
    norm = measured[measured.step == measured.step.min()].groupby("slope")["norm_0"].median()
    return {"the steep slope sends the smaller gradient to the first layer": bool(norm[STEEP] < norm[SHALLOW])}


def _kind(treatment: str) -> str:
    return "data" if treatment in DATA else "gradient" if treatment in GRADIENTS else treatment


def _train(key: tuple[str, int], group: list[Config]) -> list:
    kind, steps = key
    slopes, seeds = [config.slope for config in group], [config.seed for config in group]
    if kind == "data":
        return _train_on_data(group, steps)
    alternatives: dict[str, dict[str, Any]] = {
        "gradient": {"learner": TurnedGradients, "treatments": [config.treatment for config in group]},
        "parameter noise": {"learner": ParameterNoise},
        "no exploration noise": {"exploration_noise": 0.0},
        "awake": {"network": {"gain": 3.0}},
    }
    return training.train_td3(SETTING, slopes, seeds, steps, **alternatives[kind])


def _train_on_data(group: list[Config], steps: int) -> list:
    """Train tandems of both slopes, and then from the buffers of their steep halves."""
    seeds = sorted({config.seed for config in group})
    roles = [(treatment, slope) for treatment in DATA[:2] for slope in (SHALLOW, STEEP)]
    runs = [(treatment, slope, seed) for treatment, slope in roles for seed in seeds]
    kept: list[TD3] = []

    def tandem(*args: Any, **kwargs: Any) -> TD3:
        kept.append(Tandem(*args, sources=_sources(runs), **kwargs))
        return kept[-1]

    columns = [run[1] for run in runs], [run[2] for run in runs]
    found = dict(zip(runs, training.train_td3(SETTING, *columns, steps, learner=tandem), strict=True))
    fixed = [config for config in group if config.treatment == "fixed buffer"]
    if fixed:
        donors = [runs.index(("own", STEEP, config.seed)) for config in fixed]

        def from_buffer(*args: Any, **kwargs: Any) -> TD3:
            return FixedBuffer(*args, rows=kept[0].buffer.rows[donors, : kept[0].buffer.filled], **kwargs)

        slopes, seeds = [config.slope for config in fixed], [config.seed for config in fixed]
        trained = training.train_td3(SETTING, slopes, seeds, steps, learner=from_buffer)
        found |= {(c.treatment, c.slope, c.seed): rows for c, rows in zip(fixed, trained, strict=True)}
    return [found[config.treatment, config.slope, config.seed] for config in group]


def _sources(runs: list[tuple[str, float, int]]) -> list[int]:
    """Index of the run whose actions each run executes."""
    other = {SHALLOW: STEEP, STEEP: SHALLOW}
    return [runs.index(("own", slope if treatment == "own" else other[slope], seed)) for treatment, slope, seed in runs]


class Tandem(TD3):
    """TD3 in which replicas may execute the actions of other replicas, and so learn from their transitions.

    Environments and exploration noise depend on the seed alone, so that a replica that executes the actions of one with
    its own seed meets the very same transitions.
    """

    def __init__(self, *args: Any, sources: Sequence[int], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.sources = list(sources)

    def _behave(self) -> np.ndarray:
        """Actions of the sources."""
        actions = super()._behave()
        return actions.reshape(len(self.replicas), self.num_envs, -1)[self.sources].reshape(actions.shape)


class FixedBuffer(TD3):
    """TD3 that learns from given transitions, (R, iterations, n, width), and executes nothing."""

    def __init__(self, *args: Any, rows: np.ndarray, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.buffer.rows[:, : rows.shape[1]] = rows
        self.buffer.stored = rows.shape[1]

    def _collect(self) -> None:
        self.count += self.num_envs
        nothing = np.zeros(len(self.replicas) * self.num_envs)
        for watch in self.watchers:
            watch(nothing, nothing.astype(bool))


class TurnedGradients(TD3):
    """TD3 whose actor follows a gradient made from its own and that of slope 2 on the same batch."""

    def __init__(self, *args: Any, treatments: Sequence[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.rows = {name: [i for i, own in enumerate(treatments) if own == name] for name in GRADIENTS}
        self._noise = SeedStreams(self.replicas.seeds, NOISE)

    def _actor_gradients(self, batch: Batch, parameters: list[nn.Parameter]) -> tuple[Tensor, Sequence[Tensor]]:
        """The loss, and its own gradients turned or scaled by those of slope 2."""
        loss, own = super()._actor_gradients(batch, parameters)
        with slope_set_to(self.policy.net, SHALLOW):
            _, shallow = super()._actor_gradients(batch, parameters)
        noises = [torch.from_numpy(self._noise.normal(*grad.shape[1:])).to(self.device) for grad in own]
        return loss, [self._turned(*three) for three in zip(own, shallow, noises, strict=True)]

    def _turned(self, own: Tensor, guide: Tensor, noise: Tensor) -> Tensor:
        turned = own.clone()
        length, guide_length = _length(own), _length(guide)
        noisy, direction, scaled = (self.rows[name] for name in GRADIENTS)
        turned[noisy] = (length * turned_by_noise(own, guide, noise))[noisy]
        turned[direction] = (length * _unit(guide))[direction]
        turned[scaled] = (guide_length * _unit(own))[scaled]
        return turned


def turned_by_noise(own: Tensor, guide: Tensor, noise: Tensor) -> Tensor:
    """Unit vectors whose cosine with `own` is that of `guide`, turned in the random direction `noise`; all (R, ...)."""
    own, guide = _unit(own), _unit(guide)
    cosine = _inner(own, guide).clamp(-1, 1)
    sideways = _unit(noise - _inner(noise, own) * own)
    return cosine * own + (1 - cosine**2).sqrt() * sideways


def _inner(a: Tensor, b: Tensor) -> Tensor:
    return (a * b).flatten(1).sum(1).reshape(-1, *[1] * (a.ndim - 1))


def _length(a: Tensor) -> Tensor:
    return torch.linalg.vector_norm(a.flatten(1), dim=1).reshape(-1, *[1] * (a.ndim - 1))


def _unit(a: Tensor) -> Tensor:
    # Steep gradients are so small that their squares underflow; their largest entry does not.
    a = a / a.abs().amax(dim=tuple(range(1, a.ndim)), keepdim=True).clamp(min=1e-38)
    return a / _length(a).clamp(min=1e-38)


class ParameterNoise(TD3):
    """TD3 that collects with perturbed weights; their scale is adapted until actions differ by 0.1 on average.

    The perturbation is drawn anew every 50 iterations, a quarter of an episode.
    """

    distance = 0.1
    period = 50

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.scale = torch.full((len(self.replicas),), 0.1, device=self.device)
        self.perturbed = copy.deepcopy(self.policy)
        self._perturbation = SeedStreams(self.replicas.seeds, PERTURBATION)

    def _behave(self) -> np.ndarray:
        """Actions of the perturbed policies, which change now and then."""
        if (self.count // self.num_envs) % self.period == 0:
            self._adapt()
        return self.act(self.observation, self.num_envs, self.perturbed)

    @torch.no_grad()
    def _adapt(self) -> None:
        seen = torch.from_numpy(self.observation).to(self.device).reshape(len(self.replicas), self.num_envs, -1)
        for own, noisy in zip(self.policy.parameters(), self.perturbed.parameters(), strict=True):
            rms = own.flatten(1).square().mean(1).sqrt()
            noise = torch.from_numpy(self._perturbation.normal(*own.shape[1:])).to(self.device)
            noisy.copy_(own + (self.scale * rms).reshape(-1, *[1] * (own.ndim - 1)) * noise)
        apart = (self.perturbed(seen) - self.policy(seen)).square().mean(dim=(1, 2)).sqrt()
        self.scale = torch.where(apart < self.distance, 1.1 * self.scale, self.scale / 1.1)
