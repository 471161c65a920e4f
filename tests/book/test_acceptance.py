"""A stored result is taken over for today's code only if today's code gives it."""

import re
import sys
import textwrap

import pandas as pd
import pytest

from snnsg_book import acceptance, catalogue, claims, load_results, studies
from snnsg_book.__main__ import main
from snnsg_book.acceptance import TODAY, Refused, accept, status
from snnsg_book.claims import Claim, Regime
from snnsg_lib.store import RunStore, amend, freeze
from snnsg_lib.sweeps import read_pack

TOY = '''
"""A toy."""
from dataclasses import dataclass
import os, time
from .helper import double

@dataclass(frozen=True)
class Config:
    seed: int = 0
    shape: tuple = (1, 2)
    late: float | None = None

CHUNK_SIZE = 5

def configs(quick=False):
    return [Config(seed) for seed in range(20)]

def run(configs):
    if os.environ.get("STOP_AT") == str(configs[0].seed):
        raise KeyboardInterrupt
    with open(os.environ["COMPUTED"], "a") as file:
        file.write(f"{configs[0].seed} ")
    time.sleep(0.05 * (configs[0].seed != 10))
    rows = [{"value": double(c.seed) / 3, "seconds": time.time(), "gap": None, "yes": True} for c in configs]
    # A column that some runs alone have.
    return [[row | ({"rare": 1.0} if c.seed < 5 else {})] * 2 for row, c in zip(rows, configs)]
'''


