"""A browser, and the built book."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pages import ROOT, standalone_page
from playwright.sync_api import Error, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SOURCES = ("_config.yml", "_toc.yml", "book/**/*", "snnsg_lib/**/*.py", "snnsg_lib/**/*.js", "snnsg_lib/**/*.css")


@pytest.fixture(scope="session")
def browser():
    """Chromium from the PATH, else Playwright's own. Without one the tests fail: they never pass unseen."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        except Error as error:
            command = f"{sys.executable} -m playwright install --with-deps chromium"
            pytest.fail(f"The browser tests need Chromium. Type: {command}\n{error}")
        yield chromium
        chromium.close()


@pytest.fixture
def explorers_url(tmp_path):
    """A page with both explorers, from file://."""
    return standalone_page(tmp_path)


@pytest.fixture(scope="session")
def built_book() -> Path:
    """The folder of the built book: as it is if newer than its sources, else built now."""
    folder = ROOT / "_build" / "html"
    index = folder / "index.html"
    if not index.exists() or index.stat().st_mtime < _last_change():
        command = [Path(sys.executable).parent / "jupyter-book", "build", ".", "-n", "-W", "--keep-going"]
        build = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, env=_environment())
        assert build.returncode == 0, build.stdout[-3000:] + build.stderr[-3000:]
        # Sphinx leaves a page alone that did not change.
        index.touch()
    return folder


def _last_change() -> float:
    files = (path for pattern in SOURCES for path in ROOT.glob(pattern))
    return max(path.stat().st_mtime for path in files if path.is_file() and "__pycache__" not in path.parts)


def _environment() -> dict[str, str]:
    # The notebooks' kernel is found beside the interpreter that runs the tests.
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def book_url(built_book):
    """The address of the built book on a local server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(built_book)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def book_pages(built_book) -> list[str]:
    """Addresses of the book's own pages, relative to its folder; index.html only leads on to book/index.html."""
    pages = sorted(path.relative_to(built_book).as_posix() for path in (built_book / "book").rglob("*.html"))
    assert pages, f"no pages in {built_book / 'book'}"
    return pages
