"""Chapters under nbmake: each runs twice in one kernel, each time quickly, and its first output serves the book."""

from __future__ import annotations

import ast
import os
import sys
import time
from copy import deepcopy
from pathlib import Path
from unittest.mock import patch

import numpy as np
import psutil
import pytest
from nbclient import NotebookClient
from nbclient.util import run_sync
from nbformat import NotebookNode
from nbmake import nb_run
from nbmake.nb_result import NotebookError, NotebookResult
from nbmake.pytest_items import NotebookFailedException

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from snnsg_depends import Dependencies, python_of  # noqa: E402
from snnsg_execution import CACHE, dependencies, keep_output, settings_of, with_key  # noqa: E402

SECONDS = 20  # of a machine that does PROBE_STEPS in PROBE_SECONDS; a slower or busier one takes longer
PROBE_STEPS, PROBE_SECONDS = 20_000, 1.5
WATCH = """
def watch():
    import sys
    sys.snnsg_opened = opened = set()
    sys.addaudithook(lambda event, of: opened.add(of[0]) if event == "open" and isinstance(of[0], str) else None)

watch()
del watch
"""
MODULES = "sorted(name for name in __import__('sys').modules if name.startswith({prefixes}))"
OPENED = "sorted(path for path in __import__('sys').snnsg_opened if path.startswith({folders}))"


class Chapter(NotebookClient):
    """Runs a notebook in a fresh kernel, and again in the same, and notes what it took and what it used."""

    def execute(self, **kwargs) -> NotebookNode:
        """Run all cells twice; a fault in either run is raised as nbclient does."""
        self.seconds: list[float] = []
        with self.setup_kernel(env={**os.environ, "OMP_NUM_THREADS": "1"}, **kwargs):
            self._aside(WATCH)
            self._run()
            self.first = deepcopy(self.nb)
            print("The chapter ran in a fresh kernel. What follows is from its second run in the same kernel.")
            self._run()
            packages = settings_of(ROOT)["snnsg_packages"]
            folders = tuple(f"{ROOT / package}{os.sep}" for package in packages)
            self.loaded = self._aside("", MODULES.format(prefixes=tuple(packages)))
            self.opened = self._aside("", OPENED.format(folders=folders))
        return self.nb

    def _run(self) -> None:
        """Run all cells, and note what they took of one core, which other work on the machine does not lengthen."""
        kernel = psutil.Process(self.km.provisioner.pid)
        start = sum(kernel.cpu_times()[:4])
        super().execute(cleanup_kc=False)
        self.seconds.append(sum(kernel.cpu_times()[:4]) - start)

    def _aside(self, code: str, expression: str = "None"):
        """Run code that is not the notebook's, and return the value of an expression."""
        reply = run_sync(self.kc.execute_interactive)(
            code, store_history=False, user_expressions={"value": expression}, output_hook=lambda message: None
        )["content"]
        assert reply["status"] == "ok", reply
        return ast.literal_eval(reply["user_expressions"]["value"]["data"]["text/plain"])


def slowness() -> float:
    """How many times longer than the reference machine this one takes for small array operations; at least 1."""
    rng = np.random.default_rng(0)
    weights, state = rng.standard_normal((64, 64)) / 8, rng.standard_normal((64, 64))
    start = time.process_time()
    for _ in range(PROBE_STEPS):
        state = np.tanh(state @ weights)
    return max(1.0, (time.process_time() - start) / PROBE_SECONDS)


def faults(chapter: Chapter, depends: Dependencies, source: str) -> list[str]:
    """Return what is wrong with a chapter that ran without an error; `source` is its Python."""
    found = []
    if (took := min(chapter.seconds)) > SECONDS and took > (allowed := SECONDS * slowness()):
        found.append(f"took {took:.1f} s of one core, allowed are {allowed:.1f} s")
    if unseen := set(chapter.loaded) - depends.loaded(source):
        found.append(f"imports {', '.join(sorted(unseen))}, which snnsg_declared_imports in _config.yml has to say")
    # A table that is not there yet, which a pending claim asks for, will be seen once it is.
    there = (file for file in chapter.opened if Path(file).is_file())
    tables = {file for file in there if not file.endswith((".py", ".pyc", ".js", ".css"))}
    if unseen := tables - set(map(str, depends.files(source))):
        found.append(f"reads {', '.join(sorted(unseen))}, which no module that it imports names")
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """Let nbmake run a notebook as a chapter. It offers no way to look into its kernel."""
    chapters: list[Chapter] = []

    def chapter(*args, **kwargs) -> Chapter:
        chapters.append(Chapter(*args, **kwargs))
        return chapters[-1]

    with patch.object(nb_run, "NotebookClient", chapter):
        yield
    (ran,) = chapters
    text = item.path.read_text(encoding="utf-8")
    depends, source = dependencies(ROOT, settings_of(ROOT)), python_of(text)
    if wrong := faults(ran, depends, source):
        message = "\n".join(f"{item.path.name} {fault}" for fault in wrong)
        raise NotebookFailedException(NotebookResult(ran.nb, NotebookError(message, message, -1)))
    keep_output(ROOT / "_build" / CACHE, with_key(text, depends.digest(source)), item.path, ran.first, ran.seconds[0])
