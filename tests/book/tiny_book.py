"""A book of two notebooks over a library beside it, with the extensions and the test runner of the real one."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
CONFIG = """
title: tiny
only_build_toc_files: true
execute: {execute_notebooks: cache}
sphinx:
  local_extensions: {snnsg_execution: book/_ext, snnsg_pages: book/_ext}
  config:
    extensions: [myst_nb, jupyter_book, sphinx_external_toc, sphinx_book_theme, snnsg_execution, snnsg_pages]
    snnsg_packages: [tiny_lib]
    snnsg_declared_imports: {}
    snnsg_execution_depends: [requirements.txt]
    snnsg_assets: {assets: own}
    html_css_files: [own/own.css]
"""
# It prints a number from the library and notes each run in a log.
CELL = """
import sys
sys.path.insert(0, "..")
from tiny_lib import {name}
print(file=open("{name}.log", "a"))
print("the {name} is", {name}.VALUE)
"""


class TinyBook:
    """The notebook `answer` imports `tiny_lib.answer`, `question` imports `tiny_lib.question`."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("tiny_lib", "assets", "book"):
            (folder / name).mkdir()
        for name in ("_ext", "conftest.py"):
            copy = shutil.copytree if (ROOT / "book" / name).is_dir() else shutil.copy
            copy(ROOT / "book" / name, folder / "book" / name)
        self.write("requirements.txt", "")
        self.write("pytest.ini", "[pytest]\n")
        self.write("_config.yml", CONFIG)
        self.write("_toc.yml", "format: jb-book\nroot: book/answer\nchapters: [{file: book/question}]\n")
        self.write("assets/own.css", "body { color: red }\n")
        self.write("tiny_lib/__init__.py", "")
        for name, value in {"answer": 41, "question": 6}.items():
            self.write(f"tiny_lib/{name}.py", f"VALUE = {value}\n")
            self.notebook(name, CELL.format(name=name).strip())

    def write(self, path, text):
        (self.folder / path).write_text(text, encoding="utf-8")

    def notebook(self, name, *sources):
        """Write a notebook of these cells."""
        cells = [nbformat.v4.new_markdown_cell(f"# Tiny {name}"), *map(nbformat.v4.new_code_cell, sources)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, self.folder / "book" / f"{name}.ipynb")

    def build(self):
        """Build, every warning an error, and return the two pages."""
        done = self.try_to_build()
        assert done.returncode == 0, done.stdout + done.stderr
        return [(self.folder / "_build/html/book" / f"{name}.html").read_text() for name in ("answer", "question")]

    def try_to_build(self):
        return self._run("-c", JUPYTER_BOOK, "build", ".", "-n", "-W", "--keep-going", "-q")

    def test(self):
        """Run the notebooks with nbmake, and return what pytest prints."""
        return self._run(
            "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly", "-rA", "--nbmake", "book"
        ).stdout

    def runs(self):
        """How often each of the two notebooks has run so far."""
        return [len((self.folder / "book" / f"{name}.log").read_text()) for name in ("answer", "question")]

    def _run(self, *arguments):
        return subprocess.run([sys.executable, *arguments], cwd=self.folder, capture_output=True, text=True)
