"""The chapters as they are stored. `book/conftest.py` says what their runs have to keep to."""

import ast
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
LINES = 10


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def imported_modules(notebook):
    """Names of all modules that the notebook imports."""
    for cell in code_cells(notebook):
        lines = (line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!")))
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.Import):
                yield from (name.name for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_holds_no_outputs_and_short_cells(path):
    for cell in code_cells(nbformat.read(path, as_version=4)):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert len(cell.source.splitlines()) <= LINES, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_asks_for_no_widget_that_is_dead_without_a_kernel(path):
    modules = set(imported_modules(nbformat.read(path, as_version=4)))
    assert not {module for module in modules if module.split(".")[0] in {"ipywidgets", "anywidget"}}


@pytest.fixture
def run_rules():
    """The module `book/conftest.py`."""
    spec = importlib.util.spec_from_file_location("book_conftest", ROOT / "book" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("seconds", "slowness", "fails"), [((25, 19), 1, False), ((30, 21), 1, True), ((30, 21), 2, False)]
)
def test_a_chapter_may_take_20_seconds_of_one_core_and_longer_on_a_slow_machine(
    run_rules, monkeypatch, seconds, slowness, fails
):
    monkeypatch.setattr(run_rules, "slowness", lambda: slowness)
    chapter = SimpleNamespace(seconds=seconds, loaded=[], opened=[])
    depends = run_rules.dependencies(ROOT, run_rules.settings_of(ROOT))
    found = run_rules.faults(chapter, depends, "")
    assert found == (["took 21.0 s of one core, allowed are 20.0 s"] if fails else [])
