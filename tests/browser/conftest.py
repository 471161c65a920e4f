"""A browser, and the built book."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pages import standalone_page
from playwright.sync_api import Error, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """The browser that SNNSG_BROWSER names, one on the PATH, or Playwright's own. Without one the tests fail."""
    executable = os.environ.get("SNNSG_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
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
