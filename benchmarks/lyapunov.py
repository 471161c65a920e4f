"""Speed of surrogate Lyapunov spectra and their gradient against plain autograd, and how the cost grows.

``python -m benchmarks.lyapunov`` prints CPU milliseconds of one thread for one forward and backward pass, and writes
lyapunov.csv and lyapunov.json beside this file. The peer takes the same tangent steps in plain torch operations
and leaves the gradient, that of the QR decompositions included, to autograd.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.record import write_table
from benchmarks.timing import interleaved_times
from snnsg_lib.lyapunov import surrogate_lyapunov_spectrum
from snnsg_lib.lyapunov.spectrum import check_schedule, first_tangents
from snnsg_lib.lyapunov.surrogate import tangent_factors
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid

NEURONS, EXPONENTS, STEPS, REPLICAS, QR_INTERVAL = 64, 50, 500, 16, 10
SPEEDUP, REPLICA_COST = 3.0, 3.0  # to reach: times plain autograd; times the cost of one network, one exponent each
GROWTH = {
    "num_neurons": (32, 64, 128, 256),
    "num_exponents": (1, 10, 50, 100),
    "num_steps": (125, 250, 500, 1000),
}
COLUMNS = ("method", "num_neurons", "num_exponents", "num_steps", "qr_interval", "replicas", "ms", "times_plain")


def plain_spectrum(
    net: RecurrentLIF, inputs: Tensor, num_exponents: int = 10, qr_interval: int = 1, transient: int = 50
) -> Tensor:
    """As `surrogate_lyapunov_spectrum`, differentiated by autograd."""
    weight, derivative, keep, passed, alpha = tangent_factors(net, inputs)
    neurons = net.num_neurons
    size = neurons if alpha is None else 2 * neurons
    ends = check_schedule(len(inputs), num_exponents, qr_interval, transient, size)
    tangents = first_tangents(size, num_exponents).expand(*derivative.shape[1:3], -1, -1)
    logs = []
    for t in range(len(inputs)):
        mem = tangents[..., -neurons:]
        drive = (mem * derivative[t].unsqueeze(-2)) @ weight.unsqueeze(1)
        drive = drive if alpha is None else drive + alpha * tangents[..., :neurons]
        passed_on = drive if passed is None else passed[t].unsqueeze(-2) * drive
        mem = keep[t].unsqueeze(-2) * mem + passed_on
        tangents = mem if alpha is None else torch.cat([drive, mem], dim=-1)
        if t + 1 in ends:
            q, r = torch.linalg.qr(tangents.mT)
            tangents = q.mT
            if t + 1 > transient:
                logs.append(r.diagonal(dim1=-2, dim2=-1).abs().log())
    exponents = torch.stack(logs).sum(0) / (len(inputs) - transient)
    return exponents if net.replicas is not None else exponents.squeeze(0)


def network_and_inputs(
    num_neurons: int = NEURONS, num_steps: int = STEPS, replicas: int | None = None
) -> tuple[RecurrentLIF, Tensor]:
    """A network with synaptic current and one trial of standard-normal input."""
    surrogate = FastSigmoid(5.0)
    net = RecurrentLIF(3, num_neurons, 2, alpha=0.7, input_gain=3.0, surrogate=surrogate, replicas=replicas)
    inputs = np.random.default_rng(0).standard_normal((num_steps, 1, 3), dtype=np.float32)
    return net, torch.from_numpy(inputs)


def candidate(
    method: Callable = surrogate_lyapunov_spectrum,
    num_neurons: int = NEURONS,
    num_exponents: int = EXPONENTS,
    num_steps: int = STEPS,
    qr_interval: int = QR_INTERVAL,
    replicas: int | None = None,
) -> Callable[[], None]:
    """Return a forward and backward pass."""
    net, inputs = network_and_inputs(num_neurons, num_steps, replicas)

    def step():
        method(net, inputs, num_exponents, qr_interval, 50).square().sum().backward()

    return step


def times_plain(rounds: int) -> dict[str, float]:
    """Median ms of plain autograd with a QR every step and of the library with one every tenth, and "speedup"."""
    steps = {"plain": candidate(plain_spectrum, qr_interval=1), "library": candidate()}
    times = interleaved_times(steps, rounds)
    ratios = [plain / own for plain, own in zip(times["plain"], times["library"], strict=True)]
    return {name: statistics.median(own) for name, own in times.items()} | {"speedup": statistics.median(ratios)}


def times_one(rounds: int, num_exponents: int = 1) -> dict[str, float]:
    """Median ms of one network and of `REPLICAS` at once, and their "ratio"."""
    both = {"one": None, "all": REPLICAS}
    steps = {name: candidate(num_exponents=num_exponents, replicas=replicas) for name, replicas in both.items()}
    times = interleaved_times(steps, rounds)
    ratios = [every / one for one, every in zip(times["one"], times["all"], strict=True)]
    return {name: statistics.median(own) for name, own in times.items()} | {"ratio": statistics.median(ratios)}


def main(rounds: int = 3) -> None:
    """Measure, print, and write the table."""
    torch.set_num_threads(1)
    rows = []

    def note(ms: float, method: str = "library", speedup: float | None = None, **settings: int) -> None:
        entries = {"num_neurons": NEURONS, "num_exponents": EXPONENTS, "num_steps": STEPS, "qr_interval": QR_INTERVAL}
        row = {"method": method} | entries | {"replicas": 1} | settings | {"ms": round(ms, 1)}
        rows.append(row if speedup is None else row | {"times_plain": round(speedup, 2)})
        print("  ".join(f"{name} {entry}" for name, entry in rows[-1].items()))

    figures = times_plain(rounds)
    note(figures["plain"], "plain autograd", 1.0, qr_interval=1)
    note(figures["library"], speedup=figures["speedup"])
    print(f"(to reach: {SPEEDUP:g} x plain autograd)\n")
    for num_exponents in (1, 10, EXPONENTS):
        figures = times_one(rounds, num_exponents)
        note(figures["one"], num_exponents=num_exponents)
        note(figures["all"], num_exponents=num_exponents, replicas=REPLICAS)
        print(f"{REPLICAS} networks: {figures['ratio']:.2f} x the time of one, {num_exponents} exponents")
    print(f"(to reach: at most {REPLICA_COST:g} x with one exponent, as flossing uses it)\n")
    for name, values in GROWTH.items():
        times = interleaved_times({str(value): candidate(**{name: value}) for value in values}, rounds)
        for value in values:
            note(statistics.median(times[str(value)]), **{name: value})
    write_table("lyapunov", COLUMNS, rows, command="python -m benchmarks.lyapunov", rounds=rounds)


if __name__ == "__main__":
    main()
