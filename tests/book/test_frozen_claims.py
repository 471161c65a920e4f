"""A claim is frozen with its words, its margins and the numbers it gave; whoever changes one is told which moved."""

import dataclasses
import random
import signal

import numpy as np
import pandas as pd
import pytest
from faults import kills

from snnsg_book import claims
from snnsg_book.claim import paired
from snnsg_book.claims import CLAIMS, Claim, Joint, Regime, freeze_claims, moved, scorecard, verdicts
from snnsg_lib.store import CorruptResultError, freeze

THRESHOLD = 0.5


def above_threshold(values):
    return values.where(values > THRESHOLD, 0.0)


def gain(rows, regime):
    """Value at slope 1 minus value at slope 100, where it is above a threshold that stands elsewhere."""
    shallow, steep = paired(rows, "value", {"slope": 1}, {"slope": 100})
    return above_threshold(shallow - steep)


def renamed(rows, regime):
    shallow, steep = paired(rows, "value", {"slope": 1}, {"slope": 100})
    difference = shallow - steep
    return difference.where(difference > 0.5, 0.0)


def claim(id="T1", margin=0.25, **changes):
    regimes = tuple(Regime(name, margin, "above", (("setup", name),)) for name in ("a", "b"))
    return Claim(**{
        "id": id, "sentence": "Shallow is better.", "source": "here", "statistic": "difference of values",
        "regimes": regimes, "table": "made_up", "measure": gain, **changes,
    })  # fmt: skip


def table(effect=1.0):
    rng = np.random.default_rng(0)
    rows = [
        {"setup": setup, "seed": seed, "slope": slope, "value": effect * (slope == 1) + 0.4 * rng.standard_normal()}
        for setup in "ab"
        for seed in range(12)
        for slope in (1, 100)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def frozen(tmp_path):
    """A folder with a table and two claims frozen on it."""
    freeze("made_up", table(), directory=tmp_path)
    assert freeze_claims([claim("T1"), claim("T2", margin=0.3)], tmp_path) == ["T1", "T2"]
    return tmp_path


def test_no_claim_of_the_book_has_moved_since_it_was_frozen():
    assert moved() == {}


def test_every_claim_of_the_book_is_pending_or_frozen():
    frame = verdicts().set_index("id")["verdict"]
    frozen = {id for entry in CLAIMS for id in claims.read_entries(claims.path_of(entry))}
    assert frozen == set(frame.index[frame != "pending"])


def test_frozen_claim_keeps_words_margins_numbers_and_verdict(frozen):
    entry = claims.read_entries(frozen / "claims.json")["T1"]
    result = claim().results(table())[0]
    assert entry["sentence"] == "Shallow is better."
    assert entry["verdict"] == "held"
    assert entry["regimes"][0] == {
        "name": "a", "margin": 0.25, "direction": "above", "where": {"setup": "a"}, "estimate": result.estimate,
        "low": result.low, "high": result.high, "n": 12, "outcome": "supported",
    }  # fmt: skip


def test_renamed_helper_moves_nothing(frozen):
    assert moved([claim("T1", measure=renamed), claim("T2", 0.3, measure=renamed)], frozen) == {}


def test_changed_threshold_in_a_helper_names_the_claims_it_moved(frozen, monkeypatch):
    monkeypatch.setattr(f"{__name__}.THRESHOLD", 1.0)
    told = moved([claim("T1"), claim("T2", 0.3, measure=renamed)], frozen)
    assert set(told) == {"T1"}
    assert told["T1"][0].startswith("result in 'a' was ")
    assert told["T1"][-1].endswith("`python -m snnsg_book --accept T1` freezes it anew")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 2.0}, "margin in 'a' was 0.25, is 2.0"),
        ({"sentence": "Steep is better."}, "sentence was 'Shallow is better.', is 'Steep is better.'"),
        ({"statistic": "x"}, "statistic was"),
        ({"seeds": 11}, "seeds was 10, is 11"),
        ({"regimes": (Regime("a", 0.25, "above", (("setup", "a"),)),)}, "regimes were a, b, are a"),
        (
            {"regimes": tuple(Regime(x, 9.0, "below", (("setup", x),)) for x in "ab")},
            "direction in 'a' was above, is below",
        ),
    ],
)
def test_changed_word_regime_or_margin_names_the_claim_it_moved(frozen, changes, message):
    told = moved([claim("T1", **changes), claim("T2", 0.3)], frozen)
    assert set(told) == {"T1"}
    assert any(message in line for line in told["T1"])


def joint(margin=0.25):
    parts = tuple(Regime(f"above {m:g}", m, "above", (("setup", "a"),)) for m in (0.2, margin))
    return claim("T3", regimes=(Joint("setup a", parts),))


def test_joint_regime_is_frozen_with_its_parts_and_a_moved_margin_names_the_part(frozen):
    entries = [claim("T1"), claim("T2", 0.3), joint()]
    freeze_claims(entries, frozen)
    entry = claims.read_entries(frozen / "claims.json")["T3"]["regimes"][0]
    assert (entry["name"], entry["outcome"], entry["n"]) == ("setup a", "supported", 12)
    assert [part["outcome"] for part in entry["parts"]] == ["supported", "supported"]
    assert moved(entries, frozen) == {}
    told = moved([*entries[:2], dataclasses.replace(joint(3.0), regimes=_renamed(joint(3.0)))], frozen)
    assert "margin in 'setup a: above 0.25' was 0.25, is 3.0" in told["T3"]
    assert "result in 'setup a' was supported, is excluded" in told["T3"]


