"""Shared by the tests that look at the built pages."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items):
    """One worker builds the book and looks at its pages; all else goes to whichever is free."""
    for item in items:
        if "built_book" in getattr(item, "fixturenames", ()):  # a notebook has none
            item.add_marker(pytest.mark.xdist_group("book"))


@pytest.fixture(scope="session")
def built_book():
    """Folder of the built pages; builds what changed, every warning an error."""
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "-n", "-W", "--keep-going", "-q"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return ROOT / "_build" / "html"
