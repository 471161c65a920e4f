"""What only POSIX systems have is asked for where it is used, and the tests that use it are left out elsewhere."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Windows without its file system: modules and functions that it lacks go when pytest and the packages of others, which
# have other ways there, are loaded.
STAND_IN = """
import importlib, os, signal, sys
import pytest

OTHERS = ("distributed", "joblib.externals.loky", "multiprocessing.popen_fork", "nbclient", "playwright.sync_api",
          "psutil", "stable_baselines3", "torch")

class WithoutPosix:
    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self):
        for name in OTHERS:
            importlib.import_module(name)
        for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
            sys.modules[name] = None
        for name in ("fork", "forkpty", "getpgid", "killpg", "setsid"):
            delattr(os, name)
        del signal.SIGKILL

sys.exit(pytest.main(sys.argv[1:], plugins=[WithoutPosix()]))
"""


def pytest_without_posix(*arguments):
    """Return the last line that pytest prints, and its exit code."""
    command = [sys.executable, "-c", STAND_IN, "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.stdout + done.stderr[-2000:], done.returncode


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Windows")
def test_every_test_is_collected_where_there_is_no_fork():
    printed, code = pytest_without_posix("--collect-only", "tests")
    assert code == 0, printed[-3000:]
    assert "test_random_kills_lose_no_finished_run" in printed


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="stands in for Windows")
def test_what_forks_or_sends_signals_is_left_out_where_neither_exists():
    printed, code = pytest_without_posix("-rs", "tests/lib/test_store.py", "tests/lib/test_sweeps.py")
    assert code == 0, printed[-3000:]
    assert "which Windows does not know" in printed
