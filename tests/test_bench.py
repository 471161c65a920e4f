"""A short run of `make bench`, held to 70 % of its figures, and what an import may load."""

import subprocess
import sys

import pytest
import torch

from benchmarks import control, lyapunov
from benchmarks.cases import CASES, REPLICA_CASES
from benchmarks.memory import peak_megabytes
from benchmarks.timing import TARGETS, measure

SHARE = 0.7
HEAVY = ("pandas", "scipy", "gymnasium", "matplotlib", "anywidget")
NAMED = {case.name: case for case in (*CASES, *REPLICA_CASES)}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", TARGETS)
def test_speed_keeps_seventy_percent_of_its_figures(name):
    """A busy machine may spoil one short run; three in a row, each longer, it does not."""
    speed, floor = TARGETS[name]
    for rounds in (3, 5, 9):
        figures = measure(NAMED[name], rounds)["library"]
        fast = figures["times_snntorch"] >= SHARE * speed
        lean = floor is None or figures["times_floor"] <= floor / SHARE
        if fast and lean:
            break
    assert fast, figures
    assert lean, figures


@pytest.mark.parametrize("name", ["A", "D"])
def test_peak_memory_stays_below_snntorch(name):
    assert peak_megabytes(name, "library") < peak_megabytes(name, "snntorch")


def test_td3_with_thirty_replicas_keeps_seventy_percent_of_its_figure():
    peer = control.seconds_per_run(control.theirs(control.SnntorchPolicy), 400)
    assert peer / control.seconds_per_run(control.ours(30), 400, 30) >= SHARE * control.TARGET


def test_lyapunov_spectra_keep_seventy_percent_of_their_figures():
    for rounds in (1, 3, 5):
        speedup = lyapunov.times_plain(rounds)["speedup"]
        cost = lyapunov.times_one(rounds)["ratio"]
        if speedup >= SHARE * lyapunov.SPEEDUP and cost <= lyapunov.REPLICA_COST / SHARE:
            break
    assert speedup >= SHARE * lyapunov.SPEEDUP
    assert cost <= lyapunov.REPLICA_COST / SHARE


def test_import_loads_nothing_heavy():
    code = f"""
import sys
import snnsg_lib, snnsg_lib.surrogates, snnsg_lib.lif, snnsg_lib.networks, snnsg_lib.lyapunov, snnsg_lib.tasks
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
