"""The learning-curve explorer and the flight viewer: what their stored numbers are, and what they say of them."""

import json
import math
import re
from contextlib import contextmanager
from itertools import product

import numpy as np
import pytest
from page_scripts import ask, sentence
from synthetic_curves import learning_table

from snnsg_book import load_results
from snnsg_book.explorers import FlightViewer, LearningCurveExplorer, curves, flight
from snnsg_book.studies.control.outcomes import THRESHOLDS, outcomes
from snnsg_lib.statistics import bootstrap_interval, iqm


@pytest.fixture(scope="module")
def tables():
    """Learning curves of both learners."""
    return {f"{learner}_slopes": learning_table(learner) for learner in curves.LEARNERS}


@pytest.fixture(scope="module")
def explorer(tables):
    """A maker of learning-curve explorers that read the tables above."""
    with reading(tables):
        yield LearningCurveExplorer


@contextmanager
def reading(tables):
    """Let learning-curve explorers read `tables`, name to DataFrame, in place of the stored ones."""
    curves.stored_curves.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(curves, "load_results", tables.__getitem__)
        yield
    curves.stored_curves.cache_clear()


@pytest.mark.parametrize("setting", curves.SETTINGS)
@pytest.mark.parametrize("learner", curves.LEARNERS)
def test_arrivals_are_those_of_the_outcomes_that_claims_read(explorer, tables, setting, learner):
    table = tables[f"{learner}_slopes"]
    for slope in (2, 100):
        runs = outcomes(table[(table.setting == setting) & (table.slope == slope)], ["seed"])
        curve = explorer(setting=setting, learner=learner).curve(slope)
        assert curve.arrived == runs.reached.sum()
        # As many runs as make half have arrived by then, and not before.
        half = math.ceil(len(runs) / 2)
        assert ((runs.speed <= curve.half_by) & runs.reached).sum() >= half
        assert ((runs.speed < curve.half_by) & runs.reached).sum() < half


def test_middle_and_band_are_interquartile_mean_and_bootstrap_interval(explorer, tables):
    table = tables["td3_slopes"]
    rows = table[(table.setting == "slow_actor") & (table.slope == 10)]
    curve = explorer().curve(10)
    for place in (3, 8, -1):
        values = rows[rows.step == explorer().steps[place]].episode_return
        assert curve.middle[place] / 10 == pytest.approx(iqm(values), abs=0.051)
        low, high = bootstrap_interval(values)
        width = max(high - low, 1)
        assert curve.low[place] / 10 == pytest.approx(low, abs=0.2 * width)
        assert curve.high[place] / 10 == pytest.approx(high, abs=0.2 * width)


def test_fewer_runs_are_the_first_ones_and_widen_the_band(explorer):
    few, all_of_them = (explorer(seeds=seeds).curve(10) for seeds in ("5", "all"))
    assert few.runs == all_of_them.runs[:5]
    widths = [np.subtract(curve.high, curve.low).mean() for curve in (few, all_of_them)]
    assert widths[0] > 1.5 * widths[1]


@pytest.mark.parametrize(("short", "arrived"), [(0.01, 0), (0, 5)])
def test_a_return_just_below_the_threshold_has_not_arrived(short, arrived):
    few = {name: learning_table(name[:-7], seeds=5) for name in ("td3_slopes", "bc_slopes")}
    few["td3_slopes"]["episode_return"] = THRESHOLDS["planar"] - short
    with reading(few):
        explorer = LearningCurveExplorer()
        assert explorer.curve(2).arrived == arrived
        way = "half of the runs pass 100 by step 1,000 (5 of 5 ever do)"
        assert (way if arrived else "fewer than half of the runs pass 100 (0 of 5)") in sentence(explorer)


def test_sentence_compares_what_is_drawn(explorer):
    words = sentence(explorer())
    assert words.startswith(
        "TD3 on PlanarHover (slow actor), 32 runs of each slope: with k = 2 half of the runs pass 100"
    )
    assert "with k = 100" in words
    assert "with k = 100" not in sentence(explorer(against="nothing"))
    assert sentence(explorer(slope=100)).count("with k = 100") == 1
    every = sentence(explorer(against="all", learner="bc", setting="crazyflie", seeds="5"))
    assert every.startswith("Cloning on CrazyflieHover, 5 runs of each slope")
    assert "Of all slopes k = 1 is first to bring half of its runs there (by update " in every


@pytest.mark.parametrize("value", [3, 0, 101, "2", True, float("nan"), None])
def test_a_slope_that_was_not_run_is_refused_by_name(explorer, value):
    shown = explorer()
    with pytest.raises((TypeError, ValueError), match=rf"slope must be .*, got {re.escape(repr(value))}"):
        shown.slope = value
    assert shown.slope == 2


@pytest.mark.parametrize(
    ("control", "value"), [("against", "3"), ("seeds", "7"), ("learner", "sac"), ("setting", "r1")]
)
def test_other_controls_of_the_curves_are_checked(explorer, control, value):
    with pytest.raises(ValueError, match=rf"{control} must be .*, got {re.escape(repr(value))}"):
        explorer(**{control: value})


