"""Packed run records are those that were packed, or none; and they stand for their own code alone."""

import random
import signal

import pytest
from faults import kills, runs
from faults.runs import Config

from snnsg_lib.store import RunStore
from snnsg_lib.sweeps import grid, pack, read_pack, sweep, unpack, write_pack

CONFIGS = grid(Config(), seed=range(6))


@pytest.fixture
def log(tmp_path, monkeypatch):
    path = tmp_path / "computed.log"
    monkeypatch.setenv(runs.LOG, str(path))
    return path


@pytest.fixture
def packed(tmp_path):
    """A pack of the first four of six runs."""
    sweep(runs.steady, CONFIGS[:4], tmp_path / "first", chunk_size=2, progress=False)
    assert pack(tmp_path / "first", tmp_path / "some.records.gz") == 4
    return tmp_path / "some.records.gz"


def test_study_resumes_elsewhere_from_its_pack(packed, tmp_path, log):
    assert unpack(packed, runs.steady, CONFIGS, tmp_path / "second") == 0
    records = sweep(runs.steady, CONFIGS, tmp_path / "second", chunk_size=2, progress=False)
    assert [record["rows"] for record in records] == [runs.rows(config) for config in CONFIGS]
    assert [line.split()[0] for line in runs.noted(log)] == ["4", "5"]


def test_record_that_is_there_is_not_replaced_by_a_packed_one(packed, tmp_path):
    sweep(runs.steady, CONFIGS, tmp_path / "second", chunk_size=2, progress=False)
    before = {path: path.read_bytes() for path in RunStore(tmp_path / "second").records.iterdir()}
    unpack(packed, runs.steady, CONFIGS, tmp_path / "second")
    assert {path: path.read_bytes() for path in RunStore(tmp_path / "second").records.iterdir()} == before


def test_records_of_other_code_are_counted_and_not_used(packed, tmp_path):
    assert unpack(packed, runs.as_replicas, CONFIGS, tmp_path / "second") == 4  # another function of the same module
    write_pack(packed, [record | {"source": "0" * 64} for record in read_pack(packed)])
    assert unpack(packed, runs.steady, CONFIGS, tmp_path / "second") == 4
    assert list(RunStore(tmp_path / "second").records.iterdir()) == []


def test_equal_records_give_equal_bytes(packed, tmp_path):
    write_pack(tmp_path / "again.records.gz", read_pack(packed))
    assert (tmp_path / "again.records.gz").read_bytes() == packed.read_bytes()


def test_missing_pack_holds_nothing_and_a_sweep_without_runs_cannot_be_packed(tmp_path):
    assert read_pack(tmp_path / "none.records.gz") == []
    with pytest.raises(ValueError, match="holds no run of a sweep"):
        pack(tmp_path / "empty", tmp_path / "none.records.gz")


def test_every_bit_flip_and_truncation_of_a_pack_is_set_aside_and_named(packed):
    whole, records = packed.read_bytes(), read_pack(packed)
    flips = random.Random(0).sample(range(8 * len(whole)), 300)
    cuts = random.Random(1).sample(range(len(whole)), 100)
    damaged = [whole[: bit // 8] + bytes([whole[bit // 8] ^ (1 << bit % 8)]) + whole[bit // 8 + 1 :] for bit in flips]
    for data in damaged + [whole[:length] for length in cuts]:
        packed.write_bytes(data)
        with pytest.warns(UserWarning, match=r"some\.records\.gz is damaged .* not used"):
            assert read_pack(packed) == []
        assert not packed.exists()
        assert packed.with_name("some.records.gz.damaged").read_bytes() == data
    packed.write_bytes(whole)
    assert read_pack(packed) == records


def test_damaged_pack_costs_a_study_nothing_but_its_time(packed, tmp_path):
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.warns(UserWarning, match="damaged"):
        unpack(packed, runs.steady, CONFIGS, tmp_path / "second")
    records = sweep(runs.steady, CONFIGS, tmp_path / "second", chunk_size=2, progress=False)
    assert [record["rows"] for record in records] == [runs.rows(config) for config in CONFIGS]


def test_kill_at_any_point_of_packing_leaves_the_old_pack_or_the_new_one(packed):
    records = read_pack(packed)
    whole, seen = packed.read_bytes(), set()
    for point in range(1, 20):
        packed.write_bytes(whole)

        def child(point=point):
            with kills.killed_at(point):
                write_pack(packed, records[:1])

        code = kills.wait(kills.start(child))
        seen.add(len(read_pack(packed)))
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert code == 0
    assert seen == {1, 4}
