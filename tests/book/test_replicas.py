"""Which configs are replicas of one network, and how many digits a table keeps."""

from dataclasses import dataclass

import pytest
import torch

from snnsg_book.replicas import all_but, in_groups
from snnsg_book.rounding import rounded, to_places


@dataclass(frozen=True)
class Config:
    task: str = "copy"
    seed: int = 0
    slope: float = 25.0


def test_groups_train_together_and_come_back_in_order():
    seen = []

    def train(key, group):
        seen.append((key, len(group)))
        return [10 * value for value in group]

    assert in_groups([1, 2, 3, 4], key=lambda value: value % 2, train=train) == [10, 20, 30, 40]
    assert seen == [(1, 2), (0, 2)]


def test_configs_that_differ_in_a_field_of_their_own_are_replicas_of_one_network():
    configs = [Config(task, seed) for seed in range(2) for task in ("copy", "xor")]
    groups = {}
    assert in_groups(configs, all_but("seed"), lambda shared, group: groups.setdefault(shared, group)) == configs
    assert groups == {
        Config("copy"): [Config("copy", 0), Config("copy", 1)],
        Config("xor"): [Config("xor", 0), Config("xor", 1)],
    }


def test_configs_that_differ_elsewhere_are_not():
    assert all_but("seed")(Config(slope=1.0)) != all_but("seed")(Config(slope=2.0))
    assert all_but("seed", "slope")(Config(seed=1, slope=1.0)) == all_but("seed", "slope")(Config(seed=2, slope=2.0))


def test_unknown_field_is_named():
    with pytest.raises(KeyError, match="sede"):
        all_but("sede")(Config())


def test_missing_values_stay_missing_and_others_lose_digits():
    assert [rounded(value, 3) for value in (1234.5, torch.tensor(0.012345), float("nan"))] == [1230.0, 0.0123, None]
    assert [to_places(value, 3) for value in (1234.56789, -0.00049, float("nan"))] == [1234.568, -0.0, None]
