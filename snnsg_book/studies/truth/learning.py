"""Does the slope that points best also learn fastest? Single slopes, and a profile that reliability alone chooses.

All arms start from the same weights and see the same batches. `loss` is the mean cross-entropy over the updates, the
area under the learning curve; `final` that of the last tenth; `slopes` are those of the hidden layers.
The profile: on the untrained network, each layer takes the steepest slope whose gradient agrees between two batches at
least `KEEP` times as well as that of the most reliable slope. No truth is needed for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from snnsg_book.replicas import all_but, in_groups
from snnsg_book.rounding import rounded
from snnsg_lib.gradients import cosine_similarity, layer_gradients
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.surrogates import FastSigmoid
from snnsg_lib.tasks import spike_classification

from . import networks

SLOPES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
PROFILE = 0.0  # in the column `slope`: the profile
RATES = {"adam": (3e-3, 1e-2, 3e-2), "sgd": (0.1, 0.3, 1.0), "fixed length": (3e-3, 1e-2, 3e-2)}
KEEP = 0.95
BATCH = 32
PAIRS = 20
CHUNK_SIZE = 240


@dataclass(frozen=True)
class Config:
    """One arm: a slope (0: the profile) with one optimiser and learning rate."""

    task: str = "teacher"
    optimizer: str = "adam"
    updates: int = 400
    seed: int = 0
    learning_rate: float = 1e-2
    slope: float = 10.0


def configs(quick: bool = False) -> list[Config]:
    """Two tasks x three optimisers x their learning rates x 10 seeds x seven slopes and the profile."""
    if quick:
        return [Config(updates=100, seed=seed, slope=slope) for seed in range(1) for slope in (PROFILE, 5.0, 100.0)]
    return [
        Config(task, optimizer, seed=seed, learning_rate=rate, slope=slope)
        for task in ("teacher", "patterns")
        for optimizer, rates in RATES.items()
        for seed in range(10)
        for rate in rates
        for slope in (PROFILE, *SLOPES)
    ]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """One row for each config."""
    return in_groups(configs, all_but("slope", "learning_rate", "seed"), _run)


def _run(config: Config, group: list[Config]) -> list[list[dict]]:
    seeds = sorted({member.seed for member in group})
    tasks = {seed: Task(config.task, seed) for seed in seeds}
    profiles = {seed: reliable_slopes(task) for seed, task in tasks.items()}
    depth = len(next(iter(tasks.values())).net.sizes) - 2
    slopes = [profiles[c.seed] if c.slope == PROFILE else [c.slope] * depth for c in group]
    net = _stacked([tasks[member.seed].net for member in group], slopes)
    where = torch.tensor([seeds.index(member.seed) for member in group])
    rates = torch.tensor([member.learning_rate for member in group]).reshape(-1, 1, 1)
    rule = RULES[config.optimizer](list(net.parameters()), rates)
    curve = []
    for update in range(config.updates):
        inputs, targets = (torch.stack(parts) for parts in zip(*(t.batch(update) for t in tasks.values()), strict=True))
        losses = _losses(net, inputs[where], targets[where], config.task)
        rule.step(torch.autograd.grad(losses.sum(), rule.parameters))
        curve.append(losses.detach())
    curves = torch.stack(curve).double().clamp(max=10.0)
    last = curves[-max(1, len(curves) // 10) :]
    return [
        [
            {
                "loss": rounded(curves[:, index].mean()),
                "final": rounded(last[:, index].mean()),
                "slopes": " ".join(f"{slope:g}" for slope in slopes[index]),
            }
        ]
        for index in range(len(group))
    ]


class Task:
    """A network and an endless supply of batches for it.

    ``"teacher"``: the task of the experiment `truth`. ``"patterns"``: noisy copies of three spike patterns of 10 inputs
    and 8 steps.
    """

    def __init__(self, name: str, seed: int):
        self.name, self.seed = name, seed
        self.net = networks.build(networks.Network(), seed)
        if name == "patterns":
            self.spikes, self.labels = spike_classification(
                BATCH * 1200, 8, networks.INPUTS, networks.CLASSES, rate=0.3, insertion=0.1, seed=seed
            )
            self.net = SpikingMLP(networks.Network().sizes, 8, seed=seed)
            networks.scale_to_rate(self.net, 2 * self.spikes[:, :512], 0.15, sequence=True)

    def batch(self, update: int) -> networks.Batch:
        """Inputs (batch, in) or (num_steps, batch, in), and classes."""
        if self.name == "teacher":
            return networks.draw(self.seed, 7, update, BATCH)
        chosen = slice(update * BATCH, (update + 1) * BATCH)
        return 2 * self.spikes[:, chosen], self.labels[chosen]


def reliable_slopes(task: Task) -> list[float]:
    """The profile of a task: for each hidden layer the steepest slope that is reliable enough."""
    net = networks.with_slopes(task.net, networks.SLOPES)
    found = [0.0] * (len(task.net.sizes) - 2)
    batches = [task.batch(1000 + index) for index in range(2 * PAIRS)]
    grads = [layer_gradients(net, lambda n, b: _losses(n, b[0], b[1], task.name), batch) for batch in batches]
    agreements = [cosine_similarity(*pair) for pair in zip(grads[::2], grads[1::2], strict=True)]
    for layer in range(len(found)):
        reliability = torch.stack([torch.as_tensor(agreement[layer]) for agreement in agreements]).mean(0)
        best = reliability.max()
        enough = reliability >= torch.minimum(KEEP * best, best)  # below 0 the most reliable one is left
        found[layer] = max(slope for slope, kept in zip(networks.SLOPES, enough.tolist(), strict=True) if kept)
    return found


def _losses(net: SpikingMLP, inputs: Tensor, targets: Tensor, task: str) -> Tensor:
    """Mean cross-entropy of each replica."""
    if inputs.dim() == 4:  # patterns of each replica: steps first
        inputs = inputs.movedim(0, 1)
    outputs = net(inputs) if task == "teacher" else net.sequence(inputs)
    assert isinstance(outputs, Tensor)
    return networks.losses(outputs, targets).mean(-1)


def _stacked(nets: list[SpikingMLP], slopes: list[list[float]]) -> SpikingMLP:
    surrogates = [FastSigmoid(torch.tensor(of_layer), normalization="area") for of_layer in zip(*slopes, strict=True)]
    return SpikingMLP.stacked(nets, surrogates)


class Sgd:
    """Plain gradient descent, a learning rate for each replica."""

    def __init__(self, parameters: list[Tensor], rates: Tensor):
        self.parameters, self.rates, self.time = parameters, rates, 0

    def step(self, grads: Sequence[Tensor]) -> None:
        """Move each parameter against its gradient."""
        self.time += 1
        with torch.no_grad():
            for index, (parameter, grad) in enumerate(zip(self.parameters, grads, strict=True)):
                rate = self.rates.reshape(-1, *[1] * (parameter.dim() - 1))
                parameter -= rate * self.direction(index, grad)

    def direction(self, index: int, grad: Tensor) -> Tensor:
        """The gradient itself."""
        return grad


class FixedLength(Sgd):
    """Each step has the length rate times sqrt(entries) in each layer: only the direction of a gradient counts."""

    def direction(self, index: int, grad: Tensor) -> Tensor:
        """The gradient with root mean square 1 in each replica."""
        flat = grad.flatten(1)
        size = flat.square().mean(1).sqrt().clamp(min=1e-30)
        return grad / size.reshape(-1, *[1] * (grad.dim() - 1))


class Adam(Sgd):
    """Kingma & Ba (2015) with the usual constants, epsilon small enough not to matter."""

    def __init__(self, parameters: list[Tensor], rates: Tensor):
        super().__init__(parameters, rates)
        self.means = [torch.zeros_like(parameter) for parameter in parameters]
        self.squares = [torch.zeros_like(parameter) for parameter in parameters]

    def direction(self, index: int, grad: Tensor) -> Tensor:
        """Mean over root mean square of the gradients so far."""
        mean, square = self.means[index], self.squares[index]
        mean.mul_(0.9).add_(grad, alpha=0.1)
        square.mul_(0.999).addcmul_(grad, grad, value=0.001)
        corrected = (square / (1 - 0.999**self.time)).sqrt() + 1e-12
        return mean / (1 - 0.9**self.time) / corrected


RULES = {"sgd": Sgd, "fixed length": FixedLength, "adam": Adam}


def best_rates(table: pd.DataFrame, column: str = "loss") -> pd.DataFrame:
    """The rows of each arm at the learning rate that serves it best on the average of its seeds."""
    arms = ["task", "optimizer", "slope"]
    means = table.groupby([*arms, "learning_rate"])[column].mean().reset_index()
    best = means.loc[means.groupby(arms)[column].idxmin(), [*arms, "learning_rate"]]
    return table.merge(best, on=[*arms, "learning_rate"])


def holds(table: pd.DataFrame) -> dict[str, bool]:
    """Whether Adam learns the teacher's task faster with slope 5 than with slope 100, at a learning rate of 0.01."""
    chosen = table[(table.task == "teacher") & (table.optimizer == "adam") & (table.learning_rate == 1e-2)]
    means = chosen.groupby("slope")["loss"].mean()
    return {"slope 5 learns faster than slope 100": bool(means[5.0] < means[100.0])}
