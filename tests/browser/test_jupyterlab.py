"""An explorer in JupyterLab: the page tells the kernel, and the kernel tells the page."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from pages import ROOT, Watch
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TOKEN = "snnsg-test"
NOTEBOOK = "explorer.ipynb"
CELLS = [
    "from snnsg_book.explorers import SurrogateExplorer\nexplorer = SurrogateExplorer(slope=25)\nexplorer",
    'print("the kernel sees", explorer.slope)',
    "explorer.slope = 5",
    "from snnsg_book.explorers import FlightViewer\nviewer = FlightViewer(time=0)\nviewer",
    'print("the kernel sees", viewer.time > 0.2, viewer.azimuth)',
    "viewer.pilot = 'expert'",
]


@pytest.fixture(scope="module")
def lab_url(tmp_path_factory):
    """A JupyterLab of its own on the loopback interface, with one notebook whose kernel runs already."""
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**empty, "id": f"cell-{i}", "source": source} for i, source in enumerate(CELLS)]
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / NOTEBOOK).write_text(json.dumps(notebook), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--port-retries=0"]
    options += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}", "--LabApp.news_url="]
    log = folder / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=folder,
            env={**os.environ, **own, "PYTHONPATH": paths},
            stdout=stream,
            stderr=stream,
        )
        try:
            _start_kernel(f"http://127.0.0.1:{port}", server, log)
            yield f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}?token={TOKEN}"
        finally:
            server.terminate()
            server.wait(timeout=60)


def _start_kernel(server_url: str, server: subprocess.Popen, log: Path) -> None:
    # A kernel that the page starts itself is at times started twice on a busy machine.
    session = {"path": NOTEBOOK, "name": NOTEBOOK, "type": "notebook", "kernel": {"name": "python3"}}
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{server_url}/api/sessions", json.dumps(session).encode(), headers)
    for _ in range(120):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(request, timeout=60).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


def test_page_and_kernel_follow_each_other(browser, lab_url):
    with Watch(browser) as watch:
        page = watch.open(lab_url)
        page.set_default_timeout(90_000)
        cells = page.locator(".jp-NotebookPanel .jp-CodeCell")
        expect(cells).to_have_count(len(CELLS), timeout=90_000)
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
        _run(page, cells.nth(0))
        slope = cells.nth(0).locator(".snnsg input[name=slope]")
        slope.wait_for()
        shown = cells.nth(0).locator(".snnsg-slope output")
        expect(shown).to_have_text("25")

        # From the page to the kernel, by keys that JupyterLab would like to have.
        slope.focus()
        slope.press("End")
        slope.press("ArrowLeft")
        expect(shown).to_have_text("95.5")
        _run(page, cells.nth(1))
        expect(cells.nth(1).locator(".jp-OutputArea-output")).to_contain_text("the kernel sees 95.5", timeout=30_000)

        # From the kernel to the page.
        _run(page, cells.nth(2))
        expect(shown).to_have_text("5", timeout=30_000)
        expect(cells.nth(0).locator(".snnsg-sentence")).to_contain_text("At k = 5 ")
        assert watch.foreign == []


def test_a_flight_plays_in_the_page_and_the_kernel_follows(browser, lab_url):
    with Watch(browser) as watch:
        page = watch.open(lab_url)
        page.set_default_timeout(90_000)
        cells = page.locator(".jp-NotebookPanel .jp-CodeCell")
        expect(cells).to_have_count(len(CELLS), timeout=90_000)
        page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
        _run(page, cells.nth(3))
        view = cells.nth(3).locator(".snnsg-picture svg")
        view.wait_for()
        # Keys that JupyterLab would like to have.
        view.press("ArrowRight")
        view.press(" ")
        button = cells.nth(3).locator(".snnsg-button")
        expect(button).to_have_text("Pause")
        expect(button).to_have_text("Play", timeout=30_000)
        _run(page, cells.nth(4))
        expect(cells.nth(4).locator(".jp-OutputArea-output")).to_contain_text(
            "the kernel sees True -45", timeout=30_000
        )
        _run(page, cells.nth(5))
        expect(cells.nth(3).locator(".snnsg-sentence")).to_contain_text("The LQR expert flies all 3 s", timeout=30_000)
        assert watch.foreign == []


def _run(page, cell) -> None:
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")
