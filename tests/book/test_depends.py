"""What a notebook depends on: on a small library, and for the chapters on the library as it is."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from snnsg_depends import Dependencies, python_of  # noqa: E402
from snnsg_execution import dependencies, python_behind, settings_of  # noqa: E402

CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
DEPENDS = dependencies(ROOT, settings_of(ROOT))


def files_of(chapter):
    source = python_of((ROOT / "book" / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    return {path.relative_to(ROOT).as_posix() for path in DEPENDS.files(source)}


@pytest.fixture
def small(tmp_path):
    """A package that passes on names of two modules, of which one imports a third inside a function."""
    sources = {
        "__init__.py": '"""Docstring."""\nfrom .left import Left\nfrom small.right import Right\n__all__ = ["Left"]\n',
        "left.py": "class Left: ...\n",
        "right.py": "def Right():\n    from . import deep\n    return load_results(f'{deep.NAME}_table')\n",
        "deep.py": "NAME = 'first'\n",
        "late.py": "import importlib\nimportlib.import_module('small.' + 'left')\n",
        "style.css": "",
        "script.js": "",
        "first_table.csv": "",
        "second.csv": "",
        "second.json": "",
        "catalogue.py": "EXPERIMENTS = {'second': 'module'}\n",
    }
    (tmp_path / "small").mkdir()
    for name, text in sources.items():
        (tmp_path / "small" / name).write_text(text)
    (tmp_path / "pins.txt").touch()
    return Dependencies(tmp_path, ["small"], {"small.late": ["small.l*"]}, ["pins.txt"])


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import numpy", ""),
        ("from small import Left", "__init__ left"),
        ("from small import Right", "__init__ right deep first_table"),
        ("from small import *", "__init__ left right deep first_table"),
        ("import small", "__init__ left right deep first_table"),
        ("import small\nimport small.deep", "__init__ left right deep first_table"),
        ("import small.deep", "__init__ deep"),
        ("def later():\n    from small import deep", "__init__ deep"),
        ("import small.late", "__init__ late left"),
        ("load_results('second')", "second.csv second.json"),
        ("open('second.json')", "second.json"),
        ("import small.catalogue", "__init__ catalogue"),
    ],
)
def test_imports_and_tables_are_followed_and_nothing_else(small, source, found):
    names = {path.name for path in small.files(source)} - {"pins.txt"}
    expected = found.split()
    assert {name for name in names if name in expected or name.split(".")[0] in expected} == names
    assert len(names) == len(expected)


def test_the_digest_changes_with_what_is_used_and_with_what_always_counts(small):
    source = "from small import Left"
    before = small.digest(source)
    for name in ("right.py", "style.css", "script.js", "second.csv"):
        (small.root / "small" / name).write_text("changed = True\n")
    assert small.digest(source) == before
    (small.root / "pins.txt").write_text("numpy==2.0.0\n")
    pinned = small.digest(source)
    assert pinned != before
    (small.root / "small" / "left.py").write_text("class Left: value = 1\n")
    assert small.digest(source) != pinned


def test_lines_for_the_shell_are_no_python():
    cells = [{"cell_type": "code", "source": ["%matplotlib inline\n", "  !pip list\n", "import math"]}]
    assert python_of(json.dumps({"cells": [*cells, {"cell_type": "markdown", "source": ["no"]}]})) == "import math"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapters_depend_on_no_script_and_no_style(path):
    files = files_of(path.stem)
    assert "requirements.txt" in files
    assert not [name for name in files if name.endswith((".js", ".css"))]


def test_a_chapter_depends_on_the_neurons_that_it_uses_and_not_on_the_learners_that_it_does_not():
    spike, schedules = files_of("spike"), files_of("schedules")
    assert [name for name in spike & schedules if name.startswith("snnsg_lib/lif/")]
    assert [name for name in schedules - spike if name.startswith("snnsg_lib/learning/")]
    assert not [name for name in spike if name.startswith("snnsg_lib/learning/")]
    assert "snnsg_book/explorers/neuron.py" in spike - schedules
    assert "snnsg_book/explorers/schedule.py" in schedules - spike


def test_a_chapter_depends_on_its_tables_and_one_with_verdicts_on_those_of_all_claims():
    from snnsg_book.claims import CLAIMS

    def tables(chapter):
        return {Path(name).stem for name in files_of(chapter) if name.endswith(".csv")}

    assert {"depth", "depth_conditions"} <= tables("depth")
    assert not tables("depth") & {"flossing_tasks", "schedules_bc"}
    on_trial = {name for claim in CLAIMS for name in (claim.table, *claim.beside)}
    stored = {path.stem for path in (ROOT / "snnsg_book" / "studies").glob("*/data/*.csv")}
    assert on_trial & stored <= tables("scorecard")
    assert any(name.endswith("studies/flossing/claims/controls.py") for name in files_of("scorecard"))


def test_the_landing_page_depends_on_its_explorer_and_on_the_verdicts():
    source = python_behind((ROOT / "book" / "index.md").read_text(encoding="utf-8"))
    files = {path.relative_to(ROOT).as_posix() for path in DEPENDS.files(source)}
    assert {"snnsg_book/explorers/surrogate.py", "snnsg_book/claims/__init__.py"} <= files
    assert python_behind((ROOT / "book" / "run.md").read_text(encoding="utf-8")) == ""
