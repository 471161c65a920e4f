"""A sweep ends with the same records whatever happens on the way."""

import dataclasses
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
from faults import kills, runs
from faults.runs import Config

from snnsg_lib import provenance, sweeps
from snnsg_lib.store import RunStore, to_table
from snnsg_lib.sweeps import Failure, grid, sweep, work

TESTS = Path(__file__).parent.parent  # where `faults` lies
IMPORTS = "from faults import runs\nfrom faults.runs import Config\nfrom snnsg_lib.sweeps import grid, sweep\n"


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "computed.log"
    monkeypatch.setenv(runs.LOG, str(path))
    return path


def quiet(*args, **kwargs):
    return sweep(*args, progress=False, **kwargs)


def values(records):
    return [record["rows"] for record in records]


def script(body, **environment):
    """Start a fresh process that runs `body`, in its own process group."""
    # A background job of a shell ignores SIGINT and hands that on to its children.
    head = "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + IMPORTS
    return subprocess.Popen(
        [sys.executable, "-c", head + textwrap.dedent(body)],
        cwd=TESTS,
        env=os.environ | {key: str(value) for key, value in environment.items()},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


# What a sweep is


def test_grid_combines_all_values_and_the_last_varies_fastest():
    configs = grid(Config(), seed=range(2), slope=[1, 10])
    assert [(config.seed, config.slope) for config in configs] == [(0, 1), (0, 10), (1, 1), (1, 10)]
    assert grid(Config(seed=3), slope=5.0) == [Config(seed=3, slope=5.0)]


def test_grid_names_an_unknown_field_and_those_there_are():
    with pytest.raises(ValueError, match="no field 'slop'; its fields are seed, slope, seconds"):
        grid(Config(), slop=[1])


@pytest.mark.parametrize("base", [Config, {"seed": 0}, None])
def test_grid_wants_an_instance_of_a_frozen_dataclass(base):
    with pytest.raises(TypeError, match="frozen dataclass"):
        grid(base, seed=[1])


def test_sweep_returns_one_record_a_config_in_order(tmp_path):
    configs = grid(Config(), seed=range(5), slope=[1.0, 10.0])
    records = quiet(runs.steady, configs, tmp_path, chunk_size=3)
    assert [record["config"] for record in records] == [dataclasses.asdict(config) for config in configs]
    assert len(to_table(records)) == 30
    assert {"rows", "failure", "seconds", "run", "source", "machine", "threads"} <= set(records[0])
    assert records[0]["threads"] == 1


def test_second_sweep_computes_nothing_and_a_new_seed_only_itself(tmp_path, log):
    first = quiet(runs.steady, grid(Config(), seed=range(4)), tmp_path, chunk_size=2)
    again = quiet(runs.steady, grid(Config(), seed=range(4)), tmp_path, chunk_size=2)
    assert again == first
    assert len(runs.noted(log)) == 4
    quiet(runs.steady, grid(Config(), seed=range(5)), tmp_path, chunk_size=2)
    assert runs.noted(log)[4:] == ["4 25.0"]


def test_equal_configs_share_a_record_however_their_numbers_are_written(tmp_path, log):
    quiet(runs.steady, [Config(slope=10.0)], tmp_path)
    quiet(runs.steady, [Config(slope=10)], tmp_path)
    assert len(runs.noted(log)) == 1


def test_chunk_that_misses_a_record_is_computed_whole(tmp_path, log):
    configs = grid(Config(), seed=range(6))
    whole = quiet(runs.as_replicas, configs, tmp_path / "a", chunk_size=3)
    store = RunStore(tmp_path / "a")
    store.discard(store.read_manifest()["keys"][1])
    assert values(quiet(runs.as_replicas, configs, tmp_path / "a", chunk_size=3)) == values(whole)
    assert [line.split()[0] for line in runs.noted(log)] == list("012345") + list("012")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"configs": []}, "configs must hold at least one"),
        ({"configs": [Config(), Config()]}, "twice"),
        ({"configs": [{"seed": 0}]}, "frozen dataclass"),
        ({"configs": [Config(slope=float("nan"))]}, "slope must be finite"),
        ({"configs": [Config(slope=[1])]}, "slope must be a str, int, float, bool, None or a tuple"),
        ({"jobs": 0}, "jobs must be >= 1, or -1"),
        ({"jobs": -2}, "jobs must be an integer >= -1"),
        ({"jobs": 1.5}, "jobs must be an integer"),
        ({"chunk_size": 0}, "chunk_size must be an integer >= 1"),
        ({"run": "steady"}, "run must be a function"),
    ],
)
def test_bad_argument_is_named_before_anything_runs(tmp_path, log, arguments, message):
    given = {"run": runs.steady, "configs": [Config()], "directory": tmp_path / "runs"} | arguments
    with pytest.raises((TypeError, ValueError), match=message):
        quiet(**given)
    assert runs.noted(log) == []


