"""What the output of a page depends on: the modules that its notebook imports, and the tables that these read."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from snnsg_lib.provenance import _imported_names as imported_names

READER = "load_results"
CATALOGUE = "EXPERIMENTS"
FOR_BROWSERS = {".js", ".css"}  # the output of a notebook shows none of them


def files_below(path: Path) -> list[Path]:
    """Return the files below a folder (or the file itself), sorted, without Python's caches."""
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)


def digest_of(root: Path, paths: Iterable[str | Path]) -> str:
    """Return the SHA-256 of files and folders below `root`: names and contents."""
    sha = hashlib.sha256()
    for path in (file for name in paths for file in files_below(root / name)):
        content = path.read_bytes()
        sha.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        sha.update(content)
    return sha.hexdigest()


def python_of(notebook: str) -> str:
    """Return the Python of a notebook, given as JSON, without the lines that are for IPython or the shell."""
    cells = [cell for cell in json.loads(notebook)["cells"] if cell["cell_type"] == "code"]
    lines = [line for cell in cells for line in "".join(cell["source"]).splitlines()]
    return "\n".join(line for line in lines if not line.lstrip().startswith(("%", "!")))


class Module(NamedTuple):
    """What a piece of Python imports, in dotted names; what it only passes on, by name; the tables that it names."""

    imports: set[str]
    passed_on: dict[str, str]
    tables: set[str]


class Dependencies:
    """The modules and tables of some packages, and what reaches which.

    Imports are followed without running anything. Of a package that does nothing but pass on names, a name leads to
    the module that defines it, and to no other. A module that imports by a name made at run time has to declare what
    it reaches. Tables are read by those that name them. Scripts and styles count nowhere: no output shows them.

    Parameters
    ----------
    root : Path
        The folder that holds the packages.
    packages : sequence of str
    declared : mapping, optional
        {module: patterns of the modules that it imports by a name made at run time}; * stands for one part of a name.
    always : sequence of str, optional
        Files, relative to `root`, on which everything depends.
    """

    def __init__(
        self,
        root: Path,
        packages: Sequence[str],
        declared: Mapping[str, Sequence[str]] | None = None,
        always: Sequence[str] = (),
    ):
        self.root, self.declared, self.always = root, declared or {}, always
        files = [path for package in packages for path in files_below(root / package)]
        self.modules = {self._name_of(path): path for path in files if path.suffix == ".py"}
        self.tables: dict[str, set[Path]] = {}
        for path in files:
            if path.suffix not in {".py", *FOR_BROWSERS}:
                for name in (path.stem, path.name):
                    self.tables.setdefault(name, set()).add(path)
        self._parsed: dict[str, Module] = {}

    def files(self, source: str) -> list[Path]:
        """Return the files that the result of a piece of Python depends on, sorted."""
        start = self._parse(source, "__main__", False)
        names = _closure(start.imports, self._leads_to)
        tables = start.tables.union(*(self._module(name).tables for name in names if name in self.modules))
        modules = {self.modules[name] for name in (name.rstrip(".") for name in names) if name in self.modules}
        return sorted(
            modules.union({self.root / name for name in self.always}, *(self.tables[name] for name in tables))
        )

    def loaded(self, source: str) -> set[str]:
        """Return the modules that are loaded when a piece of Python runs, whether it uses them or not."""
        names = _closure(self._parse(source, "__main__", False).imports, self._loads)
        return names & self.modules.keys()

    def digest(self, source: str) -> str:
        """Return a hash of the files that the result of a piece of Python depends on."""
        return digest_of(self.root, [path.relative_to(self.root) for path in self.files(source)])

    def _leads_to(self, name: str) -> set[str]:
        """Return the names that a name uses. One with a dot at its end is a package through which an import passes."""
        package, _, last = name.rpartition(".")
        above = {f"{package}."} if package else set()
        if name in self.modules:
            return self._module(name).imports | above
        if package not in self.modules:
            return set()
        passed_on = self._module(package).passed_on
        if last in passed_on:
            return {passed_on[last]} | above
        if last or not passed_on:
            return {package}
        outer = package.rpartition(".")[0]
        return {f"{outer}."} if outer else set()

    def _loads(self, name: str) -> set[str]:
        package = name.rpartition(".")[0]
        return {package} | (self._module(name).imports if name in self.modules else set())

    def _module(self, name: str) -> Module:
        if name not in self._parsed:
            path = self.modules[name]
            module = self._parse(path.read_text(encoding="utf-8"), name, path.name == "__init__.py")
            for pattern in self.declared.get(name, ()):
                module.imports.update(other for other in self.modules if _matches(other, pattern))
            self._parsed[name] = module
        return self._parsed[name]

    def _parse(self, source: str, name: str, is_package: bool) -> Module:
        tree = ast.parse(source)
        whole = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imports = whole.union(_without_bases(imported_names(source, name, is_package)))
        only_passes_on = is_package and all(_passes_on(statement) for statement in tree.body)
        words, patterns = _strings(tree)
        tables = {table for table in self.tables if table in words or any(fnmatchcase(table, p) for p in patterns)}
        return Module(imports, {i.rpartition(".")[2]: i for i in imports} if only_passes_on else {}, tables)

    def _name_of(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _closure(names: Iterable[str], after: Callable[[str], set[str]]) -> set[str]:
    waiting, seen = set(names), set[str]()
    while waiting:
        seen.add(name := waiting.pop())
        waiting |= after(name) - seen
    return seen


def _without_bases(names: Iterable[str]) -> Iterator[str]:
    """Leave out a, which stands before a.b in the names of `from a import b`."""
    base = ""
    for name, following in pairwise([*names, ""]):
        if base and name.rpartition(".")[0] == base:
            yield name
        elif following.rpartition(".")[0] == name:
            base = name
        else:
            base = ""
            yield name


def _matches(name: str, pattern: str) -> bool:
    return name.count(".") == pattern.count(".") and fnmatchcase(name, pattern)


def _passes_on(statement: ast.stmt) -> bool:
    """Whether a statement of a package does nothing but pass on names: an import, `__all__`, or the docstring."""
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]) == "__all__"
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.With):  # `with extra(...)`: imports that name what they need
        return all(_passes_on(inner) for inner in statement.body)
    return isinstance(statement, ast.ImportFrom) and all(alias.asname is None for alias in statement.names)


def _strings(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the strings in a source, and as patterns the f-strings that READER is called with.

    The CATALOGUE of a subject lists its tables and reads none.
    """
    body = [s for s in tree.body if not (isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == CATALOGUE)]
    nodes = [node for statement in body for node in ast.walk(statement)]
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    calls = [node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == READER]
    given = [arg for call in calls for arg in call.args if isinstance(arg, ast.JoinedStr)]
    return words, {"".join(p.value if isinstance(p, ast.Constant) else "*" for p in arg.values) for arg in given}