def _renamed(entry):
    """The regimes of `joint`, with the names that were frozen."""
    regime = entry.regimes[0]
    names = ("above 0.2", "above 0.25")
    parts = tuple(dataclasses.replace(part, name=name) for part, name in zip(regime.parts, names, strict=True))
    return (dataclasses.replace(regime, parts=parts),)


def test_margin_that_turns_a_verdict_shows_both_verdicts(frozen):
    assert "verdict was 'held', is 'refuted'" in moved([claim("T1", 2.0), claim("T2", 0.3)], frozen)["T1"]


def test_claim_that_disappears_is_named(frozen):
    assert set(moved([claim("T1")], frozen)) == {"T2"}


def test_another_table_names_its_claims(frozen):
    freeze("made_up", table(effect=1.1), directory=frozen)
    told = moved([claim("T1"), claim("T2", 0.3)], frozen)
    assert set(told) == {"T1", "T2"}
    assert told["T1"][0] == "table made_up is another one"


def test_claim_written_before_its_table_is_pending_and_has_not_moved(frozen):
    entries = [claim("T1"), claim("T2", 0.3), claim("T3", table="still_running")]
    assert moved(entries, frozen) == {}
    assert verdicts(entries, frozen)["verdict"].tolist() == ["held", "held", "pending"]
    assert freeze_claims(entries, frozen) == []


def test_claim_written_after_its_table_is_named_until_it_is_frozen(frozen):
    entries = [claim("T1"), claim("T2", 0.3), claim("T3")]
    assert moved(entries, frozen)["T3"][0] == "it has not been frozen, though made_up is there"
    assert freeze_claims(entries, frozen) == ["T3"]
    assert moved(entries, frozen) == {}


def test_claim_reworded_after_its_table_says_so_for_good(frozen):
    steeper = claim("T1", margin=0.5)
    assert freeze_claims([steeper], frozen) == ["T1"]
    assert freeze_claims([dataclasses.replace(steeper, seeds=11)], frozen) == ["T1"]
    changes = verdicts([steeper], frozen)["changes"][0]
    assert "after its table was made: margin in 'a' was 0.25, is 0.5" in changes
    assert "seeds was 10, is 11" in changes


def test_claim_reworded_together_with_a_new_table_is_written_before_it(frozen):
    freeze("made_up", table(effect=1.1), directory=frozen)
    freeze_claims([claim("T1", margin=0.5)], frozen)
    assert verdicts([claim("T1", margin=0.5)], frozen)["changes"][0] == ""


def test_scorecard_tells_what_was_changed_after_its_table(frozen, monkeypatch):
    freeze_claims([claim("T1", margin=0.5)], frozen)
    frame = verdicts([claim("T1", margin=0.5)], frozen)
    monkeypatch.setattr(claims, "verdicts", lambda directory=None: frame)
    assert "after its table was made: margin in" in scorecard().to_html()


def test_every_bit_flip_and_truncation_of_frozen_claims_is_an_error_that_names_the_file(frozen):
    path = frozen / "claims.json"
    whole = path.read_bytes()
    flips = random.Random(0).sample(range(8 * len(whole)), 300)
    cuts = random.Random(1).sample(range(len(whole)), 100)
    for damaged in [_flipped(whole, position) for position in flips] + [whole[:length] for length in cuts]:
        path.write_bytes(damaged)
        with pytest.raises(CorruptResultError, match=r"claims\.json is damaged .*--accept claims"):
            claims.read_entries(path)
    path.write_bytes(whole)
    assert moved([claim("T1"), claim("T2", 0.3)], frozen) == {}


def test_kill_at_any_point_of_a_write_leaves_the_old_claims_or_the_new_ones(frozen):
    whole = (frozen / "claims.json").read_bytes()
    seen = set()
    for point in range(1, 20):
        (frozen / "claims.json").write_bytes(whole)

        def child(point=point):
            with kills.killed_at(point):
                freeze_claims([claim("T1", margin=0.5)], frozen)

        code = kills.wait(kills.start(child))
        seen.add(claims.read_entries(frozen / "claims.json")["T1"]["regimes"][0]["margin"])
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0
    assert seen == {0.25, 0.5}


def _flipped(data, position):
    return data[: position // 8] + bytes([data[position // 8] ^ (1 << position % 8)]) + data[position // 8 + 1 :]


CHANGED = [
    "S2",
    "S4",
    "S5",
    "S6",
    "S8",
    "S9",
    "S10",
    "S11",
    "T4",
    "T5",
    "T6",
    "T7",
    "T9",
    "T10",
    "T21",
    "T23",
    "T24",
    "T25",
    "T26",
    "T27",
    "T28",
    "T37",
]


def test_what_was_changed_after_its_table_says_so_and_why():
    notes = verdicts([entry for entry in CLAIMS if entry.id in CHANGED]).set_index("id")["notes"]
    assert sorted(notes.index) == sorted(CHANGED)
    assert notes.str.contains("Changed after its table was seen: ").all()


def test_claims_that_were_only_renamed_are_not_called_changed():
    frame = verdicts([entry for entry in CLAIMS if entry.id in {"S1", "S3", "S7", "L1", "T1"}])
    assert frame["changes"].tolist() == [""] * 5
