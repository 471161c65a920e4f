"""Peak memory of a training step: growth of the resident set in a fresh process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.cases import CASES, library_step, snntorch_step

MAKERS = {"library": library_step, "snntorch": snntorch_step}


def peak_megabytes(case_name: str, candidate: str) -> float:
    """Peak of two training steps above what the process held before them, in MB, measured in a subprocess."""
    command = [sys.executable, "-m", "benchmarks.memory", case_name, candidate]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def _measure(case_name: str, candidate: str) -> float:
    torch.set_num_threads(1)
    case = next(case for case in CASES if case.name == case_name)
    # Without rates aimed at: that search would leave a peak of its own before the step.
    step = MAKERS[candidate](case, scaled=False)
    before = _peak_bytes()
    step()
    step()
    return (_peak_bytes() - before) / 1e6


def _peak_bytes() -> int:
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux ru_maxrss begins with the peak of the process that started this one; VmHWM is this one's own.
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset
    import resource  # not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    print(_measure(*sys.argv[1:]))
