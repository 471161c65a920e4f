"""An extra brings all that its modules import, and a module without it says which extra it needs."""

import ast
import contextlib
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from snnsg_lib.extras import extra

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
OWN = ("snnsg_lib", "snnsg_book", "benchmarks")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in OWN
    for path in (ROOT / package).rglob("*.py")
)
# What the smaller extras are for; `experiments` and `widgets` are for everything.
PURPOSE = {
    "cluster": ["snnsg_lib.sweeps", "snnsg_lib.store", "dask.distributed", "joblib._dask"],
    "bench": [module for module in MODULES if module.startswith("benchmarks")],
}
LIBRARY_ALONE = ("surrogates", "lif", "networks", "schedulers", "gradients", "lyapunov", "tasks", "store", "sweeps")

# A process in which the packages named on its input cannot be found, as if they were not installed.
CHILD = """
import importlib, json, sys
from importlib.machinery import PathFinder

hidden, modules = json.load(sys.stdin)
hidden = set(hidden)

class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in hidden else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
errors = {}
for name in modules:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        errors[name] = str(error)
json.dump(errors, sys.stdout)
"""


def declared(name):
    """Requirements of an extra ("" for none), those of the extras that it contains and of the core among them."""
    found = [Requirement(line) for line in PROJECT["dependencies"] + (EXTRAS[name] if name else [])]
    own = [requirement for requirement in found if requirement.name == PROJECT["name"]]
    inner = [line for requirement in own for part in requirement.extras for line in declared(part)]
    return [requirement for requirement in found if requirement not in own] + inner


def installed_by(requirements):
    """Names of the distributions that pip would install for these requirements; one that is not here needs nothing."""
    found, queue = set(), [(requirement, "") for requirement in requirements]
    seen = set()
    while queue:
        requirement, of_extra = queue.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        for part in ("", *requirement.extras):
            if (name, part) in seen:
                continue
            seen.add((name, part))
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                queue += [(Requirement(line), part) for line in importlib.metadata.requires(name) or []]
    return found


@cache
def homes():
    """{top-level module: names of the distributions that bring it}."""
    found = importlib.metadata.packages_distributions()
    return {module: {canonicalize_name(name) for name in names} for module, names in found.items()}


@cache
def errors_with(name):
    """{module of the project: message} for those that cannot be imported where only the extra `name` is installed."""
    there = installed_by(declared(name))
    hidden = [module for module, names in homes().items() if module not in OWN and not names & there]
    modules = PURPOSE.get(name, [module for module in MODULES if not module.startswith("benchmarks")])
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=json.dumps([hidden, modules]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def in_rooms(*rooms):
    return {module for module in MODULES if any(module == room or module.startswith(f"{room}.") for room in rooms)}


def test_library_alone_imports_and_what_needs_more_names_the_extra():
    errors = errors_with("")
    assert not set(errors) & in_rooms("snnsg_lib.checks", *(f"snnsg_lib.{room}" for room in LIBRARY_ALONE))
    assert in_rooms("snnsg_lib.envs", "snnsg_lib.statistics", "snnsg_book.explorers") <= set(errors)
    for module, message in errors.items():
        named = "widgets" if module in in_rooms("snnsg_book.explorers") else "experiments"
        assert f'pip install "snnsg_lib[{named}]"' in message, f"{module}: {message}"


def test_experiments_brings_everything_but_the_explorers():
    errors = errors_with("experiments")
    assert set(errors) == in_rooms("snnsg_book.explorers")
    assert all('pip install "snnsg_lib[widgets]"' in message for message in errors.values())


@pytest.mark.parametrize("name", sorted(set(EXTRAS) - {"experiments"}))
def test_extra_brings_all_that_its_modules_import(name):
    assert errors_with(name) == {}


def imports_in_functions(tree):
    """Yield (top-level module, extra named by the `with extra(...)` around it or "") of imports inside functions."""

    def walk(node, in_function, named):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            in_function = True
        if isinstance(node, ast.With) and getattr(node.items[0].context_expr, "func", None) is not None:
            call = node.items[0].context_expr
            named = call.args[0].value if getattr(call.func, "id", "") == "extra" else named
        if in_function and isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], named) for alias in node.names)
        elif in_function and isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0], named
        for child in ast.iter_child_nodes(node):
            yield from walk(child, in_function, named)

    return walk(tree, False, "")


@pytest.mark.parametrize("level", ["", "experiments"])
def test_import_inside_a_function_is_covered_by_the_extra_of_its_module_or_names_one(level):
    # Imported only where it is Matplotlib's backend already.
    there = {canonicalize_name(requirement.name) for requirement in declared(level)} | {"matplotlib-inline"}
    looked_at = 0
    for module in sorted({m for m in MODULES if not m.startswith("benchmarks")} - set(errors_with(level))):
        path = ROOT.joinpath(*module.split("."))
        text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
        for imported, named in imports_in_functions(ast.parse(text)):
            if imported in sys.stdlib_module_names or imported in OWN:
                continue
            brought = there | {canonicalize_name(requirement.name) for requirement in declared(named)}
            assert homes()[imported] & brought, f"{module} imports {imported} without naming an extra that brings it"
            looked_at += 1
    assert looked_at > 5


def test_error_of_an_import_names_the_extra_once():
    words = r'^no_such is not installed; it comes with: pip install "snnsg_lib\[widgets\]"$'
    with pytest.raises(ModuleNotFoundError, match=words) as caught, extra("widgets"):
        import no_such.part  # noqa: F401
    assert caught.value.name == "no_such"


def test_missing_module_of_our_own_is_no_matter_of_extras():
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'snnsg_lib\.no_such'$"), extra("widgets"):
        import snnsg_lib.no_such  # noqa: F401


def test_extras_named_in_texts_and_cells_exist():
    texts = [ROOT / "README.md", ROOT / ".ci" / "set_repository.py", *(ROOT / ".binder").iterdir()]
    texts += [*(ROOT / "book").glob("*.md"), *(ROOT / "benchmarks").glob("*.py")]
    named = [
        name
        for path in texts
        for group in re.findall(r"(?:snnsg_lib|\"\.|'\.)\[([\w,]+)\]", path.read_text(encoding="utf-8"))
        for name in group.split(",")
    ]
    assert {"experiments", "widgets"} <= set(named) <= set(EXTRAS)
