"""The Python side of the flossing explorer: its numbers are those of the table, to the digits that a page holds."""

import math
import re
from itertools import product

import numpy as np
import pytest
from page_scripts import ask, sentence, sentences
from synthetic_spectra import flossing_table

from snnsg_book import load_results
from snnsg_book.explorers import FlossingExplorer, flossing
from snnsg_book.studies.flossing.tasks import flossing_steps


@pytest.fixture(scope="module")
def table():
    return flossing_table()


@pytest.fixture(scope="module")
def explorer(table):
    """A maker of flossing explorers that read the table above."""
    flossing.stored_spectra.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flossing, "load_results", {"flossing_epochs": table.sample(frac=1, random_state=0)}.__getitem__)
        yield FlossingExplorer
    flossing.stored_spectra.cache_clear()


@pytest.mark.parametrize("task", flossing.DELAYS)
@pytest.mark.parametrize("arm", flossing.ARMS)
def test_numbers_are_those_of_the_table_to_the_last_digit_that_is_kept(explorer, table, task, arm):
    for slope in flossing.SLOPES:
        rows = table[(table.task == task) & (table.arm == arm) & (table.slope == slope)]
        shown = explorer(task=task, arm=arm, slope=slope)
        for seed, run in enumerate(shown.runs()):
            own = rows[rows.seed == seed].sort_values("step")
            assert own.step.tolist() == shown.steps
            assert np.abs(own.accuracy.to_numpy() - np.array(run.accuracy) / 100).max() < 0.00501
            off = np.abs(own[flossing.EXPONENTS].to_numpy() - run.exponents / 1000)
            assert off[:, 0].max() < 0.000501
            assert off[:, 1:].max() < 0.00501


def test_the_chosen_network_is_that_of_its_seed(explorer):
    shown = explorer(network="3")
    assert shown.run().accuracy == shown.runs()[2].accuracy
    np.testing.assert_array_equal(shown.run().exponents, shown.runs()[2].exponents)


def test_mean_of_the_others_completes_the_sum_of_all_exponents(explorer, table):
    shown = explorer(task="xor", arm="before 16", network="2")
    rows = table.query("task == 'xor' and arm == 'before 16' and slope == 5 and seed == 1").sort_values("step")
    leading = rows[flossing.EXPONENTS].sum(axis=1)
    total = leading.to_numpy() + flossing.OTHERS * np.array(shown.others())
    # Thirty-one exponents that are rounded to hundredths.
    assert total == pytest.approx(64 * math.log(math.exp(-1 / 2) * math.exp(-1)), abs=0.16)


@pytest.mark.parametrize("arm", flossing.ARMS)
def test_blocks_are_the_steps_at_which_the_arm_flosses(arm):
    schedule = flossing.ARMS[arm][0] or "none"
    for step in range(200):
        flosses = flossing_steps(schedule, step + 1) > flossing_steps(schedule, step)
        assert flosses == any(start <= step < end for start, end in flossing.blocks(arm))
    assert flossing.flossed(arm) == {"before": 1, "before 16": 16, "during": 1}.get(arm, 0)


def test_a_step_beyond_the_end_of_a_run_shows_its_end(explorer):
    assert sentence(explorer(step=600)) == sentence(explorer(step=400))
    assert sentence(explorer(step=600, task="xor")) != sentence(explorer(step=400, task="xor"))
    assert explorer(step=600).checkpoint == len(explorer().run().accuracy) - 1


def test_sentence_counts_steps_and_follows_the_gradient(explorer):
    shown = explorer(arm="during", step=60)
    first = shown.run().exponents[:, 0]
    words = sentence(shown)
    assert words.startswith("After 60 of 400 gradient steps, 20 of them flossing, the largest exponent of network 1 is")
    assert f"is {first[4] / 1000:.2f} per step; it was {first[0] / 1000:.2f} at the start".replace("-", "−") in words
    power = float(re.search(r"multiplies a gradient by e to the (\S+) over the 48 steps", words)[1].replace("−", "-"))
    assert power == pytest.approx(0.048 * first[4], abs=0.051)
    assert words.endswith(f"The network answers {shown.run().accuracy[4]} % right.")


def test_sentence_begins_at_the_beginning_and_says_what_is_flossed(explorer):
    assert sentence(explorer(step=0)).startswith("Before the first gradient step the largest exponent of network 1 is")
    assert "it was" not in sentence(explorer(step=0))
    assert sentence(explorer(step=40)).startswith("After 40 of 400 gradient steps, all of them flossing, the")
    assert sentence(explorer(step=20, arm="during")).startswith("After 20 of 400 gradient steps, none of them")
    assert sentence(explorer(step=600, arm="gain")).startswith("After all 400 gradient steps the largest")
    sixteen = explorer(arm="before 16")
    mean, was = (sixteen.run().exponents[at, :16].mean() / 1000 for at in (4, 0))
    assert f"The 16 to be flossed have a mean of {mean:.2f}, at first {was:.2f}.".replace("-", "−") in (
        sentence(sixteen)
    )


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("step", 30),
        ("step", -10),
        ("step", 601),
        ("step", "60"),
        ("step", math.nan),
        ("slope", 2),
        ("slope", None),
        ("task", "parity"),
        ("arm", "both"),
        ("network", "5"),
        ("network", 1),
    ],
)
def test_controls_are_checked(explorer, control, value):
    shown = explorer()
    with pytest.raises((TypeError, ValueError), match=rf"{control} must be .*, got {re.escape(repr(value))}"):
        setattr(shown, control, value)
    assert shown.state == explorer().state


def test_a_missing_table_is_named_with_the_command_that_makes_it(monkeypatch, tmp_path):
    monkeypatch.setattr(flossing, "load_results", lambda name: load_results(name, tmp_path))
    monkeypatch.setattr(flossing, "stored_spectra", flossing.stored_spectra.__wrapped__)
    with pytest.raises(FileNotFoundError, match=r"python -m snnsg_book flossing_epochs"):
        FlossingExplorer()


def test_the_page_unpacks_the_runs_that_python_unpacks(explorer):
    for task, arm, slope in product(flossing.DELAYS, flossing.ARMS, flossing.SLOPES):
        shown = explorer(task=task, arm=arm, slope=slope)
        stored = shown.table["runs"][task][arm][flossing.SLOPES.index(slope)]
        runs = ask("flossing", [["unpack", run] for run in stored])
        for run, expected in zip(runs, shown.runs(), strict=True):
            assert run["accuracy"] == expected.accuracy
            assert run["exponents"] == expected.exponents.tolist()


def test_every_control_changes_the_sentence(explorer):
    changes = [{"step": 0}, {"task": "xor"}, {"arm": "gain"}, {"slope": 25}, {"network": "2"}]
    assert len(set(sentences(*(explorer(**change) for change in ({}, *changes))))) == len(changes) + 1
