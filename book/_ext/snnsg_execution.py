"""Sphinx extension: a notebook runs again when its cells or what it imports have changed, and its page is read again.

jupyter-cache compares the cells and the kernel, so that a changed library would be shown with its old output. Here the
kernel's entry also carries a hash of the files that the notebook depends on, and Sphinx keeps the hash of each page.
"""

from __future__ import annotations

import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import yaml
from filelock import FileLock
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from snnsg_depends import Dependencies, python_of
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

CACHE = ".jupyter_cache"
KEPT = 100  # outputs in the cache, among them those of other branches and of cells as they were
AT_ONCE = 4  # kernels, at most; each holds about half a gigabyte
KEY = "snnsg_depends"
SETTINGS = ("snnsg_packages", "snnsg_declared_imports", "snnsg_execution_depends")
# Directives that show what Python makes, with the Python behind them.
SHOWN = {"explorer": "import snnsg_book.explorers", "scorecard": "import snnsg_book.claims"}
DIRECTIVE = re.compile(r"^[`:]{3,}\{(\w+)\}", flags=re.MULTILINE)


def dependencies(root: Path, settings: dict[str, Any]) -> Dependencies:
    """Return the dependencies that the settings of a book describe."""
    packages, declared, always = (settings[name] for name in SETTINGS)
    return Dependencies(root, packages, declared, always)


def settings_of(root: Path) -> dict[str, Any]:
    """Return the settings that `_config.yml` holds for Sphinx."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]


def python_behind(page: str) -> str:
    """Return the Python behind the directives of a page of text."""
    return "\n".join(SHOWN[name] for name in DIRECTIVE.findall(page) if name in SHOWN)


def with_key(notebook: str, digest: str) -> str:
    """Return a notebook, given and returned as JSON, that the cache tells apart by `digest` too."""
    content = json.loads(notebook)
    content["metadata"].setdefault("kernelspec", {})[KEY] = digest
    return json.dumps(content)


def keep_output(cache: Path, notebook: str, path: Path, executed: nbformat.NotebookNode, seconds: float) -> None:
    """Put into the cache what a run of a notebook, given with its key as JSON, has made."""
    kept = nbformat.reads(notebook, as_version=4)
    for cell, done in zip(kept.cells, executed.cells, strict=True):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
    for name in executed.metadata.keys() & {"language_info", "widgets"}:
        kept.metadata[name] = executed.metadata[name]
    bundle = CacheBundleIn(kept, str(path), data={"execution_seconds": seconds})
    # Of two that store at one time, one could take the other's for an old output beyond the limit.
    with FileLock(cache / "lock"):
        get_cache(cache).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


def set_cache(app: Sphinx, config: Config) -> None:
    """Keep executed notebooks beside the pages, and a bounded number of them."""
    config.nb_execution_cache_path = str(Path(app.outdir).parent / CACHE)
    get_cache(config.nb_execution_cache_path).change_cache_limit(KEPT)


def outdated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Return the pages that depend on something that has changed since they were read."""
    root = Path(app.srcdir)
    depends = dependencies(root, {name: app.config[name] for name in SETTINGS})
    before, env.snnsg_digests = getattr(env, "snnsg_digests", {}), {}
    for page in env.found_docs:
        path = Path(env.doc2path(page))
        text = path.read_text(encoding="utf-8")
        source = python_of(text) if path.suffix == ".ipynb" else python_behind(text)
        env.snnsg_digests[page] = depends.digest(source) if source else ""
    return [page for page, digest in env.snnsg_digests.items() if before.get(page) != digest]


def run_changed(app: Sphinx, env: BuildEnvironment, pages: list[str]) -> None:
    """Run the notebooks of the pages to be read that the cache lacks, some at a time; myst-nb runs one at a time."""
    if app.config.nb_execution_mode != "cache":
        return
    paths = {page: Path(env.doc2path(page)) for page in pages}
    notebooks = {page: path for page, path in paths.items() if path.suffix == ".ipynb"}
    keyed = [with_key(path.read_text(encoding="utf-8"), env.snnsg_digests[page]) for page, path in notebooks.items()]
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        list(pool.map(partial(_run, app.config), notebooks.values(), keyed))


def _run(config: Config, path: Path, notebook: str) -> None:
    cache = Path(config.nb_execution_cache_path)
    with suppress(KeyError):
        get_cache(cache).match_cache_notebook(nbformat.reads(notebook, as_version=4))
        return
    client = NotebookClient(nbformat.reads(notebook, as_version=4), timeout=config.nb_execution_timeout)
    start = time.monotonic()
    # One that fails is left to myst-nb, which runs it again and says why.
    with suppress(CellExecutionError, CellTimeoutError, DeadKernelError):
        keep_output(cache, notebook, path, client.execute(cwd=path.parent), time.monotonic() - start)


def add_key(app: Sphinx, page: str, source: list[str]) -> None:
    """Let the cache know what the notebook depends on."""
    if app.env.doc2path(page).endswith(".ipynb"):
        source[0] = with_key(source[0], app.env.snnsg_digests[page])


def setup(app: Sphinx) -> dict:
    """Register the extension with Sphinx."""
    app.add_config_value("snnsg_packages", [], "env", [list])
    app.add_config_value("snnsg_declared_imports", {}, "env", [dict])
    app.add_config_value("snnsg_execution_depends", [], "env", [list])
    app.connect("config-inited", set_cache)
    app.connect("env-get-outdated", outdated)
    app.connect("env-before-read-docs", run_changed)
    app.connect("source-read", add_key)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