def test_directory_that_cannot_be_written_is_named_before_anything_runs(tmp_path, log):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        quiet(runs.steady, [Config()], tmp_path / "file")
    assert runs.noted(log) == []


# Changed code is a miss


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An experiment in a package with a helper module; `write` changes either."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(experiment="", helper=""):
        (folder / "helper.py").write_text(f"def f(x):\n    '''Old words.'''\n    return 2 * x {helper}\n")
        body = f"def run(configs):  {experiment}\n    return [[{{'y': f(c.seed)}}] for c in configs]\n"
        (folder / "experiment.py").write_text("from .helper import f\n" + body)
        for name in [name for name in sys.modules if name.partition(".")[0] == "lab"]:
            del sys.modules[name]
        import lab.experiment

        return lab.experiment.run

    return write


def source(function):
    return sweeps.parent.source_hash(function)


def test_comments_and_docstrings_do_not_count_as_code(package):
    before = source(package())
    assert source(package(experiment="# a remark", helper="# another")) == before


def test_change_in_an_imported_module_is_a_miss(package, tmp_path):
    first = quiet(package(), [Config(seed=1)], tmp_path / "runs")
    second = quiet(package(helper="+ 1"), [Config(seed=1)], tmp_path / "runs")
    assert (first[0]["rows"], second[0]["rows"]) == ([{"y": 2}], [{"y": 3}])


def test_change_is_told_by_the_module_it_was_made_in(package):
    before, after = (provenance.modules_of(package(helper=helper)) for helper in ("# a remark", "+ 1"))
    assert [name for name in before if before[name] != after[name]] == ["lab.helper"]


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_code_names_its_commit_and_whether_a_module_differs_from_it(package, tmp_path):
    run = package()
    assert "commit" not in provenance.code_of(run)
    git(tmp_path, "init")
    assert "commit" not in provenance.code_of(run)  # a repository that does not know the modules
    git(tmp_path, "add", "lab")
    git(tmp_path, "commit", "-m", "lab")
    (tmp_path / "notes.txt").touch()
    code = provenance.code_of(run)
    assert (code["commit"], code["dirty"]) == (git(tmp_path, "rev-parse", "HEAD"), False)
    assert provenance.code_of(package(helper="+ 1"))["dirty"]


def test_record_carries_the_code_that_made_it(package, tmp_path):
    run = package()
    assert quiet(run, [Config()], tmp_path / "runs")[0]["code"] == provenance.code_of(run)


