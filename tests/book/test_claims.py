"""Verdicts follow from tables by one rule."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from snnsg_book.claim import paired, per_seed
from snnsg_book.claims import CLAIMS, VERDICTS, Claim, Regime, entry_hashes, scorecard, verdicts
from snnsg_lib.store import CorruptResultError, freeze


def gain(rows, regime):
    """Value at slope 1 minus value at slope 100."""
    shallow, steep = paired(rows, "value", {"slope": 1}, {"slope": 100})
    return shallow - steep


def claim(direction="above", margin=1.0, **changes):
    regimes = tuple(Regime(name, margin, direction, (("setup", name),)) for name in ("a", "b"))
    return Claim(**{
        "id": "S1", "sentence": "Shallow is better.", "source": "here", "statistic": "difference of values",
        "regimes": regimes, "table": "made_up", "measure": gain, **changes,
    })  # fmt: skip


def table(effects, seeds=12, spread=0.1):
    rng = np.random.default_rng(0)
    rows = []
    for setup, effect in effects.items():
        for seed in range(seeds):
            level = rng.standard_normal()
            rows.append({"setup": setup, "seed": seed, "slope": 100, "value": level})
            rows.append(
                {"setup": setup, "seed": seed, "slope": 1, "value": level + effect + spread * rng.standard_normal()}
            )
    return pd.DataFrame(rows)


def verdict(tmp_path, entry, effects, **how):
    freeze("made_up", table(effects, **how), directory=tmp_path)
    return verdicts([entry], tmp_path).iloc[0]


@pytest.mark.parametrize(
    ("direction", "a", "b", "expected"),
    [
        ("above", 2.0, 3.0, "reproduced"),
        ("above", 2.0, 0.0, "under conditions"),
        ("above", 2.0, 1.0, "under conditions"),
        ("above", 0.0, -3.0, "not reproduced"),
        ("above", 0.0, 1.0, "open"),
        ("above", 1.0, 1.0, "open"),
        ("below", 0.0, -5.0, "reproduced"),
        ("below", 2.0, 3.0, "not reproduced"),
        ("within", 0.0, 0.5, "reproduced"),
        ("within", 0.0, -3.0, "under conditions"),
        ("within", 3.0, -3.0, "not reproduced"),
        ("within", 1.0, -1.0, "open"),
    ],
)
def test_verdict_follows_from_intervals_and_margin(tmp_path, direction, a, b, expected):
    row = verdict(tmp_path, claim(direction), {"a": a, "b": b})
    assert row["verdict"] == expected
    assert (row["n"], row["seeds"]) == (12, 10)


def test_claim_without_a_table_or_a_measure_is_open(tmp_path):
    assert verdicts([claim()], tmp_path)["verdict"].tolist() == ["open"]
    assert verdict(tmp_path, claim(measure=None), {"a": 9, "b": 9})["verdict"] == "open"


def test_regime_without_rows_keeps_a_claim_from_being_reproduced(tmp_path):
    assert verdict(tmp_path, claim(), {"a": 9})["verdict"] == "under conditions"


def test_nine_seeds_decide_nothing(tmp_path):
    row = verdict(tmp_path, claim(), {"a": 9, "b": 9}, seeds=9)
    assert row["verdict"] == "open"
    assert "9 seeds are too few" in row["intervals"]
    with pytest.raises(ValueError, match="seeds must be an integer >= 10"):
        claim(seeds=9)


def test_claim_may_ask_for_more_seeds(tmp_path):
    assert verdict(tmp_path, claim(seeds=20), {"a": 9, "b": 9})["verdict"] == "open"


def test_pairing_by_seed_finds_what_the_spread_between_seeds_hides(tmp_path):
    assert verdict(tmp_path, claim(margin=0.1), {"a": 0.3, "b": 0.3})["verdict"] == "reproduced"


def test_intervals_are_told_in_words(tmp_path):
    words = verdict(tmp_path, claim(), {"a": 3.0, "b": 0.0})["intervals"]
    assert words.startswith("a: ")
    assert "claimed above 1: supported; b: " in words
    assert words.endswith("excluded")


def test_damaged_table_is_an_error_and_not_an_open_claim(tmp_path):
    verdict(tmp_path, claim(), {"a": 3.0, "b": 3.0})
    path = tmp_path / "made_up.csv"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CorruptResultError, match="made_up"):
        verdicts([claim()], tmp_path)


def test_hash_of_an_entry_changes_with_everything_it_claims():
    def other(rows, regime):
        return rows

    changes = [
        {"sentence": "x"},
        {"statistic": "x"},
        {"seeds": 11},
        {"table": "x"},
        {"measure": other},
        {"margin": 2.0},
    ]
    hashes = {claim(**change).hash for change in [{}, *changes, {"direction": "below"}]}
    assert len(hashes) == 8
    assert claim().hash == claim().hash


def test_value_given_twice_for_a_seed_is_an_error():
    rows = pd.DataFrame({"seed": [0, 0], "value": [1.0, 2.0]})
    with pytest.raises(ValueError, match="several values for one seed"):
        per_seed(rows, "value")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": math.nan}, "margin must be finite"),
        ({"margin": 1.0, "direction": "near"}, "direction must be one of"),
        ({"margin": 0.0, "direction": "within"}, "margin must be > 0"),
    ],
)
def test_bad_regime_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Regime("a", **arguments)


def test_every_claim_of_the_seeds_has_an_entry():
    wanted = [f"S{number}" for number in range(1, 13)] + [f"L{number}" for number in range(1, 5)]
    assert [entry.id for entry in CLAIMS if entry.id[0] in "SL"] == wanted
    assert len({entry.id for entry in CLAIMS}) == len(CLAIMS)
    for entry in CLAIMS:
        assert all((entry.sentence, entry.source, entry.statistic, entry.regimes, entry.table))
        assert entry.id in entry_hashes(entry.table)


def test_verdicts_of_the_stored_tables_use_the_four_words():
    frame = verdicts()
    assert {"id", "claim", "source", "verdict", "intervals", "seeds", "n", "table"} <= set(frame)
    assert set(frame["verdict"]) <= set(VERDICTS)


def test_scorecard_says_every_verdict_in_words():
    html = scorecard().to_html()
    for row in verdicts().itertuples():
        assert row.id in html
        assert row.verdict in html


def test_scorecard_escapes_what_a_table_says(tmp_path, monkeypatch):
    from snnsg_book import claims

    entry = dataclasses.replace(claim(), sentence="<script>alert(1)</script>")
    monkeypatch.setattr(claims, "verdicts", lambda directory=None: verdicts([entry], tmp_path))
    assert "<script>" not in scorecard().to_html()
