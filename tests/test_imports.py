"""How the rooms of the two packages use each other: absolute imports between them, relative ones inside.

A room is a module or folder of `snnsg_lib` or `snnsg_book`, and each subject in `snnsg_book.studies`.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("snnsg_lib", "snnsg_book")


def room_of(name: str) -> str:
    """The room of a module, or of a name in it."""
    parts = name.split(".")
    return ".".join(parts[:3] if parts[:2] == ["snnsg_book", "studies"] else parts[:2])


def imports(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str, str, bool]]:
    """Line, full name, name here, and whether the import is relative, of all that comes from the two packages."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        base, level = "", getattr(node, "level", 0)
        if isinstance(node, ast.ImportFrom):
            parts = module.split(".")
            above = parts[: len(parts) - level + is_package] if level else []
            base = ".".join([*above, *([node.module] if node.module else [])]) + "."
        for alias in node.names:
            if (base + alias.name).split(".")[0] in PACKAGES:
                yield node.lineno, base + alias.name, alias.asname or alias.name, level > 0


def hidden_part(name: str) -> str:
    """The beginning of a name up to the first part that an underscore hides; empty if none does."""
    parts = name.split(".")
    ends = [end for end, part in enumerate(parts, 1) if part.startswith("_") and not part.startswith("__")]
    return ".".join(parts[: ends[0]]) if ends else ""


def faults(source: str, module: str, is_package: bool = False) -> list[str]:
    """What is wrong with the imports of a module, in words."""
    tree, room, found = ast.parse(source), room_of(module), []
    used = list(imports(tree, module, is_package))
    others = {here: name for _, name, here, _ in used if room_of(name) != room}
    for line, name, _, relative in used:
        own = room_of(name) == room
        if own != relative:
            kind = "the same room: import it relatively" if own else "another room: import it absolutely"
            found.append(f"{module}:{line}: {name} is of {kind}")
        if not own and hidden_part(name):
            found.append(f"{module}:{line}: {hidden_part(name)} is hidden from this room")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in others:
            name = f"{others[node.value.id]}.{node.attr}"
            if hidden_part(name):
                found.append(f"{module}:{node.lineno}: {hidden_part(name)} is hidden from this room")
    return found


def modules() -> Iterator[tuple[str, str, bool]]:
    """Source, name and whether it is a package, of every module of the two packages."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            yield path.read_text(encoding="utf-8"), ".".join(parts[:-1] if is_package else parts), is_package


def test_rooms_are_entered_absolutely_and_left_relatively_and_hide_what_they_hide():
    assert [fault for module in modules() for fault in faults(*module)] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("from snnsg_book.studies.truth import networks", "is of the same room"),
        ("from snnsg_book.studies.truth.networks import build", "is of the same room"),
        ("from ..depth import networks", "is of another room"),
        ("from ...style import COLOURS", "is of another room"),
        ("from snnsg_book.studies.depth.networks import _secret", "is hidden"),
        ("from snnsg_lib.lyapunov._growth import Factors", "is hidden"),
        ("from snnsg_book.studies.depth import networks\nnetworks._secret()", "is hidden"),
    ],
)
def test_each_fault_is_found(line, fault):
    (found,) = faults(line, "snnsg_book.studies.truth.noise")
    assert fault in found


@pytest.mark.parametrize(
    "line",
    [
        "from . import networks",
        "from .networks import _own",
        "from ..truth import networks",
        "from snnsg_lib import learning",
    ],
)
def test_what_is_right_passes(line):
    assert faults(line, "snnsg_book.studies.truth.noise") == []
