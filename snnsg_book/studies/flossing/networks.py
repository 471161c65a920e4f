"""Networks, trials and measurements that the experiments on Lyapunov exponents and flossing share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from snnsg_lib.lyapunov import surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid, Surrogate
from snnsg_lib.tasks import Delayed, delayed_copy, delayed_xor

MEMBRANE, SYNAPSE = 2.0, 1.0  # time constants in steps; the longest one of a neuron is MEMBRANE
NEURONS, NOISE = 64, 0.1
TASKS = {"copy": delayed_copy, "xor": delayed_xor}


def build(seeds: Sequence[int], slope: float | Tensor = 5.0, gain: float | Tensor = 1.0) -> RecurrentLIF:
    """Return one replica per seed; `slope` and `gain` are numbers or one number per replica."""
    beta = math.exp(-1 / MEMBRANE)
    net = RecurrentLIF(
        2,
        NEURONS,
        2,
        beta=beta,
        alpha=math.exp(-1 / SYNAPSE),
        surrogate=FastSigmoid(slope),
        input_gain=3.0,
        bias_range=(0.0, 1.0),
        current_scale=1 - beta,
        readout_beta=beta,
        replicas=len(seeds),
        seed=list(seeds),
    )
    with torch.no_grad():
        net.recurrent_weight.mul_(torch.as_tensor(gain, dtype=torch.float32).reshape(-1, 1, 1))
    return net


def surrogate_of(net: RecurrentLIF) -> Surrogate:
    """The surrogate of a network from `build`."""
    assert isinstance(net.surrogate, Surrogate)
    return net.surrogate


def streams(seeds: Sequence[int], number: int) -> list[np.random.Generator]:
    """One stream of trials per replica, which depends on its seed and on `number` alone."""
    return [np.random.default_rng([number, seed]) for seed in seeds]


def draw(task: str, delay: int, trials: int, rngs: list[np.random.Generator]) -> Delayed:
    """Fresh one-shot trials with input noise, those of each replica its own."""
    return TASKS[task](trials, delay, noise=NOISE, rng=rngs)


def task_loss(net: RecurrentLIF, trials: Delayed) -> Tensor:
    """Cross-entropy, (replicas,)."""
    return trials.loss(net(trials.inputs))


@torch.no_grad()
def exponents(net: RecurrentLIF, inputs: Tensor, num_exponents: int = 1) -> Tensor:
    """Leading exponents, mean over trials: (replicas, num_exponents)."""
    return surrogate_lyapunov_spectrum(net, inputs, num_exponents, qr_interval=2, transient=0).mean(-2)


@torch.no_grad()
def evaluate(net: RecurrentLIF, trials: Delayed, num_trials: int = 8) -> dict[str, Tensor]:
    """Accuracy, firing rate and largest exponent (of the first `num_trials`), (replicas,) each."""
    outputs, recording = net(trials.inputs, record=True)
    return {
        "accuracy": trials.accuracy(outputs),
        "rate": recording.spk[0].mean(dim=(0, 2, 3)),
        "exponent": exponents(net, trials.inputs[:, :, :num_trials])[:, 0],
    }


def log_gradients(net: RecurrentLIF, trials: Delayed) -> Tensor:
    """Ln |dL/dh_0| for the state h = (syn, mem), or mem, before the first step, mean over trials: (replicas,)."""
    shape = (*trials.inputs.shape[1:3], net.num_neurons)
    state = {
        name: torch.zeros(shape, requires_grad=True) for name in (("mem",) if net.alpha is None else ("syn", "mem"))
    }
    loss = trials.loss(net(trials.inputs, **state)).sum() * shape[1]  # a trial's own loss, not its share
    grads = torch.cat(torch.autograd.grad(loss, tuple(state.values())), dim=-1)
    return grads.double().norm(dim=-1).log().mean(-1)


def slope_without_growth(net: RecurrentLIF, inputs: Tensor, low: float = 0.05, high: float = 500.0) -> Tensor:
    """Slope of each replica at which its largest exponent is 0, by bisection: (replicas,).

    A steeper surrogate is smaller everywhere, and so is the exponent; the spikes do not depend on it. Where the
    exponent does not change its sign between `low` and `high` the nearer end is returned. `net` is left as it was.
    """
    surrogate = surrogate_of(net)
    kept = surrogate.slope
    ends = torch.tensor([low, high]).log().repeat(len(net.seeds), 1)
    for _ in range(14):
        middle = ends.mean(1)
        surrogate.slope = middle.exp()
        grows = exponents(net, inputs)[:, 0] > 0
        ends = torch.stack([torch.where(grows, middle, ends[:, 0]), torch.where(grows, ends[:, 1], middle)], dim=1)
    surrogate.slope = kept
    return ends.mean(1).exp()


@torch.no_grad()
def match_rate(net: RecurrentLIF, wanted: Tensor, inputs: Tensor) -> None:
    """Add the same number to all input biases of a replica, such that it fires at the rate `wanted` (replicas,)."""
    bias = net.input_bias
    assert bias is not None
    drawn = bias.clone()
    ends = torch.tensor([-5.0, 5.0]).repeat(len(wanted), 1)
    for _ in range(14):
        middle = ends.mean(1)
        bias.copy_(drawn + middle.reshape(-1, 1))
        lower = torch.as_tensor(net.firing_rates(inputs)[0]) < wanted
        ends = torch.stack([torch.where(lower, middle, ends[:, 0]), torch.where(lower, ends[:, 1], middle)], dim=1)
