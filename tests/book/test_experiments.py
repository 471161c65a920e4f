"""Each experiment runs in a small form, and its stored table says the same."""

import subprocess
import sys
import textwrap
import time

import pytest

from snnsg_book import catalogue, load_results, studies
from snnsg_book.__main__ import main
from snnsg_book.catalogue import load, names
from snnsg_book.claims import verdicts

TOY = '''
"""A toy."""
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    seed: int = 0

CHUNK_SIZE = 2

def configs(quick=False):
    return [Config(seed) for seed in range(2 if quick else 4)]

def run(configs):
    return [[{"value": config.seed + 1}] for config in configs]

def holds(table):
    return {"values are positive": bool((table["value"] > 0).all())}
'''


STORED = [name for name in names() if (catalogue.folder_of(name) / f"{name}.csv").is_file()]


@pytest.mark.parametrize("name", names())
def test_quick_run_is_quick_and_agrees_with_the_stored_table(tmp_path, name):
    start = time.process_time()  # of this process alone: other work on the machine does not count
    assert main([name, "--quick", "--out", str(tmp_path)]) == 0
    assert time.process_time() - start < 10
    if name in STORED:
        quick, stored = (load(name).holds(load_results(name, *folder)) for folder in ((tmp_path,), ()))
        assert quick
        assert quick == pytest.approx({statement: stored[statement] for statement in quick}, abs=0.01)


@pytest.mark.parametrize("name", STORED)
def test_statements_on_a_stored_table_are_true(name):
    stated = load(name).holds(load_results(name))
    assert stated
    assert False not in [value for value in stated.values() if isinstance(value, bool)]


def test_claims_are_pending_until_their_table_is_stored(tmp_path):
    assert set(verdicts(directory=tmp_path)["verdict"]) == {"pending"}


@pytest.mark.parametrize("name", STORED)
def test_stored_table_says_which_command_makes_it_and_what_code_made_it(name):
    attrs = load_results(name).attrs
    assert attrs["command"] == f"python -m snnsg_book {name}"
    assert attrs["failed"] == []
    assert attrs["commit"] == "unknown" or attrs["modules"]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A subject with one toy in it."""
    folder = tmp_path / "studies" / "toys"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text('EXPERIMENTS = {"toy": "toy"}\n')
    (folder / "toy.py").write_text(textwrap.dedent(TOY))
    monkeypatch.setattr(studies, "__path__", [str(folder.parent)])
    monkeypatch.setattr(catalogue, "SUBJECTS", ("toys",))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in ("toys", "toys.toy"):
        sys.modules.pop(f"snnsg_book.studies.{name}", None)


def test_command_sweeps_freezes_and_resumes(toy, capsys):
    for _ in range(2):
        assert main(["toy", "--out", str(toy / "data")]) == 0
    assert load_results("toy", toy / "data")["value"].tolist() == [1, 2, 3, 4]
    assert len(list((toy / "runs" / "toy" / "records").iterdir())) == 4
    assert "Wrote" in capsys.readouterr().out


def test_quick_run_stays_away_from_records_and_table_of_the_full_one(toy):
    main(["toy", "--out", str(toy / "data")])
    main(["toy", "--quick", "--out", str(toy / "quick")])
    assert len(load_results("toy", toy / "data")) == 4
    table = load_results("toy", toy / "quick")
    assert len(table) == 2
    assert table.attrs["command"] == "python -m snnsg_book toy --quick"
    assert len(list((toy / "runs" / "toy" / "records").iterdir())) == 4


def test_quick_run_without_a_folder_goes_to_a_temporary_one(toy, capsys, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(toy))
    main(["toy", "--quick"])
    assert f"Wrote {toy}" in capsys.readouterr().out


def test_chosen_configs_run_again_alone_and_the_table_keeps_its_other_rows(toy, monkeypatch):
    for module in ("__main__", "results"):
        monkeypatch.setattr(f"snnsg_book.{module}.folder_of", lambda name: toy / "data")
    main(["toy"])
    before = load_results("toy")
    main(["toy", "--only", "seed=3", "--runs", str(toy / "again")])
    after = load_results("toy")
    assert after.equals(before)
    assert len(list((toy / "again" / "records").iterdir())) == 1
    assert after.attrs["kept"]["rows"] == 3
    assert after.attrs["kept"]["table_sha256"] == before.attrs["table_sha256"]
    with pytest.raises(SystemExit, match="--only must be FIELD=VALUE of some configs of toy"):
        main(["toy", "--only", "seed=7"])
    with pytest.raises(SystemExit, match="--only must name the last rows"):
        main(["toy", "--only", "seed=1"])


def test_unknown_experiment_is_refused_with_a_list(toy, capsys):
    with pytest.raises(SystemExit):
        main(["../toy"])
    assert "toy" in capsys.readouterr().err
    with pytest.raises(ValueError, match="name must be one of the experiments toy"):
        load("os")


def test_interrupt_keeps_the_runs_and_says_so(toy, capsys, monkeypatch):
    def interrupted(configs):
        raise KeyboardInterrupt

    monkeypatch.setattr(load("toy"), "run", interrupted)
    assert main(["toy", "--out", str(toy / "data")]) == 130
    assert "0 runs are kept; the same command goes on" in capsys.readouterr().out


def test_installed_package_finds_its_tables_from_any_working_directory():
    code = "from snnsg_book import load_results; print(len(load_results('widths')) > 0)"
    assert subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, check=True).stdout == b"True\n"
