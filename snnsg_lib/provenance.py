"""Where a result comes from: the source behind a function, and the machine that ran it."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import inspect
import json
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

LIBRARY = "snnsg_lib"
PACKAGES = ("snnsg_lib", "numpy", "torch", "snntorch", "scipy", "pandas", "joblib", "gymnasium")


def sha256(text: str) -> str:
    """Return the hexadecimal SHA-256 of `text` in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> str:
    """Return `value` as JSON that equal values share: keys sorted, 1.0 written as 1, no NaN."""
    return json.dumps(_without_integral_floats(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def source_hash(function: Callable) -> str:
    """Return one hash of all the code behind `function`: of the modules that `modules_of` names."""
    own = _own_module(function)
    # The name under which the first module was started does not matter, and __main__ names nothing.
    modules = {"" if own and name == own[0] else name: code for name, code in modules_of(function).items()}
    return sha256(canonical(modules))


def modules_of(function: Callable) -> dict[str, str]:
    """Return {module: hash of its code} for the code behind `function`.

    That is its module and the library modules that this imports, recursively. Comments, docstrings and layout do not
    count. Modules of the function's own package are followed too, and for a script or a top-level module the modules
    beside it. A function typed in a notebook counts with the functions and constants that it names.
    """
    if own := _own_module(function):
        return {name: _bare(file.read_text(encoding="utf-8")) for name, file in _files(*own).items()}
    sources: dict[str, str] = {}
    _add_interactive(function, sources)
    return {name: sha256(source) for name, source in sorted(sources.items())}


def code_of(function: Callable) -> dict[str, Any]:
    """Return what a result says about the code that made it.

    `modules` as `modules_of` gives them; `commit`, where git keeps the modules; and beside it `dirty`, whether one of
    them differs from that commit.
    """
    own = _own_module(function)
    return {"modules": modules_of(function), **(_commit(list(_files(*own).values())) if own else {})}


@lru_cache(maxsize=1)
def machine() -> dict[str, Any]:
    """Return what bit identity depends on: CPU type, its vector instructions as torch uses them, system, versions."""
    facts = {
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if torch := sys.modules.get("torch"):
        facts["instructions"] = torch.backends.cpu.get_cpu_capability()
    return facts | {"versions": {name: version for name in PACKAGES if (version := _version(name))}}


def without_docstrings(source: str) -> str:
    """Return `source` parsed and written back, so without comments and layout, and without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _own_module(function: Callable) -> tuple[str, Path] | None:
    """Return name and file of the module that `function` stands in, None for one typed in a notebook."""
    if not isinstance(function, FunctionType):
        raise TypeError(f"run must be a function made with def, got {function!r}")
    module = sys.modules.get(function.__module__)
    path = getattr(module, "__file__", None)
    if module is None or path is None or not Path(path).is_file():
        return None
    # A module run with `python -m` is called __main__; its spec still knows the name that relative imports start from.
    return module.__spec__.name if module.__spec__ is not None else module.__name__, Path(path)


def _files(name: str, path: Path) -> dict[str, Path]:
    """Return {module: file} of a module and of the modules that it imports and that belong to it."""
    files: dict[str, Path] = {}
    queue = [(name, path)]
    while queue:
        current, file = queue.pop()
        if current in files:
            continue
        files[current] = file
        text = file.read_text(encoding="utf-8")
        for imported in _imported_names(text, current, file.name == "__init__.py"):
            if imported not in files and (found := _file_of(imported, name, path)) is not None:
                queue.append((imported, found))
    return dict(sorted(files.items()))


@lru_cache(maxsize=1024)  # the experiments of the book share most of their modules
def _bare(source: str) -> str:
    return sha256(without_docstrings(source))


def _commit(files: Sequence[Path]) -> dict[str, Any]:
    """Return commit and state of the repository that keeps `files`; nothing where git is absent or knows none."""
    folder = files[0].resolve().parent
    try:
        top = Path(_git(folder, "rev-parse", "--show-toplevel"))
        inside = [str(file.resolve()) for file in files if file.resolve().is_relative_to(top)]
        if not inside or not _git(folder, "ls-files", "--", *inside):
            return {}  # an installed copy that happens to lie within someone's repository
        commit, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", "--", *inside)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit, "dirty": bool(changes)}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@lru_cache(maxsize=1024)
def _imported_names(source: str, module: str, is_package: bool) -> tuple[str, ...]:
    """Return the names that `import` could find in the source of a module."""
    return tuple(_imports(source, module, is_package))


def _imports(source: str, module: str, is_package: bool) -> Iterator[str]:
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _file_of(name: str, own_name: str, own_path: Path) -> Path | None:
    """Return the file of an imported module if the hash should follow it, else None."""
    top = name.partition(".")[0]
    own_top = own_name.partition(".")[0]
    if top not in (LIBRARY, own_top) and ("." in own_name or not _lies_beside(top, own_path)):
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None  # a name imported from a module, not a module
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _lies_beside(top: str, own_path: Path) -> bool:
    folder = own_path.parent
    if "site-packages" in folder.parts:
        return False
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()


def _add_interactive(thing: Any, sources: dict[str, str]) -> None:
    """Add the source of a function or class without a file, and of what it names in its notebook and here."""
    if thing.__qualname__ in sources:
        return
    try:
        sources[thing.__qualname__] = without_docstrings(inspect.cleandoc("\n" + inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError):
        sources[thing.__qualname__] = ""  # typed where no source is kept: its byte code below stands for it
    for function in [thing] if isinstance(thing, FunctionType) else _methods(thing):
        if not sources[thing.__qualname__]:
            sources[f"code of {function.__qualname__}"] = _code_text(function.__code__)
        for name in sorted(_names(function.__code__)):
            if name in function.__globals__:
                _add_named(name, function.__globals__[name], function.__module__, sources)


def _add_named(name: str, value: Any, own_module: str, sources: dict[str, str]) -> None:
    origin = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    if isinstance(origin, str) and origin.partition(".")[0] == LIBRARY:
        sources[origin] = canonical(_library_modules(origin))
    elif isinstance(value, FunctionType | type) and origin == own_module:
        _add_interactive(value, sources)
    elif isinstance(value, bool | int | float | str | tuple | None):
        sources[f"value of {name}"] = repr(value)


def _library_modules(name: str) -> dict[str, str]:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return {module: _bare(file.read_text(encoding="utf-8")) for module, file in _files(name, Path(spec.origin)).items()}


def _methods(cls: type) -> list[FunctionType]:
    return [value for value in vars(cls).values() if isinstance(value, FunctionType)]


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def _names(code: CodeType) -> set[str]:
    return {name for part in _nested(code) for name in part.co_names}


def _code_text(code: CodeType) -> str:
    constants = [[repr(c) for c in part.co_consts if not isinstance(c, CodeType)] for part in _nested(code)]
    return repr([[part.co_code.hex(), part.co_names, part.co_varnames] for part in _nested(code)] + constants)


def _without_integral_floats(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _without_integral_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_integral_floats(item) for item in value]
    return value


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
