"""What makes the tree a project: pins, wheel, workflow, reference, address."""

import importlib.util
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import snnsg_lib

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("snnsg_lib", "snnsg_book")
METADATA = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name):
    """{package: version} of a file of exact requirements."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith(("#", "-c "))]
    assert all(len(pair) == 2 for pair in pairs), "each line is NAME==VERSION"
    names = [canonicalize_name(pair[0]) for pair in pairs]
    assert len(set(names)) == len(names), "no package twice"
    return dict(zip(names, (pair[1] for pair in pairs), strict=True))


def test_pinned_versions_lie_in_the_ranges_of_the_metadata():
    pinned = pins("requirements.txt")
    extras = METADATA["optional-dependencies"]
    # spikingjelly is a rival in the benchmark, which runs without it as well.
    declared = METADATA["dependencies"] + [r for extra in sorted(extras) for r in extras[extra]]
    for line in declared:
        requirement = Requirement(line)
        if requirement.name in ("spikingjelly", METADATA["name"]):
            continue
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{line}: {version} is pinned"


def test_core_is_lean():
    assert sorted(Requirement(line).name for line in METADATA["dependencies"]) == ["numpy", "snntorch", "torch"]


def test_constraints_repeat_no_requirement():
    assert not set(pins("requirements.txt")) & set(pins("constraints.txt"))


def test_import_of_the_library_loads_nothing_heavy():
    heavy = ("pandas", "scipy", "gymnasium", "matplotlib", "anywidget")
    code = f"import sys, snnsg_lib; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_wheel_holds_code_tables_scripts_and_styles(tmp_path):
    tree = tmp_path / "tree"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path,
        tree,
    ]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    kinds = (".py", ".csv", ".json", ".js", ".css", ".mplstyle")
    source = {p.relative_to(tree).as_posix() for p in tree.glob("snnsg_*/**/*") if p.suffix in kinds}
    assert source <= packed
    assert any(name.endswith(".js") for name in source)


# What the rooms share among themselves, no part of the reference.
WITHIN = {f"snnsg_lib.{name}" for name in ("by_layer", "checks", "extras", "measuring", "provenance")}


def public_modules():
    """Modules and packages of the library that define or export public names for its users."""
    for info in pkgutil.iter_modules(snnsg_lib.__path__, "snnsg_lib."):
        if info.name not in WITHIN:
            module = importlib.import_module(info.name)
            own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == info.name]
            if any(not name.startswith("_") for name in getattr(module, "__all__", own)):
                yield info.name


def test_reference_lists_every_public_module():
    listed = re.findall(r"^- `(snnsg_lib\.\w+)`$", (ROOT / "book" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(public_modules())


def test_workflows_pin_actions_and_ask_for_least_rights():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {}
        assert "pull_request_target" not in text
        for job in workflow["jobs"].values():
            assert set(job["permissions"].values()) <= {"read", "write"}
            for step in job["steps"]:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", "a@" + 40 * "0")), step


def test_continuous_integration_runs_the_two_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("make test", "make book"):
        assert f"\n{command}\n" in script
        assert f"\n{command} " in readme


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named <= targets


@pytest.mark.skipif(sys.platform == "win32", reason=".ci/browser is a Bash script")
def test_a_missing_browser_is_an_error_that_names_the_command(tmp_path):
    bash = shutil.which("bash")
    for name in ("dirname", "id", "timeout"):
        (tmp_path / name).symlink_to(shutil.which(name))
    # Neither on the PATH, nor Playwright's (its folder is empty and its host out of reach), nor root with apt-get.
    environment = {
        "PATH": str(tmp_path),
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "none"),
        "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9",
    }
    done = subprocess.run([bash, ROOT / ".ci" / "browser"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr


@pytest.fixture
def set_repository():
    spec = importlib.util.spec_from_file_location("set_repository", ROOT / ".ci" / "set_repository.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.set_repository


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "book").mkdir()
    shutil.copy(ROOT / "_config.yml", tmp_path)
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("1 + 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "book" / "page.ipynb")
    return tmp_path


def test_address_reaches_configuration_and_colab_cell_and_can_be_taken_back(tree, set_repository):
    config, page = tree / "_config.yml", tree / "book" / "page.ipynb"
    set_repository(tree, "")
    before = config.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")

    set_repository(tree, "https://github.com/owner/name")
    set_repository(tree, "https://github.com/owner/other")
    assert yaml.safe_load(config.read_text(encoding="utf-8"))["sphinx"]["config"]["snnsg_repository"].endswith("other")
    cells = nbformat.read(page, as_version=4).cells
    assert ["owner/other" in cell.source for cell in cells] == [False, True, False]

    set_repository(tree, "")
    assert (config.read_text(encoding="utf-8"), page.read_text(encoding="utf-8")) == before


def test_wrong_address_is_refused(tree, set_repository):
    with pytest.raises(SystemExit, match="OWNER/NAME"):
        set_repository(tree, "github.com/owner")


def test_notebooks_carry_the_colab_cell_of_the_address_and_no_other():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    address = config["sphinx"]["config"]["snnsg_repository"]
    for path in (ROOT / "book").glob("*.ipynb"):
        installs = [cell.source for cell in nbformat.read(path, as_version=4).cells if "google.colab" in cell.source]
        assert len(installs) == (1 if address else 0), path.name
        assert all(f"git+{address}" in source for source in installs), path.name
