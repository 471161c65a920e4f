"""Data to learn from, fixed by a seed: noisy spike patterns, flights of an expert, and bits to be kept in mind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from snnsg_lib.checks import check_int, check_number
from snnsg_lib.lif.arguments import transforming


class Demonstrations(NamedTuple):
    """What an expert saw and did.

    Attributes
    ----------
    observations : Tensor, (num_samples, observation_size), float32
    actions : Tensor, (num_samples, action_size), float32, in [-1, 1]
        What the expert wanted, free of the noise that was injected into what it did.
    """

    observations: Tensor
    actions: Tensor


def expert_demonstrations(
    env: str = "snnsg/PlanarHover-v0",
    num_samples: int = 20_000,
    noise: float = 0.3,
    seed: int = 0,
    *,
    num_envs: int = 32,
    history: int = 1,
) -> Demonstrations:
    """Let the LQR expert fly with noise on its actions, and record what it sees and what it wanted to do.

    The noise takes the drone to states that a perfect flight never visits, with the expert's answer to each: a student
    that is a little wrong later finds itself in states it knows (Laskey et al. 2017, DART).

    Parameters
    ----------
    env : {"snnsg/PlanarHover-v0", "snnsg/CrazyflieHover-v0"}
        Where to fly.
    num_samples : int
        Number of observation-action pairs, >= 1.
    noise : float
        Standard deviation of the normal noise added to each executed action, >= 0; actions are in [-1, 1].
    seed : int
        Fixes start states and noise.
    num_envs : int
        Drones that fly side by side, >= 1.
    history : int
        Observations stacked into one, the newest last.
    """
    from snnsg_lib.envs import episode_seeds, make_vector
    from snnsg_lib.envs.experts import hover_expert

    expert = hover_expert(env)
    num_samples = check_int("num_samples", num_samples, low=1)
    noise = check_number("noise", noise, low=0.0)
    vector = make_vector(env, check_int("num_envs", num_envs, low=1), history=history)
    rng = np.random.default_rng([check_int("seed", seed), 1])
    observation, _ = vector.reset(seed=episode_seeds(seed, num_envs))
    seen, wanted = [], []
    for _ in range(-(-num_samples // num_envs)):
        action = expert(observation)
        seen.append(observation)
        wanted.append(action)
        observation, *_ = vector.step(action + noise * rng.standard_normal(action.shape))
    observations, actions = np.concatenate(seen)[:num_samples], np.concatenate(wanted)[:num_samples]
    return Demonstrations(torch.from_numpy(observations), torch.from_numpy(actions.astype(np.float32)))


def spike_classification(
    num_samples: int = 512,
    num_steps: int = 25,
    num_inputs: int = 32,
    num_classes: int = 5,
    *,
    rate: float = 0.1,
    deletion: float = 0.3,
    insertion: float = 0.03,
    seed: int = 0,
) -> tuple[Tensor, Tensor]:
    """Noisy copies of a few frozen spike patterns, to be told apart.

    Each class is one random pattern of spikes; a sample is the pattern of its class with spikes deleted and others
    inserted. Patterns depend on `seed`, `num_steps`, `num_inputs`, `num_classes` and `rate` alone, and a larger set
    begins with the smaller one, so a test set is the end of a longer draw.

    Parameters
    ----------
    num_samples, num_steps, num_inputs : int
        Size of the data, each >= 1.
    num_classes : int
        Number of patterns, >= 2.
    rate : float
        Probability of a spike per step and input in a pattern, in [0, 1].
    deletion, insertion : float
        Probability that a spike of the pattern is missing, and that an empty place holds a spike, in [0, 1].
    seed : int
        Fixes patterns, labels and noise.

    Returns
    -------
    spikes : Tensor, (num_steps, num_samples, num_inputs), float32, 0 or 1
    labels : Tensor, (num_samples,), int64, in [0, num_classes)
    """
    num_samples = check_int("num_samples", num_samples, low=1)
    size = check_int("num_steps", num_steps, low=1), check_int("num_inputs", num_inputs, low=1)
    num_classes = check_int("num_classes", num_classes, low=2)
    rate, deletion, insertion = (
        check_number(name, value, low=0.0, high=1.0)
        for name, value in (("rate", rate), ("deletion", deletion), ("insertion", insertion))
    )
    seed = check_int("seed", seed)
    patterns = np.random.default_rng([seed, 0]).random((num_classes, *size)) < rate
    labels = np.random.default_rng([seed, 1]).integers(num_classes, size=num_samples)
    chance = np.where(patterns, 1 - deletion, insertion)[labels]
    spikes = np.random.default_rng([seed, 2]).random((num_samples, *size)) < chance
    return torch.from_numpy(spikes.astype(np.float32)).transpose(0, 1).contiguous(), torch.from_numpy(labels)


class Delayed(NamedTuple):
    """Trials of a task with a delay between what is shown and what is asked.

    Attributes
    ----------
    inputs : Tensor, (num_steps, [replicas,] num_samples, 2), float32
        Channel b carries a pulse of height 1 for a bit b, plus noise.
    targets : Tensor, (num_asked, [replicas,] num_samples), int64, 0 or 1
        The right answer at each of the last `num_asked` steps.

    `loss` and `accuracy` raise TypeError or ValueError for outputs of another shape, and for NaN and Inf among them.
    """

    inputs: Tensor
    targets: Tensor

    def loss(self, outputs: Tensor) -> Tensor:
        """Cross-entropy of `outputs` (num_steps, [replicas,] num_samples, 2) at the steps that are asked.

        The mean over steps and samples: a scalar, or (replicas,) where `outputs` has a replica axis.
        """
        asked, right = self._asked(outputs)
        chosen = torch.log_softmax(asked, dim=-1).gather(-1, right.unsqueeze(-1))
        return -chosen.squeeze(-1).mean(dim=(0, -1))

    @torch.no_grad()
    def accuracy(self, outputs: Tensor) -> Tensor:
        """Share of asked steps and samples where the larger of the two `outputs` is the right one, as `loss`."""
        asked, right = self._asked(outputs)
        return (asked.argmax(-1) == right).to(outputs.dtype).mean(dim=(0, -1))

    def _asked(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs at the steps that are asked, and the right answers in the same shape without the last axis."""
        if not isinstance(outputs, Tensor) or not outputs.is_floating_point():
            found = getattr(outputs, "dtype", type(outputs).__name__)
            raise TypeError(f"outputs must be a floating-point tensor, got {found}")
        shared = self.targets.dim() == 2 and outputs.dim() == 4  # by all replicas
        targets = self.targets.unsqueeze(1).expand(-1, outputs.shape[1], -1) if shared else self.targets
        wanted = (len(self.inputs), *targets.shape[1:], 2)
        if outputs.shape != wanted:
            middle = "[replicas,] " if self.targets.dim() == 2 else f"{targets.shape[1]}, "
            words = f"({wanted[0]}, {middle}{wanted[-2]}, 2)"
            raise ValueError(f"outputs must have shape {words} for these trials, got {tuple(outputs.shape)}")
        asked = outputs[-len(targets) :]
        if not transforming() and not bool(torch.isfinite(asked).all()):
            raise ValueError(f"outputs must be finite, got {int((~asked.isfinite()).sum())} NaN or Inf where asked")
        return asked, targets


