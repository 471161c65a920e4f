"""The Python side of the schedule explorer: its lines are the library's schedules, its runs those of the table."""

import json
import math
import re

import numpy as np
import pytest
from synthetic_curves import schedule_table

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
        assert len(shown.stored()) == schedule.RUNS
    assert explorer(curve="steady").stored() == []


def test_many_runs_at_once_have_the_paths_of_each_alone(explorer):
    shown = explorer(curve="adaptive")
    together = shown.paths(np.array(shown.stored()).T)["adaptive"]
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
    words = explorer(curve="steady", at=7).sentence()
    assert "evaluation 7 the return is 78" in words
    assert "has come to 34 in equal differences, to 4.6 in equal ratios" in words
    assert "first reaches 100, at evaluation 8," in words
    assert "never reaches 100" in explorer(curve="stuck").sentence()
    assert (
        explorer(curve="reversed", run="3").sentence().startswith("In stored run 3 of 32 (reversed), after evaluation")
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


@pytest.mark.parametrize(
    "change",
    [
        {"curve": "noisy"},
        {"curve": "reversed"},
        {"curve": "yours"},
        {"weight_reward": 0.1},
        {"weight_change": 5},
        {"window": 2},
        {"low": 3},
        {"high": 30},
        {"interval": 1},
        {"spacing": "geometric"},
        {"fixed": 2},
    ],
)
def test_every_control_changes_the_picture(explorer, change):
    assert explorer(**change).to_svg() != explorer().to_svg()


def test_each_explorer_has_a_drawing_of_its_own(explorer):
    first, second = explorer(), explorer()
    first.returns = [7.0] * 18
    assert second.returns == [float(value) for value in schedule.DRAWN]
    assert first.get_state("returns") == {"returns": [7.0] * 18}


def test_html_holds_state_and_runs_and_is_light(explorer):
    shown = explorer(curve="adaptive")
    bundle, _ = shown._repr_mimebundle_()
    state = re.search(r'data-state="([^"]*)"', bundle["text/html"])[1].replace("&quot;", '"')
    assert json.loads(state) == shown.page_state
    assert len(state) < 60_000
    assert bundle["text/plain"] == shown.sentence()


def test_a_missing_table_is_named_with_the_command_that_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(schedule, "load_results", lambda name: load_results(name, tmp_path))
    monkeypatch.setattr(schedule, "stored_returns", schedule.stored_returns.__wrapped__)
    with pytest.raises(FileNotFoundError, match=r"python -m snnsg_book schedules_td3"):
        ScheduleExplorer()