def value(rows, regime):
    return rows.groupby("seed")["value"].mean()


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A subject with one toy; `lab(helper)` writes its helper module anew."""
    folder = tmp_path / "studies" / "toys"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('EXPERIMENTS = {"toy": "toy"}\n')
    (folder / "toy.py").write_text(textwrap.dedent(TOY))
    monkeypatch.setattr(studies, "__path__", [str(folder.parent)])
    monkeypatch.setattr(catalogue, "SUBJECTS", ("toys",))
    monkeypatch.setattr(acceptance, "folder_of", lambda name: tmp_path / "data")
    monkeypatch.setattr("snnsg_book.__main__.CLAIMS", ())
    monkeypatch.setenv("COMPUTED", str(tmp_path / "computed"))
    monkeypatch.chdir(tmp_path)

    def write(helper):
        (folder / "helper.py").write_text(f"def double(x):\n    {helper}\n")
        _forget()
        return tmp_path

    yield write
    _forget()


def _forget():
    for name in ("toys", "toys.toy", "toys.helper"):
        sys.modules.pop(f"snnsg_book.studies.{name}", None)


def computed(folder):
    return (folder / "computed").read_text().split()


HELPER = "snnsg_book.studies.toys.helper"
HOME = ["toy", "--out", "data"]


def test_status_names_the_modules_that_differ(lab):
    folder = lab("return 2 * x")
    assert status(folder / "data") == {"toy": "missing"}
    main(HOME)
    assert status(folder / "data") == {"toy": TODAY}
    lab("'''Words.'''\n    return 2 * x  # more words")
    assert status(folder / "data") == {"toy": TODAY}
    lab("return x + x")
    assert status(folder / "data") == {"toy": f"differs in {HELPER}"}
    amend("toy", folder / "data", modules={})
    assert status(folder / "data") == {"toy": "code unknown"}


def test_change_that_keeps_the_numbers_is_accepted_after_the_cheapest_chunk(lab):
    folder = lab("return 2 * x")
    main(HOME)
    before, made = (folder / "data" / "toy.csv").read_bytes(), load_results("toy", folder / "data").attrs
    lab("return x + x")
    told = accept("toy", folder / "data")
    assert told == "table taken over: chunk 2, 10 rows, bit for bit"
    assert computed(folder) == ["0", "5", "10", "15", "10"]
    assert status(folder / "data") == {"toy": TODAY}
    facts = load_results("toy", folder / "data").attrs
    assert facts["accepted"].items() >= {"chunk": 2, "rows": 10, "equal": "bit for bit"}.items()
    assert facts["made_at"] == made.get("commit", "unknown")
    assert (folder / "data" / "toy.csv").read_bytes() == before
    assert accept("toy", folder / "data") == TODAY
    assert len(computed(folder)) == 5


def test_table_that_keeps_rows_of_an_earlier_one_is_accepted_by_those_of_its_runs(lab):
    folder = lab("return 2 * x")
    main(HOME)
    data, earlier = folder / "data", load_results("toy", folder / "data")
    runs = RunStore(folder / "runs" / "toy").latest_runs()
    freeze("toy", runs[15:], directory=data, kept=earlier[earlier.seed < 15].drop(columns="rare"))
    lab("return x + x")
    assert accept("toy", data) == "table taken over: chunk 0, 10 rows, bit for bit"
    assert computed(folder)[-1] == "15"


def test_change_of_one_bit_is_refused_with_the_first_difference(lab, capsys):
    folder = lab("return 2 * x")
    main(HOME)
    lab("return 2 * x * (1 + 3e-16)")
    with pytest.raises(Refused, match=r"toy, chunk 2, compared bit for bit: value in row 0 of the chunk is 6\.6"):
        accept("toy", folder / "data")
    assert status(folder / "data") == {"toy": f"differs in {HELPER}"}
    assert main(["--accept", "toy", "--out", "data"]) == 1
    assert "toy: refused: toy, chunk 2" in capsys.readouterr().out


@pytest.mark.parametrize("change", [{"machines": []}, {"threads": [2]}])
def test_elsewhere_values_are_compared_within_a_stated_tolerance(lab, change):
    folder = lab("return 2 * x")
    main(HOME)
    facts = load_results("toy", folder / "data").attrs
    other = [facts["machines"][0] | {"cpu": "another"}] if "machines" in change else facts["machines"]
    amend("toy", folder / "data", **{"machines": other, **({} if "machines" in change else change)})
    lab("return 2 * x * (1 + 3e-16)")
    assert accept("toy", folder / "data").endswith("within 1e-06 (another machine or other versions)")
    lab("return 2.001 * x")
    with pytest.raises(Refused, match="compared within 1e-06"):
        accept("toy", folder / "data")


def test_changed_configs_are_refused_by_name(lab):
    folder = lab("return 2 * x")
    main(HOME)
    toy = folder / "studies" / "toys" / "toy.py"
    for old, new, message in [
        ("Config(seed)", "Config(seed + 1)", "config 0 had seed 0, has 1"),
        ("range(20)", "range(15)", "there were 20 configs, there are 15"),
    ]:
        whole = toy.read_text()
        toy.write_text(whole.replace(old, new))
        _forget()
        with pytest.raises(Refused, match=re.escape(message)):
            accept("toy", folder / "data")
        toy.write_text(whole)


def test_table_that_was_not_frozen_from_runs_is_of_unknown_code_and_refused(lab):
    folder = lab("return 2 * x")
    freeze("toy", pd.DataFrame({"seed": [0], "value": [0.0]}), directory=folder / "data")
    assert status(folder / "data") == {"toy": "code unknown"}
    with pytest.raises(Refused, match="frozen from a table and not from runs"):
        accept("toy", folder / "data")


def test_missing_table_is_no_refusal_and_an_unknown_name_lists_what_there_is(lab, capsys):
    lab("return 2 * x")
    assert main(["--accept", "all", "--out", "data"]) == 0
    assert "toy: missing" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--accept", "tyo"])
    assert "got 'tyo'; there are all, claims, toy" in capsys.readouterr().err


# Packs


def stopped_and_packed(lab, monkeypatch):
    folder = lab("return 2 * x")
    monkeypatch.setenv("STOP_AT", "15")
    assert main(HOME) == 130
    monkeypatch.delenv("STOP_AT")
    assert main([*HOME, "--pack"]) == 0
    return folder


def test_study_under_way_resumes_from_its_pack_on_another_machine(lab, monkeypatch, capsys):
    folder = stopped_and_packed(lab, monkeypatch)
    assert "Packed 15 runs" in capsys.readouterr().out
    assert status(folder / "data") == {"toy": f"missing; 15 runs packed, {TODAY}"}
    assert main([*HOME, "--runs", "elsewhere"]) == 0
    assert computed(folder) == ["0", "5", "10", "15"]
    assert len(load_results("toy", folder / "data")) == 40


def test_stale_pack_is_told_and_used_only_after_one_chunk_agrees(lab, monkeypatch, capsys):
    folder = stopped_and_packed(lab, monkeypatch)
    made_at = read_pack(folder / "data" / "toy.records.gz")[0]["code"].get("commit", "unknown")
    lab("return x + x")
    assert status(folder / "data") == {"toy": "missing; 15 runs packed, 15 of them by other code"}
    monkeypatch.setenv("STOP_AT", "0")
    assert main([*HOME, "--runs", "elsewhere"]) == 130
    assert "15 packed runs were made by other code and are not used; --accept toy tries" in capsys.readouterr().out
    monkeypatch.delenv("STOP_AT")
    assert main(["--accept", "toy", "--out", "data"]) == 0
    assert "toy: pack taken over: 15 runs, chunk 2 bit for bit" in capsys.readouterr().out
    assert main([*HOME, "--runs", "elsewhere"]) == 0
    assert computed(folder) == ["0", "5", "10", "10", "15"]
    assert load_results("toy", folder / "data").attrs["made_at"] == made_at


def test_pack_that_todays_code_does_not_give_stays_stale(lab, monkeypatch, capsys):
    folder = stopped_and_packed(lab, monkeypatch)
    before = (folder / "data" / "toy.records.gz").read_bytes()
    lab("return 3 * x")
    assert main(["--accept", "toy", "--out", "data"]) == 1
    assert "toy: refused: toy, chunk 2" in capsys.readouterr().out
    assert (folder / "data" / "toy.records.gz").read_bytes() == before


# The command line


def test_folder_that_cannot_be_written_is_named_before_anything_is_computed(lab, capsys):
    folder = lab("return 2 * x")
    (folder / "file").write_text("in the way")
    for option in ("--out", "--runs"):
        with pytest.raises(SystemExit) as end:
            main(["toy", "--out", "data", option, "file"])
        assert end.value.code == 2
        assert re.search(rf"'file'; choose another folder with {option} DIR", capsys.readouterr().err)
    assert not (folder / "computed").exists()


def test_freezing_a_table_freezes_its_claims_and_a_reworded_one_is_accepted_by_name(lab, monkeypatch, capsys):
    def entry(margin):
        return Claim("T1", "It grows.", "here", "mean", (Regime("all", margin),), "toy", measure=value)

    folder = lab("return 2 * x")
    monkeypatch.setattr("snnsg_book.__main__.CLAIMS", (entry(1.0),))
    main(HOME)
    assert "Froze the claims T1." in capsys.readouterr().out
    assert claims.moved([entry(1.0)], folder / "data") == {}
    monkeypatch.setattr("snnsg_book.__main__.CLAIMS", (entry(9.0),))
    main(["--status", "--out", "data"])
    assert "claim T1 has moved:\n  margin in 'all' was 1.0, is 9.0" in capsys.readouterr().out
    assert main(["--accept", "T1", "--out", "data"]) == 0
    assert "Froze the claims: T1." in capsys.readouterr().out
    assert claims.moved([entry(9.0)], folder / "data") == {}
