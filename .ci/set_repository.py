"""Set the repository's address: in _config.yml, and in the cell with which a notebook installs the library on Colab."""

import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
SETTING = re.compile(r'^(    snnsg_repository:) ".*"$', flags=re.MULTILINE)
ADDRESS = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
CELL_ID = "colab-install"
CELL = """# On Colab only: fetch the library that this chapter imports.
import sys

if "google.colab" in sys.modules:
    %pip install -q "snnsg_lib[experiments,widgets] @ git+{address}"
"""


def with_colab_cell(notebook: nbformat.NotebookNode, address: str) -> nbformat.NotebookNode:
    """Put the cell for Colab behind the notebook's title, or take it away if `address` is empty."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != CELL_ID]
    if address:
        cell = nbformat.v4.new_code_cell(CELL.format(address=address).strip(), id=CELL_ID)
        cell.metadata["tags"] = ["remove-cell"]
        notebook.cells.insert(1, cell)
    return notebook


def set_repository(root: Path, address: str) -> None:
    """Write `address` (https://github.com/OWNER/NAME, or empty) to the book below `root`."""
    if address and not ADDRESS.fullmatch(address):
        raise SystemExit(f"URL must be https://github.com/OWNER/NAME or empty, got {address!r}")
    config = root / "_config.yml"
    text, count = SETTING.subn(rf'\1 "{address}"', config.read_text(encoding="utf-8"))
    if count != 1:
        raise SystemExit(f"{config} must hold one line snnsg_repository, found {count}")
    config.write_text(text, encoding="utf-8")
    for path in sorted((root / "book").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        nbformat.write(with_colab_cell(notebook, address), path)


if __name__ == "__main__":
    set_repository(ROOT, sys.argv[1] if len(sys.argv) > 1 else "")