def test_curves_and_flights_are_light(explorer):
    state = json.dumps(explorer().page_state, separators=(",", ":"))
    assert len(state) < 250_000
    assert not re.search(r"\d\.\d", state.partition('"curves"')[2]), "whole numbers alone"


def test_a_missing_table_is_named_with_the_command_that_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(curves, "load_results", lambda name: load_results(name, tmp_path))
    monkeypatch.setattr(curves, "stored_curves", curves.stored_curves.__wrapped__)
    with pytest.raises(FileNotFoundError, match=r"python -m snnsg_book td3_slopes"):
        LearningCurveExplorer()


FLIGHTS = [{"pilot": "expert"}] + [
    {"pilot": pilot, "slope": slope, "trained": trained}
    for pilot in flight.LEARNERS
    for slope in flight.SLOPES
    for trained in flight.TRAINED
]


def test_all_flights_begin_in_one_state_and_the_expert_stays_up():
    starts = {tuple(values[0] for values in FlightViewer(**which).flight()["motion"].values())[:6] for which in FLIGHTS}
    assert len(starts) == 1
    assert len(FlightViewer(pilot="expert").flight()["motion"]["x"]) == flight.STEPS


@pytest.mark.parametrize("which", FLIGHTS, ids=lambda which: " ".join(which.values()))
def test_a_flight_unpacks_to_the_rows_of_the_table(which):
    viewer = FlightViewer(**which)
    rows = flight.flight_rows(viewer.pilot, viewer.slope, viewer.trained)
    packed, words = viewer.flight(), sentence(viewer)
    for name, scale in flight.SCALES.items():
        expected = rows[name].to_numpy() * (np.sign(rows.qw.to_numpy()) if name.startswith("q") else 1)
        assert np.cumsum(packed["motion"][name]) / scale == pytest.approx(expected, abs=1e-9)
    assert packed["earned"] == round(rows.reward.sum())
    assert len(packed["spikes"]) == (0 if viewer.pilot == "expert" else 48 * len(rows))
    failed = len(rows) < flight.STEPS
    assert (f"fails after {0.02 * len(rows):.2f} s" in words) == failed
    assert f"{packed['earned']} of 150 points" in words


def test_projection_keeps_what_lies_across_the_view():
    def seen(*given):
        return ask("flight", [["projected", *given]])[0]

    assert seen([0, 0, 1], 0, 0) == pytest.approx([0, 1])
    assert seen([0, 1, 0], 0, 0) == pytest.approx([1, 0])
    assert seen([1, 0, 0], 0, 0) == pytest.approx([0, 0])  # along the view
    assert seen([1, 0, 0], 0, 90) == pytest.approx([0, -1])  # from above, towards the viewer's feet


@pytest.mark.parametrize(
    ("control", "value"),
    [("time", 3.1), ("azimuth", 181), ("elevation", -11), ("pilot", "human"), ("slope", "10"), ("trained", "0.2")],
)
def test_controls_of_the_viewer_are_checked(control, value):
    with pytest.raises(ValueError, match=rf"{control} must be .*, got {re.escape(repr(value))}"):
        FlightViewer(**{control: value})


def test_play_head_stops_where_the_flight_ends():
    steps = ask("flight", [["stepAt", time, 150] for time in (0, 0.58, 3)] + [["stepAt", 3, 25]])
    assert steps == [0, 29, flight.STEPS - 1, 24]


@pytest.mark.parametrize("which", FLIGHTS, ids=lambda which: " ".join(which.values()))
def test_the_page_unpacks_a_flight_to_the_rows_of_the_table(which):
    viewer = FlightViewer(**which)
    rows = flight.flight_rows(viewer.pilot, viewer.slope, viewer.trained)
    (flown,) = ask("flight", [["unpack", viewer.state, "table"]], viewer.table)
    assert np.array(flown["position"]) == pytest.approx(rows[["x", "y", "z"]].to_numpy(), abs=1e-9)
    # A quaternion and its opposite are one attitude; the table has three digits.
    attitude = rows[["qw", "qx", "qy", "qz"]].to_numpy() * np.sign(rows[["qw"]].to_numpy())
    assert np.array(flown["attitude"]) == pytest.approx(attitude, abs=0.05)
    assert np.array(flown["attitude"])[:, 1:] == pytest.approx(attitude[:, 1:], abs=1e-9)
    assert pytest.approx(rows.filter(like="action").to_numpy(), abs=1e-9) == np.array(flown["motors"]).T


def test_the_page_finds_the_curve_that_python_finds(explorer):
    choices = list(product((2, 50), curves.SETTINGS, curves.LEARNERS, ("5", "all")))
    shown = [explorer(**dict(zip(("slope", "setting", "learner", "seeds"), choice, strict=True))) for choice in choices]
    answers = ask("curves", [["curve", one.slope, one.state, "table"] for one in shown], shown[0].table)
    for one, found in zip(shown, answers, strict=True):
        expected = one.curve(int(one.slope))
        assert [found[key] for key in ("runs", "middle", "low", "high", "arrived")] == [*expected[:5]]
        assert (found["halfBy"] or math.inf) == expected.half_by  # JSON has no endless number


def test_the_expert_has_no_neurons_to_speak_of():
    assert sentence(FlightViewer(pilot="expert")).endswith("It solves equations and has no neurons.")
