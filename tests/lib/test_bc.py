"""Behavioural cloning: it clones, its replicas stay apart, and it resumes where it stopped."""

import numpy as np
import pytest
import torch

from snnsg_lib.learning import BehavioralCloning
from snnsg_lib.store import CorruptResultError
from snnsg_lib.tasks import Demonstrations, expert_demonstrations

SMALL = {"hidden": (16, 16), "batch_size": 16, "lr": 1e-2}


@pytest.fixture(scope="module")
def demonstrations():
    return expert_demonstrations("snnsg/PlanarHover-v0", 2000)


def _weights(learner):
    return [p.detach().clone() for p in learner.policy.parameters()]


@pytest.mark.parametrize("actor", ["snn", "mlp"])
def test_a_clone_flies_almost_like_its_teacher(actor):
    history = BehavioralCloning(slopes=[5.0], seeds=[0], actor=actor).learn(250, evaluate_at=250)
    assert (history.episode_return > 180).all()


def test_history_has_one_row_per_evaluation_and_replica(demonstrations):
    learner = BehavioralCloning(slopes=[1.0, 100.0], seeds=range(3), demonstrations=demonstrations, **SMALL)
    history = learner.learn(20, evaluate_at=[5, 20], episodes=1)
    assert list(history.columns) == ["slope", "seed", "update", "episode_return", "current_slope", "loss"]
    assert len(history) == 2 * 3 * 2
    assert set(history["update"]) == {5, 20}
    assert (history.slope == history.current_slope).all()


def test_equal_seeds_start_from_equal_weights_whatever_the_slope(demonstrations):
    learner = BehavioralCloning(slopes=[1.0, 100.0], seeds=[4, 7], demonstrations=demonstrations, **SMALL)
    for weight in _weights(learner):
        assert torch.equal(weight[:2], weight[2:])
    other = BehavioralCloning(slopes=[3.0], seeds=[9, 7], demonstrations=demonstrations, **SMALL)
    assert torch.equal(_weights(learner)[0][1], _weights(other)[0][1])


def test_paired_takes_slopes_and_seeds_together(demonstrations):
    learner = BehavioralCloning(slopes=[1.0, 2.0], seeds=[5, 6], paired=True, demonstrations=demonstrations, **SMALL)
    assert list(zip(learner.replicas.labels, learner.replicas.seeds, strict=True)) == [(1.0, 5), (2.0, 6)]


def test_a_replica_that_breaks_is_stopped_and_leaves_the_others_bit_for_bit(demonstrations):
    def trained(break_one):
        learner = BehavioralCloning(slopes=[1.0, 10.0], seeds=[0, 1], demonstrations=demonstrations, **SMALL)
        learner.learn(5)
        if break_one:
            with torch.no_grad():
                learner.policy.net.weights[0][2, 0, 0] = float("nan")
        return learner, learner.learn(20, evaluate_at=10, episodes=2)

    (whole, whole_history), (broken, history) = trained(False), trained(True)
    assert list(broken.failures) == [2]
    assert broken.failures[2] == "gradient is NaN or infinite at update 6"
    assert not ((history.slope == 10.0) & (history.seed == 0)).any()
    kept = whole_history[~((whole_history.slope == 10.0) & (whole_history.seed == 0))].reset_index(drop=True)
    assert kept.equals(history)
    for expected, weight in zip(_weights(whole), _weights(broken), strict=True):
        assert torch.equal(expected[[0, 1, 3]], weight[[0, 1, 3]])


def test_a_resumed_clone_is_bit_identical(demonstrations, tmp_path):
    def make():
        return BehavioralCloning(slopes=[1.0, 10.0], seeds=[0, 1], demonstrations=demonstrations, **SMALL)

    whole, first, second = make(), make(), make()
    whole.learn(30, evaluate_at=10, episodes=1)
    first.learn(10, evaluate_at=10, episodes=1)
    first.save(tmp_path / "clone")
    second.load(tmp_path / "clone")
    second.learn(30, evaluate_at=10, episodes=1)
    assert second.history.equals(whole.history)
    assert all(torch.equal(a, b) for a, b in zip(_weights(whole), _weights(second), strict=True))


def test_a_damaged_or_foreign_checkpoint_is_refused(demonstrations, tmp_path):
    learner = BehavioralCloning(slopes=[1.0], seeds=[0], demonstrations=demonstrations, **SMALL)
    learner.save(tmp_path / "clone")
    other = BehavioralCloning(slopes=[1.0], seeds=[1], demonstrations=demonstrations, **SMALL)
    with pytest.raises(ValueError, match="checkpoint of"):
        other.load(tmp_path / "clone")
    data = bytearray((tmp_path / "clone").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "clone").write_bytes(data)
    with pytest.raises(CorruptResultError, match="checksum"):
        learner.load(tmp_path / "clone")


def test_clipping_limits_each_replica_by_itself(demonstrations):
    learner = BehavioralCloning(
        slopes=[1.0, 100.0], seeds=[0], demonstrations=demonstrations, max_grad_norm=1e-3, **SMALL
    )
    learner.learn(1)
    squares = sum((p.grad.flatten(1) ** 2).sum(1) for p in learner.policy.parameters())
    np.testing.assert_allclose(squares.sqrt(), 1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"slopes": [0.0]}, "slopes"),
        ({"slopes": []}, "slopes"),
        ({"seeds": [-1]}, "seeds"),
        ({"slopes": [1.0], "seeds": [1, 2], "paired": True}, "paired"),
        ({"actor": "cnn"}, "actor"),
        ({"actor": "mlp", "network": {"beta": 0.5}}, "network"),
        ({"hidden": (0,)}, "hidden"),
        ({"batch_size": 0}, "batch_size"),
        ({"lr": float("nan")}, "lr"),
        ({"eps": 0.0}, "eps"),
        ({"beta2": 1.5}, "beta2"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"max_grad_norm": 0.0}, "max_grad_norm"),
        ({"readout_gain": -1.0}, "readout_gain"),
        ({"network": {"beta": 1.5}}, "beta"),
        ({"demonstrations": Demonstrations(torch.zeros(3, 5), torch.zeros(3, 2))}, "observations"),
        ({"demonstrations": Demonstrations(torch.zeros(3, 7), torch.full((3, 2), torch.nan))}, "actions"),
    ],
)
def test_bad_arguments_are_named(kwargs, message, demonstrations):
    with pytest.raises(ValueError, match=message):
        BehavioralCloning(**{"seeds": [0], "demonstrations": demonstrations, **kwargs})


@pytest.mark.parametrize("kwargs", [{"evaluate_at": 0}, {"evaluate_at": [0]}, {"episodes": 0}, {"num_updates": -1}])
def test_bad_arguments_of_learn_are_named(kwargs, demonstrations):
    learner = BehavioralCloning(seeds=[0], demonstrations=demonstrations, **SMALL)
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        learner.learn(**{"num_updates": 1, **kwargs})