def test_library_modules_count_and_are_followed(tmp_path, monkeypatch):
    (tmp_path / "lone_experiment.py").write_text("from snnsg_lib.statistics import iqm\ndef run(configs): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import lone_experiment

    modules = provenance.modules_of(lone_experiment.run)
    own = {name for name in modules if name != "lone_experiment"}
    assert {name.split(".")[1] for name in own} == {"statistics", "checks", "extras"}
    assert source(lone_experiment.run)


def test_function_typed_in_a_notebook_counts_with_what_it_names():
    def typed(factor):
        space = {"__name__": "nowhere"}
        exec(f"FACTOR = {factor}\ndef double(x): return FACTOR * x\ndef run(configs): return double(configs)", space)
        return source(space["run"])

    assert typed(2) == typed(2)
    assert typed(2) != typed(3)


def test_worker_with_other_code_refuses_to_compute(tmp_path, log):
    chunk = work.Chunk((Config(),), ("a" * 64,))
    with pytest.raises(RuntimeError, match=r"faults\.runs:steady differs from that at the start of the sweep"):
        work.work(work.Job(runs.steady, tmp_path, "another hash"), 0, chunk)
    assert runs.noted(log) == []


# Failures


def test_failed_runs_are_stored_with_their_reason_and_the_others_go_on(tmp_path, log):
    configs = grid(Config(), seed=range(6))
    with pytest.warns(UserWarning, match="3 of 6 runs failed"):
        records = quiet(runs.with_faults, configs, tmp_path)
    reasons = [record["failure"] and record["failure"]["reason"] for record in records]
    assert reasons[0] is reasons[4] is reasons[5] is None
    assert reasons[1] == "RuntimeError: the reward went missing"
    assert "value must be finite" in reasons[2]
    assert "got inf" in reasons[3]
    assert "with_faults" in records[1]["failure"]["traceback"]
    assert to_table(records)["value"].tolist() == [1.0, 1.0, 1.0]


def test_failure_stands_unless_a_retry_is_asked_for(tmp_path, log):
    configs = [Config(seed=1)]
    for retry, expected in ((False, 1), (False, 1), (True, 2)):
        with pytest.warns(UserWarning, match="1 of 1 runs failed"):
            quiet(runs.with_faults, configs, tmp_path, retry_failed=retry)
        assert len(runs.noted(log)) == expected


@pytest.mark.parametrize("failure", [Failure("dead network in layer 2"), ValueError("dead network in layer 2")])
def test_run_may_return_a_failure_for_one_config(tmp_path, failure):
    def run(configs):
        return [failure if config.seed == 1 else [{"x": 1}] for config in configs]

    with pytest.warns(UserWarning, match="dead network in layer 2"):
        records = quiet(run, grid(Config(), seed=range(3)), tmp_path)
    assert [record["failure"] is not None for record in records] == [False, True, False]


@pytest.mark.parametrize("outcome", [[], [[{"x": object()}]], [[{1: 2}]], [3], None])
def test_outcome_that_is_no_list_of_rows_is_a_stored_failure(tmp_path, outcome):
    def run(configs):
        return outcome

    with pytest.warns(UserWarning, match="1 of 1 runs failed"):
        assert quiet(run, [Config()], tmp_path)[0]["rows"] == []


# Deaths


def kill_at_random(tmp_path, log, num_kills, num_runs):
    """Kill a sweep at work again and again, checking each time that no finished run is lost; return runs repeated."""
    configs = grid(Config(seconds=0.003), seed=range(num_runs))
    store = RunStore(tmp_path / "runs")
    rng = random.Random(0)
    finished = {}
    for _ in range(num_kills):
        before = len(runs.noted(log))
        pid = kills.start(lambda: quiet(runs.steady, configs, store.directory, chunk_size=1))
        wait_for(lambda before=before: len(runs.noted(log)) > before)
        time.sleep(rng.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        assert kills.wait(pid) == -signal.SIGKILL
        for path in store.records.glob("*.json"):
            data = path.read_bytes()
            assert finished.setdefault(path, data) == data
            assert store.get(path.stem) is not None
        assert finished.keys() == set(store.records.glob("*.json"))
    assert values(quiet(runs.steady, configs, store.directory, chunk_size=1)) == [runs.rows(c) for c in configs]
    assert not list(store.directory.rglob("*.tmp"))
    assert not store.quarantine.exists()
    return len(runs.noted(log)) - num_runs


@kills.posix
def test_random_kills_lose_no_finished_run_and_repeat_at_most_one_each(tmp_path, log):
    assert kill_at_random(tmp_path, log, num_kills=25, num_runs=250) <= 25


@kills.posix
@pytest.mark.long
def test_two_hundred_kills_lose_no_finished_run_and_repeat_at_most_one_each(tmp_path, log, capsys):
    repeated = kill_at_random(tmp_path, log, num_kills=200, num_runs=900)
    with capsys.disabled():
        print(f"\nP1: 200 kills at work, {repeated} runs repeated, 0 lost, 0 corrupt")
    assert repeated <= 200


@kills.posix
def test_kill_at_each_point_of_a_write_leaves_a_sweep_that_resumes(tmp_path, log):
    configs = grid(Config(), seed=range(2))
    for point in range(1, 200):
        directory = tmp_path / str(point)

        def child(point=point, directory=directory):
            with kills.killed_at(point):
                quiet(runs.steady, configs, directory, chunk_size=1)

        code = kills.wait(kills.start(child))
        log.unlink(missing_ok=True)
        finished = len(list((directory / "records").glob("*.json")))
        assert values(quiet(runs.steady, configs, directory, chunk_size=1)) == [runs.rows(c) for c in configs]
        assert len(runs.noted(log)) == 2 - finished
        assert not list(directory.rglob("*.tmp"))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0
    assert point > 20  # two manifests and two records


def kill_pool(tmp_path, log, num_kills):
    configs = grid(Config(seconds=0.05), seed=range(60))
    rng = random.Random(0)
    for _ in range(num_kills):
        parent = script(
            f"sweep(runs.steady, grid(Config(seconds=0.05), seed=range(60)), {str(tmp_path / 'runs')!r}, jobs=2,"
            "chunk_size=1, progress=False)"
        )
        time.sleep(2.0 + rng.random())
        family = psutil.Process(parent.pid).children(recursive=True)
        parent.kill()
        parent.communicate()
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive
    assert values(quiet(runs.steady, configs, tmp_path / "runs", chunk_size=1)) == [runs.rows(c) for c in configs]
    assert len(runs.noted(log)) <= 60 + 2 * num_kills


@kills.posix
def test_killed_parent_takes_its_workers_along_and_repeats_at_most_one_run_each(tmp_path, log):
    kill_pool(tmp_path, log, num_kills=1)


@kills.posix
@pytest.mark.long
def test_ten_killed_parents_repeat_at_most_one_run_a_worker(tmp_path, log):
    kill_pool(tmp_path, log, num_kills=10)


@kills.posix
def test_death_of_a_worker_costs_only_its_own_work(tmp_path, log):
    configs = grid(Config(seconds=0.02), seed=range(20))
    with pytest.warns(UserWarning, match="a worker process died"):
        records = quiet(runs.kills_itself_once, configs, tmp_path / "runs", jobs=2, chunk_size=1)
    assert values(records) == [runs.rows(config) for config in configs]
    assert len(runs.noted(log)) <= 22


@kills.posix
def test_run_that_always_kills_its_worker_is_stored_as_failed(tmp_path):
    with pytest.warns(UserWarning, match="1 of 4 runs failed"):
        records = quiet(runs.kills_itself_always, grid(Config(), seed=range(4)), tmp_path, jobs=2, chunk_size=1)
    assert [record["failure"] is not None for record in records] == [False, False, False, True]
    assert "the process died" in records[3]["failure"]["reason"]


# Several runners


@kills.posix
def test_four_runners_share_the_work_without_doing_any_twice(tmp_path, log, monkeypatch):
    configs = grid(Config(), seed=range(200))
    look = work.is_complete

    def look_and_dawdle(store, chunk):
        found = look(store, chunk)
        time.sleep(random.random() * 0.004)  # between the check and the write
        return found

    monkeypatch.setattr(work, "is_complete", look_and_dawdle)
    orders = [configs, configs[::-1], configs[100:] + configs[:100], configs]
    runners = [
        kills.start(lambda order=order: quiet(runs.steady, order, tmp_path / "runs", chunk_size=1)) for order in orders
    ]
    assert [kills.wait(pid) for pid in runners] == [0] * 4
    assert len(runs.noted(log)) == 200
    assert values(quiet(runs.steady, configs, tmp_path / "runs", chunk_size=1)) == [runs.rows(c) for c in configs]


@kills.posix
def test_runner_finishes_what_a_killed_one_had_locked(tmp_path, log):
    slow = [Config(seconds=0.4)]
    first = kills.start(lambda: quiet(runs.steady, slow, tmp_path / "runs"))
    while not runs.noted(log):
        time.sleep(0.01)
    second = kills.start(lambda: quiet(runs.steady, slow, tmp_path / "runs"))
    time.sleep(0.1)
    os.kill(first, signal.SIGKILL)
    kills.wait(first)
    assert kills.wait(second) == 0
    assert len(runs.noted(log)) == 2


# Damage


def test_damaged_records_are_set_aside_and_computed_again(tmp_path, log):
    configs = grid(Config(), seed=range(6))
    whole = quiet(runs.steady, configs, tmp_path / "runs", chunk_size=2)
    store = RunStore(tmp_path / "runs")
    keys = store.read_manifest()["keys"]
    first, second = (store.records / f"{keys[index]}.json" for index in (0, 3))
    first.write_bytes(first.read_bytes().replace(b"0", b"1", 1))
    second.write_bytes(second.read_bytes()[:-20])
    log.unlink()
    with pytest.warns(UserWarning, match="damaged"):
        assert values(quiet(runs.steady, configs, tmp_path / "runs", chunk_size=2)) == values(whole)
    assert [line.split()[0] for line in runs.noted(log)] == list("0123")
    assert len(list(store.quarantine.iterdir())) == 2


# One digest

DIGEST = """
import sys
from snnsg_lib.store import freeze, load_table
records = sweep(runs.as_replicas, grid(Config(), seed=range(7), slope=[1, 10]), sys.argv[1], jobs={jobs}, chunk_size=4,
    progress=False)
print(load_table("d", freeze("d", records, directory=sys.argv[1]).parent).attrs["table_sha256"])
"""


def digest(directory, jobs=1):
    code = [sys.executable, "-c", IMPORTS + DIGEST.format(jobs=jobs), str(directory)]
    return subprocess.run(code, cwd=TESTS, capture_output=True, text=True, check=True).stdout


def one_digest(tmp_path, num_processes, stops):
    digests = {digest(tmp_path / str(number)) for number in range(num_processes)}
    digests.add(digest(tmp_path / "pool", jobs=2))
    keys = RunStore(tmp_path / "0").read_manifest()["keys"]
    for stop in stops:
        shutil.copytree(tmp_path / "0", tmp_path / f"stopped {stop}")
        for key in keys[stop:]:
            RunStore(tmp_path / f"stopped {stop}").discard(key)
        digests.add(digest(tmp_path / f"stopped {stop}"))
    assert len(digests) == 1


def test_fresh_process_pool_and_resume_end_in_one_digest(tmp_path):
    one_digest(tmp_path, num_processes=1, stops=[5])


@pytest.mark.long
def test_ten_processes_and_five_resumes_end_in_one_digest(tmp_path):
    one_digest(tmp_path, num_processes=10, stops=[0, 1, 6, 9, 13])


# Interrupts


@kills.posix
@pytest.mark.parametrize("to_children_too", [True, False], ids=["terminal", "notebook"])
def test_interrupt_returns_in_five_seconds_without_orphans_and_keeps_the_records(tmp_path, to_children_too):
    parent = script(
        f"""
        try:
            sweep(runs.steady, grid(Config(seconds=0.3), seed=range(200)), {str(tmp_path)!r}, jobs=2, chunk_size=1)
        except KeyboardInterrupt:
            print("stopped", flush=True)
        time.sleep(30)
        """
    )
    while len(list((tmp_path / "records").glob("*.json"))) < 2:
        time.sleep(0.05)
    family = psutil.Process(parent.pid).children(recursive=True)
    start = time.perf_counter()
    (os.killpg if to_children_too else os.kill)(parent.pid, signal.SIGINT)
    assert parent.stdout.readline() == "stopped\n"
    assert time.perf_counter() - start < 5
    workers = [process for process in family if "resource_tracker" not in " ".join(cmdline(process))]
    _, alive = psutil.wait_procs(workers, timeout=1)
    assert not alive
    assert parent.poll() is None  # the kernel lives
    parent.kill()
    parent.communicate()
    store = RunStore(tmp_path)
    assert all(store.get(path.stem) for path in store.records.glob("*.json"))


def cmdline(process):
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


# A cluster


@kills.posix
def test_dask_cluster_finishes_after_one_of_its_two_workers_is_killed(tmp_path, log):
    import joblib
    from distributed import Client, LocalCluster

    configs = grid(Config(seconds=0.2), seed=range(20))
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        victim = next(iter(client.run(os.getpid).values()))
        killer = kills.start(lambda: (wait_for(lambda: len(runs.noted(log)) > 4), os.kill(victim, signal.SIGKILL)))
        records = quiet(runs.steady, configs, tmp_path / "runs", jobs=-1, chunk_size=1)
        assert kills.wait(killer) == 0
    assert values(records) == [runs.rows(config) for config in configs]
    assert len(runs.noted(log)) <= 22


def wait_for(condition):
    for _ in itertools.count():
        if condition():
            return
        time.sleep(0.02)


# Progress


def test_progress_shows_the_time_left(tmp_path, capsys):
    sweep(runs.steady, grid(Config(seconds=0.15), seed=range(4)), tmp_path, chunk_size=1)
    assert "4/4" in capsys.readouterr().err


def test_manifest_adds_up_wall_time_over_sessions(tmp_path):
    configs = grid(Config(seconds=0.05), seed=range(2))
    quiet(runs.steady, configs, tmp_path)
    first = json.loads((tmp_path / "sweep.json").read_text())["body"]["wall_seconds"]
    quiet(runs.steady, configs, tmp_path)
    assert json.loads((tmp_path / "sweep.json").read_text())["body"]["wall_seconds"] > first >= 0.1