Rng = np.random.Generator | int


def delayed_copy(
    num_samples: int = 32,
    delay: int = 20,
    *,
    streaming: bool = False,
    num_steps: int | None = None,
    pulse: int = 3,
    noise: float = 0.0,
    rng: Rng | Sequence[Rng] | np.ndarray = 0,
) -> Delayed:
    """Bits to be repeated after a delay.

    One-shot: one bit at the beginning, shown for `pulse` steps and asked for `pulse` steps, `delay` steps later.
    Streaming: a new bit every step, and at every step from `delay` on the one of `delay` steps ago is asked.

    Parameters
    ----------
    num_samples : int
        Trials, >= 1.
    delay : int
        Steps between a bit and its repetition, >= 1; one-shot: >= `pulse`.
    streaming : bool
        Whether a new bit comes every step.
    num_steps : int, optional
        Length of a streaming trial, > `delay`; 2 `delay` for None. A one-shot trial has ``delay + pulse`` steps.
    pulse : int
        Steps that a one-shot bit is shown, >= 1; of no effect on streams.
    noise : float
        Standard deviation of the normal noise on every input and step, >= 0.
    rng : numpy.random.Generator or int, or a sequence or one-dimensional array of them
        Source of bits and noise; an int seeds a new one. A sequence makes a replica axis, each entry its own trials.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """
    delay = check_int("delay", delay, low=1)
    return _delayed(num_samples, delay, (0,), streaming, num_steps, pulse, noise, rng)


