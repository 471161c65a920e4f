"""Tasks: equal seeds give equal data, and the data are what their docstrings say."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from snnsg_lib.envs.experts import hover_expert
from snnsg_lib.tasks import delayed_copy, delayed_xor, expert_demonstrations, spike_classification

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


both_delayed = pytest.mark.parametrize("task", [delayed_copy, delayed_xor])


def test_one_shot_copy_asks_for_the_cue_after_the_delay():
    trials = delayed_copy(50, 20)
    assert trials.inputs.shape == (23, 50, 2)
    assert trials.inputs.dtype == torch.float32
    assert trials.targets.shape == (3, 50)
    assert torch.equal(trials.inputs[:3, :, 1].long(), trials.targets)
    assert torch.equal(trials.inputs[:3].sum(-1), torch.ones(3, 50))
    assert trials.inputs[3:].count_nonzero() == 0
    assert 10 < trials.targets[0].sum() < 40


def test_one_shot_xor_asks_for_the_parity_of_two_cues_half_a_delay_apart():
    trials = delayed_xor(50, 20, pulse=2)
    assert trials.inputs.shape == (22, 50, 2)
    cues = [trials.inputs[first : first + 2, :, 1].long() for first in (0, 10)]
    assert torch.equal(trials.targets, cues[0] ^ cues[1])
    shown = trials.inputs.sum(-1)[:, 0]
    assert shown.nonzero().flatten().tolist() == [0, 1, 10, 11]


def test_streaming_asks_at_every_step_for_the_bits_of_long_ago():
    copy, xor = (task(8, 6, streaming=True, num_steps=30) for task in (delayed_copy, delayed_xor))
    for trials in (copy, xor):
        assert trials.inputs.shape == (30, 8, 2)
        assert trials.targets.shape == (24, 8)
        assert torch.equal(trials.inputs.sum(-1), torch.ones(30, 8))
    bits = copy.inputs[..., 1].long()
    assert torch.equal(copy.targets, bits[:24])
    bits = xor.inputs[..., 1].long()
    assert torch.equal(xor.targets, bits[:24] ^ bits[3:27])
    assert delayed_copy(8, 6, streaming=True).inputs.shape[0] == 12


@both_delayed
@pytest.mark.parametrize("streaming", [False, True])
def test_delayed_trials_follow_from_their_generator(task, streaming):
    settings = {"streaming": streaming, "noise": 0.2}
    first, again, other = (task(16, 12, rng=rng, **settings) for rng in (3, np.random.default_rng(3), 4))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)
    stacked = task(16, 12, rng=[4, 3], **settings)
    assert torch.equal(stacked.inputs[:, 1], first.inputs)
    assert torch.equal(stacked.targets[:, 0], other.targets)


@both_delayed
def test_delayed_noise_has_its_standard_deviation_and_changes_no_answer(task):
    calm, noisy = (task(200, 20, noise=noise) for noise in (0.0, 0.3))
    assert torch.equal(calm.targets, noisy.targets)
    assert (noisy.inputs - calm.inputs).std().item() == pytest.approx(0.3, rel=0.05)


def test_delayed_loss_and_accuracy_look_at_the_asked_steps_alone():
    trials = delayed_copy(6, 10)
    right = torch.nn.functional.one_hot(trials.targets, 2).float()
    outputs = torch.cat([torch.randn(10, 6, 2), 4 * right])
    assert trials.accuracy(outputs) == 1
    assert trials.accuracy(-outputs) == 0
    expected = torch.nn.functional.cross_entropy(outputs[-3:].flatten(0, 1), trials.targets.flatten())
    assert trials.loss(outputs).item() == pytest.approx(expected.item(), rel=1e-6)
    shared = torch.stack([outputs, -outputs], dim=1)
    assert trials.accuracy(shared).tolist() == [1, 0]
    assert trials.loss(shared)[0].item() == pytest.approx(expected.item(), rel=1e-6)
    stacked = delayed_copy(6, 10, rng=[0, 1])
    assert torch.equal(stacked.loss(shared)[0], trials.loss(outputs))


@both_delayed
def test_an_array_of_seeds_is_the_list_of_them(task):
    array, listed = (task(4, 6, rng=rng) for rng in (np.array([2, 5]), [2, 5]))
    assert torch.equal(array.inputs, listed.inputs)
    assert torch.equal(array.targets, listed.targets)


def outputs_with(value):
    outputs = torch.zeros(23, 4, 2)
    outputs[-1, 2, 1] = value
    return outputs


@pytest.mark.parametrize("measure", ["loss", "accuracy"])
@pytest.mark.parametrize(
    ("outputs", "error", "message"),
    [
        (outputs_with(float("nan")), ValueError, "outputs must be finite, got 1 NaN or Inf where asked"),
        (outputs_with(float("inf")), ValueError, "outputs must be finite, got 1 NaN or Inf where asked"),
        (torch.zeros(23, 4, 3), ValueError, r"outputs must have shape \(23, \[replicas,\] 4, 2\).*\(23, 4, 3\)"),
        (torch.zeros(23, 4, 1), ValueError, r"outputs must have shape .*got \(23, 4, 1\)"),
        (torch.zeros(23, 5, 2), ValueError, r"outputs must have shape .*got \(23, 5, 2\)"),
        (torch.zeros(22, 4, 2), ValueError, r"outputs must have shape .*got \(22, 4, 2\)"),
        (torch.zeros(23, 2), ValueError, r"outputs must have shape .*got \(23, 2\)"),
        (torch.zeros(23, 1, 1, 4, 2), ValueError, r"outputs must have shape .*got \(23, 1, 1, 4, 2\)"),
        (torch.zeros(23, 4, 2).long(), TypeError, "outputs must be a floating-point tensor, got torch.int64"),
        ([0.0], TypeError, "outputs must be a floating-point tensor, got list"),
    ],
)
def test_outputs_that_do_not_answer_the_trials_are_refused(measure, outputs, error, message):
    with pytest.raises(error, match=message):
        getattr(delayed_copy(4, 20), measure)(outputs)


@pytest.mark.parametrize("shape", [(23, 4, 2), (23, 3, 4, 2)])
def test_trials_of_two_replicas_are_not_answered_by_one_or_three(shape):
    with pytest.raises(ValueError, match=r"outputs must have shape \(23, 2, 4, 2\)"):
        delayed_copy(4, 20, rng=[0, 1]).loss(torch.zeros(shape))


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
        (lambda: delayed_copy(0), "num_samples must be an integer >= 1, got 0"),
        (lambda: delayed_copy(4, 0), "delay must be an integer >= 1, got 0"),
        (lambda: delayed_copy(4, 10, pulse=11), r"pulse must be an integer in \[1, 10\], got 11"),
        (lambda: delayed_xor(4, 10, pulse=6), r"pulse must be an integer in \[1, 5\], got 6"),
        (lambda: delayed_xor(4, 7), "delay must be even.*got 7"),
        (lambda: delayed_copy(noise=-0.1), "noise must be finite and >= 0, got -0.1"),
        (lambda: delayed_copy(num_steps=50), "num_steps must be None for one-shot.*got 50"),
        (lambda: delayed_copy(4, 10, streaming=True, num_steps=10), "num_steps must be an integer >= 11, got 10"),
        (lambda: delayed_copy(streaming=True, pulse=-5), "pulse must be an integer >= 1, got -5"),
        (lambda: delayed_copy(rng=[]), r"rng must hold at least one Generator or integer.*got \[\]"),
        (lambda: delayed_copy(rng=[3, -1]), "rng must be an integer >= 0, got -1"),
        (lambda: delayed_copy(rng=-1), "rng must be an integer >= 0, got -1"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rng": "seed"}, "rng must be a numpy.random.Generator or an integer.*'seed'"),
        ({"rng": None}, "rng must be .*None"),
        ({"rng": b"ab"}, "rng must be .*b'ab'"),
        ({"rng": np.array([1.5])}, "rng must be .*1.5"),
        ({"streaming": 1}, "streaming must be True or False, got 1"),
        ({"delay": 2.5}, "delay must be an integer >= 2, got 2.5"),
    ],
)
def test_delayed_arguments_of_a_wrong_type_are_named(settings, message):
    with pytest.raises(TypeError, match=message):
        delayed_xor(**settings)


def test_spike_patterns_need_no_gymnasium():
    code = "import sys, snnsg_lib.tasks as t; t.spike_classification(2); assert 'gymnasium' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
