"""The controls of flossing: what a linear probe can read, the published test, and their figures and claims."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from snnsg_book.claims import CLAIMS
from snnsg_book.studies.flossing import epochs, figures, networks, published, stream
from snnsg_book.studies.flossing.memory import ARMS, probe
from snnsg_book.studies.flossing.tasks import GAINS, STEPS

mpl.use("Agg")
CLAIM = {claim.id: claim for claim in CLAIMS}


def test_a_linear_probe_reads_bits_but_not_their_exclusive_or():
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(0, 2, (2, 1, 600, 2), generator=generator).double() * 2 - 1
    fitted, tried = bits + 0.1 * torch.randn(bits.shape, generator=generator, dtype=torch.float64)

    def share(answer):
        return probe(fitted, answer(bits[0]), tried, answer(bits[1])).item()

    assert share(lambda bit: bit[..., 0]) == 1
    assert share(lambda bit: bit[..., 0] * bit[..., 1]) == pytest.approx(0.5, abs=0.1)


def test_arms_with_larger_weights_differ_by_the_factor_alone():
    plain = networks.build([0])
    for arm in ("gain 2", "gain", "gain 8"):
        larger = networks.build([0], gain=GAINS[arm])
        torch.testing.assert_close(larger.recurrent_weight, plain.recurrent_weight * GAINS[arm])
        torch.testing.assert_close(larger.input_weight, plain.input_weight)


def test_the_published_network_is_binary_and_answers_the_exclusive_or_of_its_stream():
    net = published.build([0, 1])
    trials = published.draw(10, 2, 30, networks.streams([0, 1], 20))
    assert trials.inputs.shape == (30, 2, 2, 1)
    bits = trials.inputs[..., 0].long()
    assert torch.equal(trials.targets, bits[5:25] ^ bits[:20])
    _, recording = net(trials.inputs, record=True)
    spk, mem = recording.spk[0], recording.mem[0]
    expected = (
        trials.inputs[1:] @ net.input_weight
        + net.input_bias.unsqueeze(1)
        + torch.einsum("trbn,rnm->trbm", spk[:-1], net.recurrent_weight)
    )
    torch.testing.assert_close(mem[1:], expected)
    assert torch.equal(spk, (mem > 1).float())


def test_each_replica_and_parameter_is_clipped_on_its_own():
    net = published.build([0, 1])
    optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
    with torch.no_grad():
        net.output_weight[1] *= 100  # a loss, and with it a gradient, far too large, in one of the two
    trials = published.draw(10, 2, 30, networks.streams([0, 1], 20))
    before = [parameter.detach().clone() for parameter in net.parameters()]
    published._train(net, optimizer, trials)
    moved = torch.stack(
        [(new.detach() - old).flatten(1).norm(dim=1) for new, old in zip(net.parameters(), before, strict=True)]
    )
    assert moved.max() <= published.LARGEST_NORM * 1.001
    assert moved[:, 1].max() == pytest.approx(published.LARGEST_NORM, rel=1e-3)


def published_runs():
    """Two arms, two delays: with flossing all is right after 3,001 steps, without it after 4,501."""
    rows = []
    for delay in (10, 18):
        for seed in range(10):
            for arm, ends in (("none", (3001, 4501)), ("flossed", (3001,))):
                for trained in (0, 1000, *ends):
                    right = (arm == "flossed" and trained == 3001) or trained == 4501
                    row = {"delay": delay, "seed": seed, "arm": arm, "epochs": 3001, "trained": trained}
                    step = trained + (1500 if arm == "flossed" and trained else 0)
                    rows.append(row | {"step": step, "accuracy": 1.0 if right else 0.5, "log_gradient": -9.0})
    return pd.DataFrame(rows)


def test_flossing_is_compared_as_published_and_at_equal_gradient_steps():
    rows = published_runs()
    rows = rows[rows.delay == 18]
    as_published, equal = (CLAIM[name].measure(rows, CLAIM[name].regimes[0]) for name in ("T41", "T42"))
    assert as_published.tolist() == [0.5] * 10
    assert equal.tolist() == [0.0] * 10


def test_published_test_is_drawn_with_both_budgets():
    axes = figures.plot_published_test(published_runs())
    none, flossed = (line.get_ydata() for line in axes[0].lines)
    assert (none.tolist(), flossed.tolist()) == ([0.5, 0.5], [1.0, 1.0])
    np.testing.assert_allclose(axes[0].collections[-1].get_offsets(), [(10.4, 1.0), (18.4, 1.0)])


def memory():
    share = {"none": 0.6, "before": 0.7, "gain 2": 0.65, "gain": 0.8, "gain 8": 0.85}
    rows = [
        {"task": task, "delay": delay, "arm": arm, "seed": seed, "step": step, "first": share[arm], "both": share[arm]}
        for task, delay in (("xor", 24), ("copy", 80))
        for arm in ARMS
        for seed in range(10)
        for step in (3, 18, 39, 63)
    ]
    return pd.DataFrame(rows)


def test_memory_and_mixing_are_differences_between_arms_by_seed():
    rows = memory()
    mixing = CLAIM["T45"].measure(rows[rows.task == "xor"], CLAIM["T45"].regimes[0])
    lasting = [CLAIM["T46"].measure(rows[rows.task == "copy"], regime) for regime in CLAIM["T46"].regimes]
    assert mixing.tolist() == pytest.approx([0.1] * 10)
    assert [differences.iloc[0] for differences in lasting] == pytest.approx([-0.1, -0.15])  # against × 4 and × 8


def test_memory_is_drawn_for_three_arms_beside_chance():
    axes = figures.plot_memory(memory())
    assert [len(ax.lines) for ax in axes] == [4, 4, 4]
    assert [line.get_ydata()[0] for line in axes[1].lines[1:]] == pytest.approx([0.6, 0.7, 0.8])


def test_memory_of_a_stream_is_drawn_against_the_lag_beside_chance():
    right = {"none": 0.9, "flossed 1": 0.8, "flossed 75": 0.7}
    rows = [
        {"arm": arm, "seed": seed, "lag": lag, "right": value - 0.1 * lag}
        for arm, value in right.items()
        for seed in range(10)
        for lag in (1, 2)
    ]
    table = pd.DataFrame(rows)
    ax = figures.plot_stream_memory(table)
    assert [line.get_ydata()[1] for line in ax.lines[1:]] == pytest.approx([0.7, 0.6, 0.5])
    assert CLAIM["T47"].measure(table, CLAIM["T47"].regimes[0]).tolist() == pytest.approx([0.2] * 10)


def test_bits_of_a_stream_are_those_of_lag_steps_before_the_spikes():
    trials = published.draw(18, 3, 40, networks.streams([0, 1], 23))
    net = published.build([0, 1])
    with torch.no_grad():  # neurons that repeat their input: the bit of this very step, and no memory
        net.recurrent_weight.zero_()
        net.input_weight.fill_(1.0)
        net.input_bias.fill_(0.5)
    spikes = stream._spikes(net, trials)
    for lag, same in ((0, True), (1, False)):
        assert torch.equal(2 * spikes[..., 0] - 1, stream._bits(trials, lag)) is same


def test_larger_weights_are_drawn_against_their_factor():
    solved = {"none": 0, "gain 2": 1, "gain": 2, "gain 8": 1, "before": 2}
    rows = [
        {"task": "copy", "delay": 45, "arm": arm, "seed": seed, "solved": seed < count}
        for arm, count in solved.items()
        for seed in (0, 1)
    ]
    (ax,) = figures.plot_larger_weights(pd.DataFrame(rows))
    flossed, larger = ax.lines
    assert flossed.get_ydata() == pytest.approx([1, 1])
    assert larger.get_xydata().tolist() == [[1, 0], [2, 0.5], [4, 1], [8, 0.5]]


def test_all_runs_of_the_explorer_end_at_a_checkpoint():
    assert all(config.steps == STEPS[config.task] for config in epochs.configs())
    assert {*STEPS.values()} <= {*epochs.CHECKPOINTS}