def delayed_xor(
    num_samples: int = 32,
    delay: int = 20,
    *,
    streaming: bool = False,
    num_steps: int | None = None,
    pulse: int = 3,
    noise: float = 0.0,
    rng: Rng | Sequence[Rng] | np.ndarray = 0,
) -> Delayed:
    """Pairs of bits, half a delay apart, whose exclusive or is asked another half later.

    As `delayed_copy`: y[t] = x[t - delay / 2] XOR x[t - delay].

    Parameters
    ----------
    delay : int
        Steps between the first of the two bits and the answer, even and >= 2; one-shot: >= 2 `pulse`.
    num_samples, streaming, num_steps, pulse, noise, rng
        As in `delayed_copy`.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong type or lies outside its range.
    """
    delay = check_int("delay", delay, low=2)
    if delay % 2:
        raise ValueError(f"delay must be even: the second bit comes half a delay after the first, got {delay}")
    return _delayed(num_samples, delay, (0, delay // 2), streaming, num_steps, pulse, noise, rng)


def _delayed(num_samples, delay, shown, streaming, num_steps, pulse, noise, rng):
    """Trials whose answer is the parity of the bits at the steps `shown`, `delay` steps after step 0."""
    num_samples, noise = check_int("num_samples", num_samples, low=1), check_number("noise", noise, low=0.0)
    if not isinstance(streaming, bool):
        raise TypeError(f"streaming must be True or False, got {streaming!r}")
    pulse = check_int("pulse", pulse, low=1, high=math.inf if streaming else delay // len(shown))
    if streaming:
        num_steps = check_int("num_steps", 2 * delay if num_steps is None else num_steps, low=delay + 1)
    elif num_steps is not None:
        raise ValueError(f"num_steps must be None for one-shot trials of delay + pulse steps, got {num_steps!r}")
    rng = rng.tolist() if isinstance(rng, np.ndarray) else rng
    several = isinstance(rng, Sequence) and not isinstance(rng, str | bytes | bytearray)
    if several and not rng:
        raise ValueError(f"rng must hold at least one Generator or integer, one a replica, got {rng!r}")
    draws = []
    for one in [_generator(one) for one in (rng if several else [rng])]:
        make = _stream if streaming else _one_shot
        bits, targets = make(one, num_samples, delay, shown, num_steps if streaming else pulse)
        inputs = np.stack([bits == 0, bits == 1], axis=-1) + noise * one.standard_normal((*bits.shape, 2))
        draws.append((inputs.astype(np.float32), targets))
    blocks = [np.stack(part, axis=1) if several else part[0] for part in zip(*draws, strict=True)]
    return Delayed(*(torch.from_numpy(np.ascontiguousarray(block)) for block in blocks))


def _one_shot(rng, num_samples, delay, shown, pulse):
    """Bits (num_steps, num_samples), -1 where nothing is shown, and the answers (pulse, num_samples)."""
    bits = np.full((delay + pulse, num_samples), -1)
    cues = rng.integers(2, size=(len(shown), num_samples))
    for first, cue in zip(shown, cues, strict=True):
        bits[first : first + pulse] = cue
    return bits, np.tile(cues.sum(0) % 2, (pulse, 1))


def _stream(rng, num_samples, delay, shown, num_steps):
    """Bits (num_steps, num_samples), and the answers (num_steps - delay, num_samples)."""
    bits = rng.integers(2, size=(num_steps, num_samples))
    return bits, sum(bits[first : first + num_steps - delay] for first in shown) % 2


def _generator(rng):
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, Integral):
        raise TypeError(f"rng must be a numpy.random.Generator or an integer >= 0, or a sequence of them, got {rng!r}")
    return np.random.default_rng(check_int("rng", rng))
