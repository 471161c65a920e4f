"""Tasks: equal seeds give equal data, and the data are what their docstrings say."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from snnsg_lib.envs.experts import hover_expert
from snnsg_lib.tasks import expert_demonstrations, spike_classification

IDS = ["snnsg/PlanarHover-v0", "snnsg/CrazyflieHover-v0"]


@pytest.mark.parametrize("env_id", IDS)
def test_equal_seeds_give_equal_demonstrations(env_id):
    first, second = (expert_demonstrations(env_id, 500, seed=3) for _ in range(2))
    assert torch.equal(first.observations, second.observations)
    assert torch.equal(first.actions, second.actions)
    assert not torch.equal(first.observations, expert_demonstrations(env_id, 500, seed=4).observations)


@pytest.mark.parametrize("env_id", IDS)
def test_labels_are_the_experts_clean_actions(env_id):
    observations, actions = expert_demonstrations(env_id, 333, noise=0.5, history=2)
    assert observations.shape[0] == actions.shape[0] == 333
    assert observations.dtype == actions.dtype == torch.float32
    np.testing.assert_allclose(actions.numpy(), hover_expert(env_id)(observations.numpy()), atol=1e-6)


@pytest.mark.parametrize("env_id", IDS)
def test_noise_takes_the_expert_to_more_states(env_id):
    calm, noisy = (expert_demonstrations(env_id, 4800, noise=noise).observations for noise in (0.0, 0.5))
    settled = slice(3200, None)  # steps 100 to 150 of the first episode of each of 32 drones
    assert noisy[settled].std(0).mean() > 2 * calm[settled].std(0).mean()


def test_a_larger_draw_begins_with_the_smaller_one():
    small, labels = spike_classification(10, seed=2)
    large, more_labels = spike_classification(30, seed=2)
    assert torch.equal(large[:, :10], small)
    assert torch.equal(more_labels[:10], labels)


def test_samples_are_noisy_copies_of_one_pattern_per_class():
    spikes, labels = spike_classification(200, deletion=0.0, insertion=0.0, num_classes=3)
    assert spikes.shape == (25, 200, 32)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    for label in range(3):
        members = spikes[:, labels == label]
        assert torch.equal(members, members[:, :1].expand_as(members))
    noisy, _ = spike_classification(200, deletion=0.3, insertion=0.0, num_classes=3)
    assert (noisy.sum() / spikes.sum()).item() == pytest.approx(0.7, abs=0.02)


def test_patterns_can_be_told_apart_by_nearest_mean():
    spikes, labels = spike_classification(600)
    flat = spikes.transpose(0, 1).flatten(1)
    train, test = flat[:500], flat[500:]
    means = torch.stack([train[labels[:500] == label].mean(0) for label in range(5)])
    guessed = torch.cdist(test, means).argmin(1)
    assert (guessed == labels[500:]).double().mean() > 0.95


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: expert_demonstrations("Pendulum-v1"), "env"),
        (lambda: expert_demonstrations(num_samples=0), "num_samples"),
        (lambda: expert_demonstrations(noise=-1.0), "noise"),
        (lambda: expert_demonstrations(num_envs=0), "num_envs"),
        (lambda: expert_demonstrations(seed=-1), "seed"),
        (lambda: spike_classification(num_classes=1), "num_classes"),
        (lambda: spike_classification(deletion=1.5), "deletion"),
        (lambda: spike_classification(rate=float("nan")), "rate"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_spike_patterns_need_no_gymnasium():
    code = "import sys, snnsg_lib.tasks as t; t.spike_classification(2); assert 'gymnasium' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
