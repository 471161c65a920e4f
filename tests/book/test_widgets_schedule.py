"""The Python side of the schedule explorer: its lines are the library's schedules, its runs those of the table."""

import math

import numpy as np
import pytest
from page_scripts import ask, sentence
from synthetic_curves import schedule_table
from vectors import random_state

from snnsg_book import load_results
from snnsg_book.explorers import ScheduleExplorer, schedule
from snnsg_book.studies.control.training import SETTINGS
from snnsg_book.studies.schedules import arms
from snnsg_lib.surrogates import FastSigmoid


@pytest.fixture(scope="module")
def table():
    return schedule_table()


@pytest.fixture(scope="module")
def explorer(table):
    """A maker of schedule explorers that read the table above."""
    schedule.stored_returns.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schedule, "load_results", {"schedules_td3": table}.__getitem__)
        yield ScheduleExplorer
    schedule.stored_returns.cache_clear()


@pytest.mark.parametrize(
    ("line", "arm"),
    [
        ("linear", "interval, linear"),
        ("geometric", "interval, geometric"),
        ("reversed", "reversed"),
        ("adaptive", "adaptive"),
    ],
)
def test_defaults_are_the_schedules_of_the_record(explorer, line, arm):
    shown = explorer(curve="adaptive", run="5")
    evaluations = SETTINGS["slow_actor"].steps // SETTINGS["slow_actor"].evaluate_every
    scheduler = arms.factory(arms.SCHEDULES[arm], "slow_actor", evaluations)(FastSigmoid())
    for place, value in enumerate(shown.shown()):
        assert shown.paths()[line][place] == scheduler.get_last_slope()
        scheduler.step(value)
    assert shown.paths()[line][-1] == scheduler.get_last_slope()
    assert len(shown.shown()) == evaluations == schedule.EVALUATIONS


def test_stored_runs_are_those_of_the_table_to_a_tenth(explorer, table):
    for arm in arms.ONLINE:
        shown = explorer(curve=arm, run="7")
        rows = table[(table.schedule == arm) & (table.seed == 6)].sort_values("step")
        difference = rows.episode_return.to_numpy() - np.array(shown.shown())
        assert ((difference > -1e-9) & (difference < 0.1)).all()
        assert len(shown.stored_runs()) == schedule.RUNS
    assert explorer(curve="steady").stored_runs() == []


def test_many_runs_at_once_have_the_paths_of_each_alone(explorer):
    shown = explorer(curve="adaptive")
    together = shown.paths(np.array(shown.stored_runs()).T)["adaptive"]
    alone = explorer(curve="adaptive", run="32").paths()["adaptive"]
    assert [row[31] for row in together[1:]] == pytest.approx(alone[1:])


def test_a_setback_lowers_the_adaptive_slope_alone(explorer):
    up, down = explorer(curve="steady").paths(), explorer(curve="setback").paths()
    assert down["adaptive"][13] < up["adaptive"][13] - 10
    assert all(up[name] == down[name] for name in ("fixed", "linear", "geometric", "reversed"))


def test_without_a_weight_on_the_return_a_good_agent_gets_the_lowest_slope(explorer):
    full = dict(curve="yours", returns=[190] * 18, weight_reward=0)
    assert explorer(**full).paths()["adaptive"] == [1.0] * 19
    assert explorer(**full, weight_change=0).paths()["adaptive"] == [1.0] * 19
    assert explorer(**full | {"weight_reward": 0.5}).paths()["adaptive"][1:] == [100.0] * 18


def test_sentence_tells_return_slopes_and_arrival(explorer):
    words = sentence(explorer(curve="steady", at=7))
    assert "evaluation 7 the return is 78" in words
    assert "has come to 34 in equal differences, to 4.6 in equal ratios" in words
    assert "first reaches 100, at evaluation 8," in words
    assert "never reaches 100" in sentence(explorer(curve="stuck"))
    assert sentence(explorer(curve="reversed", run="3")).startswith(
        "In stored run 3 of 32 (reversed), after evaluation"
    )


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("window", 0),
        ("window", 2.5),
        ("at", 19),
        ("interval", 7),
        ("low", 21),
        ("high", 20),
        ("weight_reward", -0.1),
        ("weight_change", math.inf),
        ("run", "33"),
        ("curve", "rising"),
        ("spacing", "logarithmic"),
        ("returns", [1.0] * 17),
        ("returns", [math.nan] * 18),
        ("returns", 5.0),
    ],
)
def test_controls_are_checked(explorer, control, value):
    with pytest.raises((TypeError, ValueError), match=rf"{control} must be "):
        explorer(**{control: value})


def test_each_explorer_has_a_drawing_of_its_own(explorer):
    first, second = explorer(), explorer()
    first.returns = [7.0] * 18
    assert second.returns == [float(value) for value in schedule.DRAWN]
    assert first.get_state("returns") == {"returns": [7.0] * 18}


def test_a_missing_table_is_named_with_the_command_that_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(schedule, "load_results", lambda name: load_results(name, tmp_path))
    monkeypatch.setattr(schedule, "stored_returns", schedule.stored_returns.__wrapped__)
    with pytest.raises(FileNotFoundError, match=r"python -m snnsg_book schedules_td3"):
        ScheduleExplorer()


def test_the_page_has_the_slopes_of_the_library_on_a_thousand_random_histories(explorer):
    """Twenty-five histories for each of forty settings: of any length, shaking, climbing, and beyond full return."""
    rng, cases = np.random.default_rng(0), []
    for _ in range(40):
        state = random_state(explorer, rng, curve="yours")
        state["weight_reward"] = float(rng.choice([0, 0.05, 0.5, state["weight_reward"]]))
        length = rng.integers(1, 41)
        drift = np.cumsum(rng.normal(5, 25, (length, 25)), axis=0)
        cases.append((explorer(**state), rng.uniform(-20, 220, (length, 25)) * rng.integers(0, 2) + drift))
    calls = [["paths", run, shown.state] for shown, history in cases for run in history.T.tolist()]
    answers = iter(ask("schedule", calls))
    for shown, history in cases:
        found = [next(answers) for _ in range(25)]
        for name, expected in shown.paths(history).items():
            values = np.array([np.broadcast_to(slope, 25) for slope in expected]).T
            assert np.array([run[name] for run in found]) == pytest.approx(values, abs=1e-9), name
    assert next(answers, None) is None
