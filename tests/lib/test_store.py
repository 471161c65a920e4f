"""A stored result is the one that was written, or none."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from faults import kills

from snnsg_lib.store import CorruptResultError, RunStore, amend, check_writable, files, freeze, load_table, to_table

KEY = "a" * 64


def record(seed=0, value=0.1, **changes):
    return {
        "config": {"seed": seed, "slope": 10.0},
        "rows": [{"layer": layer, "norm": value / (layer + 1)} for layer in range(3)],
        "failure": None,
        "seconds": 0.5,
        "run": "module:run",
        "source": "b" * 64,
        "code": {"commit": "c" * 40, "dirty": False, "modules": {"module": "d" * 64}},
        "chunk": 1,
        "machine": {"cpu": "some"},
        "threads": 1,
        **changes,
    }


def flipped(data, position):
    return data[: position // 8] + bytes([data[position // 8] ^ (1 << position % 8)]) + data[position // 8 + 1 :]


def test_record_comes_back_as_it_was_put(tmp_path):
    store = RunStore(tmp_path)
    assert store.get(KEY) is None
    store.put(KEY, record())
    assert store.get(KEY) == record()


@pytest.mark.parametrize("key", ["", "../x", "A" * 64, "a" * 63, 5, None])
def test_key_that_is_no_hash_is_refused(tmp_path, key):
    with pytest.raises(ValueError, match="key must be 64 hexadecimal digits"):
        RunStore(tmp_path).get(key)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_record_with_nan_or_inf_is_never_written(tmp_path, value):
    store = RunStore(tmp_path)
    with pytest.raises(ValueError, match="JSON"):
        store.put(KEY, record(value=value))
    assert list(store.records.iterdir()) == []


def test_every_bit_flip_of_a_record_is_set_aside(tmp_path):
    store = RunStore(tmp_path)
    store.put(KEY, record())
    path = store.records / f"{KEY}.json"
    whole = path.read_bytes()
    for position in random.Random(0).sample(range(8 * len(whole)), 300):
        path.write_bytes(flipped(whole, position))
        with pytest.warns(UserWarning, match="damaged"):
            assert store.get(KEY) is None
    assert len(list(store.quarantine.iterdir())) == 300
    assert not path.exists()


def test_every_truncation_of_a_record_is_set_aside(tmp_path):
    store = RunStore(tmp_path)
    store.put(KEY, record())
    path = store.records / f"{KEY}.json"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.warns(UserWarning, match="damaged"):
            assert store.get(KEY) is None


def test_every_bit_flip_and_truncation_of_a_table_is_an_error_that_names_file_and_command(tmp_path):
    freeze("norms", [record(seed) for seed in range(2)], directory=tmp_path)
    for path in (tmp_path / "norms.csv", tmp_path / "norms.json"):
        whole = path.read_bytes()
        bits = random.Random(1).sample(range(8 * len(whole)), 300)
        for damaged in [flipped(whole, bit) for bit in bits] + [whole[:length] for length in range(len(whole))]:
            path.write_bytes(damaged)
            with pytest.raises(CorruptResultError, match=r"norms\.csv.*make it so"):
                load_table("norms", tmp_path, command="make it so")
        path.write_bytes(whole)
    assert len(load_table("norms", tmp_path)) == 6


def test_table_comes_back_bit_for_bit_with_its_provenance(tmp_path):
    values = [0.1, 1 / 3, 1e-300, 123456789.123456789, -0.0, 5e-324]
    runs = [record(seed, rows=[{"value": value, "word": "a,b\n\"c\"", "count": 3, "late": None, "yes": True}])
            for seed, value in enumerate(values)]  # fmt: skip
    freeze("values", runs, directory=tmp_path, command="make it so")
    table = load_table("values", tmp_path)
    assert table["value"].tolist() == values
    assert table["word"].tolist() == ['a,b\n"c"'] * 6
    assert table["late"].isna().all()
    assert table["yes"].dtype == bool
    assert table["count"].dtype == np.int64
    attrs = table.attrs
    assert attrs["command"] == "make it so"
    assert attrs["seeds"] == [0, 1, 2, 3, 4, 5]
    assert attrs["configs"]["fixed"] == {"slope": 10.0}
    assert attrs["configs"]["values"] == [[seed] for seed in range(6)]
    assert attrs["run_seconds"] == 3.0
    assert attrs["chunk_seconds"] == [0.5] * 6
    assert {"machines", "threads", "wall_seconds", "table_sha256"} <= set(attrs)
    json.loads((tmp_path / "values.json").read_text())


def test_table_names_commit_and_modules_of_its_code(tmp_path):
    def code(commit, **modules):
        return {"code": {"commit": commit, "dirty": commit == "b", "modules": modules}}

    freeze("some", [record(0, **code("a", x="1", y="1"))], directory=tmp_path)
    attrs = load_table("some", tmp_path).attrs
    assert (attrs["commit"], attrs["dirty"], attrs["modules"]) == ("a", False, {"x": "1", "y": "1"})
    freeze("some", [record(0, **code("a", x="1", y="1")), record(1, **code("b", x="1", y="2"))], directory=tmp_path)
    attrs = load_table("some", tmp_path).attrs
    assert (attrs["commit"], attrs["dirty"], attrs["modules"]) == ("b", True, {"x": "1", "y": "several"})


def test_table_made_without_git_names_no_commit(tmp_path):
    freeze("some", [record(code={"modules": {"x": "1"}})], directory=tmp_path)
    attrs = load_table("some", tmp_path).attrs
    assert attrs["modules"] == {"x": "1"}
    assert not {"commit", "dirty"} & set(attrs)


def test_amended_provenance_leaves_the_table_as_it_is(tmp_path):
    path = freeze("some", [record(0)], directory=tmp_path)
    before = path.read_bytes()
    amend("some", tmp_path, modules={"x": "3"})
    assert load_table("some", tmp_path).attrs["modules"] == {"x": "3"}
    assert path.read_bytes() == before
    path.write_bytes(before[:-2])
    with pytest.raises(CorruptResultError, match="some"):
        amend("some", tmp_path, modules={"x": "4"})


def test_folder_that_takes_no_file_is_named(tmp_path):
    check_writable(tmp_path / "made" / "here")
    assert list((tmp_path / "made" / "here").iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        check_writable(tmp_path / "file")


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
@pytest.mark.parametrize("options", [(), ("future.infer_string", False)], ids=["as it is", "as pandas 2"])
def test_missing_text_comes_back_missing(tmp_path, options):
    with pd.option_context(*options) if options else nullcontext():
        freeze("notes", pd.DataFrame({"note": ["a", None, "b"], "value": [1.0, None, 3.0]}), directory=tmp_path)
        table = load_table("notes", tmp_path)
    assert table["note"].isna().tolist() == [False, True, False]
    assert table["note"].dropna().tolist() == ["a", "b"]
    assert table["value"].isna().tolist() == [False, True, False]


def test_failed_run_takes_no_part_in_a_table_and_is_listed_beside_it(tmp_path):
    failed = record(1, rows=[], failure={"reason": "NaN in the loss", "traceback": ""})
    freeze("some", [record(0), failed], directory=tmp_path)
    table = load_table("some", tmp_path)
    assert set(table["seed"]) == {0}
    assert table.attrs["failed"] == [{"config": failed["config"], "reason": "NaN in the loss"}]


def test_line_ends_of_another_system_do_not_matter(tmp_path):
    freeze("norms", [record()], directory=tmp_path)
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(load_table("norms", tmp_path)) == 3


def test_data_frame_can_be_frozen(tmp_path):
    freeze("plain", pd.DataFrame({"seed": [1, 2], "x": [0.5, 1.5]}), directory=tmp_path)
    assert load_table("plain", tmp_path)["x"].tolist() == [0.5, 1.5]


def test_a_table_keeps_rows_of_an_earlier_one_and_says_so(tmp_path):
    old = pd.DataFrame({"arm": ["a", "b"], "value": [0.1 + 0.2, 2.0]})
    new = pd.DataFrame({"arm": ["b"], "value": [3.0]})
    freeze("made_up", old, directory=tmp_path)
    before = load_table("made_up", tmp_path)
    freeze("made_up", new, directory=tmp_path, kept=before[before.arm == "a"])
    after = load_table("made_up", tmp_path)
    assert after["arm"].tolist() == ["a", "b"]
    assert after["value"].tolist() == [0.1 + 0.2, 3.0]  # to the last bit
    assert after.attrs["kept"]["rows"] == 1
    assert after.attrs["kept"]["table_sha256"] == before.attrs["table_sha256"]
    freeze("made_up", new.assign(value=4.0), directory=tmp_path, kept=after)
    assert load_table("made_up", tmp_path).attrs["kept"]["kept"] == after.attrs["kept"]
    with pytest.raises(ValueError, match="kept must have the columns of the runs"):
        freeze("made_up", new.assign(more=1), directory=tmp_path, kept=before)


@pytest.mark.parametrize(
    "name", ["../escape", "/absolute", "a/b", "a\\b", "", ".", "..", "Upper", "con.", "x" * 65, None]
)
def test_name_that_could_leave_the_folder_is_refused(tmp_path, name):
    for act in (lambda: freeze(name, [record()], directory=tmp_path), lambda: load_table(name, tmp_path)):
        with pytest.raises(ValueError, match="name must be lower-case letters"):
            act()
    assert list(tmp_path.iterdir()) == []


def test_missing_table_names_the_command_that_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"make it again with: make it so"):
        load_table("absent", tmp_path, command="make it so")


def test_row_that_contradicts_its_config_is_an_error():
    with pytest.raises(ValueError, match="'slope'"):
        to_table([record(rows=[{"slope": 3.0}])])


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        RunStore(tmp_path / "file" / "runs")


def test_full_disk_names_the_path_and_leaves_the_old_record(tmp_path, monkeypatch):
    store = RunStore(tmp_path)
    store.put(KEY, record())

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left.*{KEY}"):
        store.put(KEY, record(value=2.0))
    assert store.get(KEY) == record()
    assert len(list(store.records.iterdir())) == 1


@kills.posix
def test_lock_keeps_others_out_and_dies_with_its_process(tmp_path):
    store = RunStore(tmp_path)
    code = f"import time\nfrom snnsg_lib.store import RunStore\nwith RunStore({str(tmp_path)!r}).lock({KEY!r}):\n" \
        "    print('mine', flush=True)\n    time.sleep(60)"  # fmt: skip
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"mine\n"
        with store.lock(KEY) as mine:
            assert not mine
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with store.lock(KEY) as mine:
            assert mine


@kills.posix
def test_stray_temporary_files_go_and_those_of_the_living_stay(tmp_path):
    store = RunStore(tmp_path)
    dead = kills.start(lambda: None)
    kills.wait(dead)
    stray, own = (store.records / f".x.json.{files._host()}.{pid}.0.tmp" for pid in (dead, os.getpid()))
    stray.touch()
    own.touch()
    assert store.remove_stray_temps() == 1
    assert own.exists()
    assert not stray.exists()


@kills.posix
def test_kill_at_any_point_of_a_freeze_leaves_the_old_table_or_the_new_one(tmp_path):
    old, new = [record(0, value=1.0)], [record(0, value=2.0)]
    seen = set()
    for point in range(1, 100):
        freeze("norms", old, directory=tmp_path)

        def child(point=point):
            with kills.killed_at(point):
                freeze("norms", new, directory=tmp_path)

        code = kills.wait(kills.start(child))
        first = load_table("norms", tmp_path)["norm"][0]
        assert first in (1.0, 2.0)
        seen.add(first)
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0
    assert point > 10  # three files, each with several points
    assert seen == {1.0, 2.0}
