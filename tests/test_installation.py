"""What an installation needs: pins and floors that fit the Pythons promised, the same promise everywhere, Binder."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PROMISE = SpecifierSet(PROJECT["requires-python"])
# Every Python that the promise takes in, patch releases to come among them.
PROMISED = [f"3.{minor}.{patch}" for minor in range(9, 20) for patch in range(40) if f"3.{minor}.{patch}" in PROMISE]
MINORS = sorted({version.rpartition(".")[0] for version in PROMISED}, key=Version)
PINS = {
    canonicalize_name(name): version
    for file in ("requirements.txt", "constraints.txt")
    for name, _, version in (
        line.partition("==") for line in (ROOT / file).read_text(encoding="utf-8").splitlines() if "==" in line
    )
}


def text_of(*parts):
    return ROOT.joinpath(*parts).read_text(encoding="utf-8")


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# Pythons


def test_every_pin_fits_every_python_promised():
    assert len(PINS) > 150
    assert "3.11.2" in PROMISED  # Debian 12
    refused = {}
    for name, version in PINS.items():
        found = importlib.metadata.distribution(name)
        assert Version(found.version).public == version, f"{name} {found.version} is installed, {version} is pinned"
        fits = SpecifierSet(found.metadata.get("Requires-Python") or "")
        if left_out := [python for python in PROMISED if python not in fits]:
            refused[f"{name}=={version} needs Python {fits}"] = left_out
    assert refused == {}


def test_readme_pages_make_workflow_and_classifiers_promise_the_same_pythons():
    in_words = f"Python {', '.join(MINORS[:-1])} or {MINORS[-1]} and `make`"
    assert in_words in text_of("README.md")
    assert in_words in text_of("book", "run.md")
    assert f"\nPYTHONS := {' '.join(MINORS)}\n" in text_of("Makefile")
    workflow = yaml.safe_load(text_of(".github", "workflows", "book.yml"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == MINORS
    classified = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if "Python :: 3." in line]
    assert classified == MINORS


def test_no_text_promises_another_python():
    texts = [*ROOT.glob("*.md"), *(ROOT / "book").glob("*.md")]
    named = {version for path in texts for version in re.findall(r"Python (3\.\d+)", path.read_text(encoding="utf-8"))}
    assert named <= set(MINORS)
    assert not any("or later" in line for path in texts for line in path.open(encoding="utf-8") if "Python 3" in line)


@pytest.mark.skipif(sys.platform == "win32", reason="make is not for Windows")
@pytest.mark.parametrize("version", ["3.10.9", "3.14.0"])
def test_make_refuses_a_python_that_is_not_promised(version, tmp_path):
    assert version not in PROMISE
    python = tmp_path / "python"
    code = f"import sys; sys.version_info = {tuple(map(int, version.split('.')))}; exec(sys.argv[1])"
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$2\"\n", encoding="utf-8")
    python.chmod(0o755)
    command = ["make", "setup", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode
    assert f"Python is {version.rpartition('.')[0]}, and must be one of {' '.join(MINORS)}" in done.stderr
    assert not (tmp_path / "venv").exists()


# Packages


@pytest.mark.skipif(sys.platform != "linux", reason="other systems need a few packages of their own")
def test_everything_that_the_requirements_need_is_pinned():
    queue, seen = [(Requirement(f"{name}=={version}"), "") for name, version in PINS.items()], set()
    while queue:
        requirement, part = queue.pop()
        name = canonicalize_name(requirement.name)
        if (name, part) in seen or not (requirement.marker is None or requirement.marker.evaluate({"extra": part})):
            continue
        seen.add((name, part))
        # PyTorch's GPU builds bring what the CPU build, with which the book is tested, does not.
        lines = [] if name == "torch" else importlib.metadata.requires(name) or []
        queue += [(Requirement(line), extra) for line in lines for extra in ("", *requirement.extras)]
    assert {name for name, _ in seen} == set(PINS)


def test_floors_of_all_extras_are_found_each_once():
    floors = script("floors").floors(PROJECT)
    named = {canonicalize_name(Requirement(line).name): Requirement(line) for line in floors}
    assert len(named) == len(floors)
    assert {"numpy", "torch", "pandas", "gymnasium", "dask", "anywidget", "stable-baselines3"} <= set(named)
    lines = [line for lines in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()) for line in lines]
    for requirement in map(Requirement, lines):
        if (name := canonicalize_name(requirement.name)) in named:
            (exact,) = named[name].specifier
            assert requirement.specifier.contains(exact.version)


def test_tools_and_tests_named_for_the_floors_exist():
    floors = script("floors")
    assert sorted(canonicalize_name(pin.partition("==")[0]) for pin in floors.tools()) == sorted(floors.TOOLS)
    for option in floors.LEFT_OUT:
        path, _, test = option.partition("=")[2].partition("::")
        assert f"def {test}(" in text_of(path) if test else (ROOT / path).is_file(), option


def test_requirement_without_a_floor_is_refused():
    with pytest.raises(ValueError, match="numpy must give one floor"):
        script("floors").floors({"name": "x", "dependencies": ["numpy"], "optional-dependencies": {}})


# Binder


def test_binder_takes_a_cpu_build_of_torch_and_a_python_promised():
    environment = yaml.safe_load(text_of(".binder", "environment.yml"))
    assert environment["channels"][0] == "conda-forge"
    packages = dict(re.fullmatch(r"([\w-]+)(.*)", line).groups() for line in environment["dependencies"])
    assert packages["python"].lstrip("=") in MINORS
    (floor,) = (Requirement(line).specifier for line in PROJECT["dependencies"] if line.startswith("torch"))
    assert packages["pytorch-cpu"] == str(floor)
    assert not {"pytorch", "torch", "pytorch-gpu"} & set(packages)


@pytest.mark.skipif(sys.platform == "win32", reason=".binder/postBuild is a Bash script")
def test_binder_keeps_the_torch_that_is_there_and_pins_the_rest(tmp_path):
    """Run postBuild with a `python -m pip` that only shows what it is told."""
    (tmp_path / "python").write_text(
        f'#!/bin/sh\nif [ "$1" = -m ]; then echo "$@"; cat "$6"; else exec {sys.executable} "$@"; fi\n',
        encoding="utf-8",
    )
    (tmp_path / "python").chmod(0o755)
    path = ROOT / ".binder" / "postBuild"
    assert os.access(path, os.X_OK)
    done = subprocess.run(
        [path], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, check=True
    )
    told, *pins = done.stdout.splitlines()
    assert told.startswith("-m pip install")
    assert told.endswith("jupyterlab .[widgets]")
    pinned = dict(line.split("==") for line in pins if line and not line.startswith("#"))
    assert pinned.pop("torch") == importlib.metadata.version("torch")
    assert {canonicalize_name(name): version for name, version in pinned.items()} == {
        name: version for name, version in PINS.items() if name != "torch"
    }
