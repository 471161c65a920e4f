"""Shared by the tests that look at the built pages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


@pytest.fixture(scope="session")
def built_book():
    """Folder of the built pages; the first worker that asks builds what changed, every warning an error."""
    folder = ROOT / "_build"
    folder.mkdir(exist_ok=True)
    built, run = folder / ".built-by-tests", os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with FileLock(folder / ".tests.lock"):
        if not (built.exists() and built.read_text() == run):
            command = [sys.executable, "-c", JUPYTER_BOOK, "build", ".", "-n", "-W", "--keep-going", "-q"]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            built.write_text(run)
    return folder / "html"
