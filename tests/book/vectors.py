"""What each explorer's JavaScript has to compute, as the library does: `make vectors` writes it to tests/js/vectors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from snnsg_book.explorers import (
    DepthExplorer,
    FlightViewer,
    FlossingExplorer,
    LearningCurveExplorer,
    LyapunovExplorer,
    NeuronExplorer,
    ScheduleExplorer,
    SurrogateExplorer,
    TruthExplorer,
)
from snnsg_book.explorers.controls import Choice, Listed, Number, Whole
from snnsg_book.explorers.flight import SECONDS_PER_STEP, flight_rows

FOLDER = Path(__file__).resolve().parents[1] / "js" / "vectors"


def random_state(explorer: type, rng: np.random.Generator, **fixed: Any) -> dict[str, Any]:
    """Return a value for each control of an explorer, anywhere in its range; slopes evenly on a log axis."""
    state = {}
    for name in explorer.controls():
        trait = getattr(explorer, name)
        if isinstance(trait, Choice):
            state[name] = str(rng.choice(trait.choices))
        elif isinstance(trait, Listed):
            state[name] = float(rng.choice(trait.values))
        elif isinstance(trait, Whole):
            state[name] = int(rng.integers(trait.low, trait.high + 1))
        elif isinstance(trait, Number):
            low, high = (math.log(end) if trait.log else end for end in (trait.low, trait.high))
            value = float(rng.uniform(low, high))
            state[name] = math.exp(value) if trait.log else value
    return state | fixed


def case(call: str, given: list, expected: Any, tolerance: float = 1e-9) -> dict[str, Any]:
    return {"call": call, "given": given, "expected": expected, "tolerance": tolerance}


def surrogate() -> tuple[dict, list]:
    rng, cases = np.random.default_rng(2), []
    for _ in range(60):
        explorer = SurrogateExplorer(**random_state(SurrogateExplorer, rng))
        u, family, slope = float(rng.normal(0, 0.5)), explorer.family, explorer.slope
        where = torch.tensor(u, dtype=torch.float64)
        point = [family, slope, explorer.normalization, u]
        cases += [
            case("derivative", point, float(explorer.surrogate.derivative(where))),
            case("primitive", point, float(explorer.surrogate.primitive(where))),
            case("halfWidth", [family, slope], explorer.surrogate.half_width(), 1e-12),
            case("activeRange", [family, slope], explorer.active_range(), 1e-12),
            case("activeShare", [family, slope, explorer.mean, explorer.std], explorer.active_share(), 1e-12),
        ]
    return {}, cases


def neuron() -> tuple[dict, list]:
    rng, cases = np.random.default_rng(3), []
    for _ in range(10):
        explorer = NeuronExplorer(**random_state(NeuronExplorer, rng))
        traces = {name: values.tolist() for name, values in explorer.traces()._asdict().items()}
        cases.append(case("simulate", [explorer.state, "table"], traces))
    return NeuronExplorer.stored(), cases


def depth() -> tuple[dict, list]:
    rng, cases = np.random.default_rng(5), []
    states = [random_state(DepthExplorer, rng, depth="4") for _ in range(24)]
    states += [DepthExplorer(slope=slope).state for slope in (1, 2, 25, 100)]
    for state in states:
        layers = [layer._asdict() for layer in DepthExplorer(**state).layers()]
        cases.append(case("layers", [state, "table"], layers))
    table = DepthExplorer.stored()
    return {"slopes": table["slopes"], "runs": {"4": table["runs"]["4"]}}, cases


def truth() -> tuple[dict, list]:
    rng, cases = np.random.default_rng(5), []
    for _ in range(40):
        explorer = TruthExplorer(**random_state(TruthExplorer, rng))
        given = [explorer.state, "table"]
        cases += [case("angles", given, explorer.angles()._asdict()), case("bestSlope", given, explorer.best_slope())]
    return TruthExplorer.stored(), cases


def curves() -> tuple[dict, list]:
    cases, setting, learner = [], "crazyflie", "td3"
    for slope in (2, 50, 100):
        for seeds in ("5", "10", "all"):
            explorer = LearningCurveExplorer(slope=slope, setting=setting, learner=learner, seeds=seeds)
            curve = explorer.curve(slope)
            half_by = None if curve.half_by == math.inf else curve.half_by
            parts = {name: getattr(curve, name) for name in ("middle", "low", "high", "arrived")} | {"halfBy": half_by}
            cases.append(case("curve", [slope, explorer.state, "table"], parts))
    table = LearningCurveExplorer.stored()
    part = {setting: {learner: table["curves"][setting][learner]}}
    return {"slopes": table["slopes"], "limits": table["limits"], "curves": part}, cases


def schedule() -> tuple[dict, list]:
    rng, cases = np.random.default_rng(0), []
    for number in range(24):
        state = random_state(ScheduleExplorer, rng, curve="yours")
        state |= {"weight_reward": 0.0} if number % 6 == 0 else {}
        explorer = ScheduleExplorer(**state)
        returns = (rng.uniform(-20, 220, 18) + np.cumsum(rng.normal(5, 25, 18))).tolist()
        cases.append(case("paths", [returns, explorer.state], explorer.paths(returns)))
    return {}, cases


def lyapunov() -> tuple[dict, list]:
    cases = []
    for state in ({"size": 6}, {"gain": 4, "slope": 1, "size": 9, "tau_mem": 20, "seed": 9}, {"gain": 0, "size": 2}):
        explorer = LyapunovExplorer(**state)
        growth = explorer.growth()
        expected = {
            "exponents": growth.exponents.tolist(),
            "sizes": growth.log_size.tolist(),
            "spikes": growth.spk.astype(int).ravel().tolist(),
            "expected": growth.expected,
        }
        cases.append(case("simulate", [explorer.state], expected, 1e-6))
    return {}, cases


def flossing() -> tuple[dict, list]:
    explorer = FlossingExplorer(arm="before 16", network="2")
    stored = FlossingExplorer.stored()["runs"][explorer.task][explorer.arm][1][1]
    run = explorer.run()
    parts = {"accuracy": run.accuracy, "exponents": run.exponents.tolist()}
    pairs = zip(run.exponents.tolist(), explorer.others(), strict=True)
    return {}, [case("unpack", [stored], parts), *(case("others", [one], mean, 1e-12) for one, mean in pairs)]


def project(points: np.ndarray, azimuth: float, elevation: float) -> np.ndarray:
    """Parallel projection of points (..., 3) onto the picture, (..., 2): right and up, in the unit of the points.

    The viewer stands `azimuth` degrees from the x axis, counter-clockwise as seen from above, and `elevation` degrees
    above the horizon.
    """
    a, e = np.radians([azimuth, elevation])
    right = (-np.sin(a), np.cos(a), 0.0)
    up = (-np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a), np.cos(e))
    return points @ np.array([right, up]).T


def flight() -> tuple[dict, list]:
    rng = np.random.default_rng(0)
    rows = flight_rows("expert", "2", "1")
    flown = {
        "position": rows[["x", "y", "z"]].to_numpy().tolist(),
        "motors": rows.filter(like="action").to_numpy().T.tolist(),
    }
    cases = [case("unpack", [FlightViewer(pilot="expert").state, "table"], flown)]
    for _ in range(20):
        azimuth, elevation, point = rng.uniform(-180, 180), rng.uniform(-10, 90), rng.normal(size=3)
        place = project(point, azimuth, elevation).tolist()
        cases.append(case("projected", [point.tolist(), azimuth, elevation], place, 1e-12))
    times = np.round(np.arange(0, 3.001, SECONDS_PER_STEP), 2).tolist()
    cases += [case("stepAt", [time, 150], min(step, 149)) for step, time in enumerate(times)]
    return {"expert": FlightViewer.stored()["expert"]}, cases


VECTORS: dict[str, Callable[[], tuple[dict, list]]] = {
    function.__name__: function
    for function in (surrogate, neuron, depth, truth, curves, schedule, lyapunov, flossing, flight)
}


def vectors(name: str) -> dict[str, Any]:
    """Return the table and the cases of an explorer, with as many digits as are compared."""
    table, cases = VECTORS[name]()
    rounded = json.loads(json.dumps(cases), parse_float=lambda text: float(f"{float(text):.13g}"))
    return {"table": table, "cases": rounded}


def main() -> None:
    """Write the vectors of every explorer."""
    for name in VECTORS:
        (FOLDER / f"{name}.json").write_text(json.dumps(vectors(name), separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
