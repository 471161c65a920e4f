"""Child processes that end by SIGKILL, at a random moment or at a chosen point of a write."""

import builtins
import os
import signal
import traceback
from contextlib import contextmanager

import pytest

from snnsg_lib.store import files

# Not by the platform's name: tests/test_windows.py takes `os.fork` away to see that what needs it is left out.
posix = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks or sends signals, which Windows does not know")


def start(function):
    """Run `function` in a forked child, which starts without importing anything again; return its process id."""
    pid = os.fork()
    if pid:
        return pid
    try:
        function()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def wait(pid):
    """Return the exit code of a child, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@contextmanager
def killed_at(point):
    """Kill this process at the n-th point of its writes: around a sync or a rename, or in the middle of a write."""
    passed = 0

    def pass_point():
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function):
        def wrapped(*args, **kwargs):
            pass_point()
            result = function(*args, **kwargs)
            pass_point()
            return result

        return wrapped

    class HalfWriting:
        def __init__(self, *args):
            self.file = builtins.open(*args)  # noqa: SIM115

        def __enter__(self):
            return self

        def __exit__(self, *error):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            self.file.write(data[: len(data) // 2])
            self.file.flush()
            pass_point()
            self.file.write(data[len(data) // 2 :])

    saved = os.fsync, os.replace
    os.fsync, os.replace, files.open = around(os.fsync), around(os.replace), HalfWriting
    try:
        yield
    finally:
        os.fsync, os.replace = saved
        del files.open
