"""Networks against their snnTorch references, replicas against single networks, rates, records and settings."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import snntorch as snn
import torch

from snnsg_lib.networks import DeadLayerWarning, RecurrentLIF, SpikingMLP, scale_to_rate
from snnsg_lib.surrogates import ATan, FastSigmoid, Triangular, slope_set_to

RESETS = ("subtract", "zero", "none")
every_reset = pytest.mark.parametrize("reset", RESETS)


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


def relative_error(found, expected):
    return ((found.double() - expected.double()).norm() / (expected.double().norm() + 1e-30)).item()


def weight_gradients(net, out, weights=None):
    (out * normal(*out.shape, seed=9)).sum().backward()
    return [weight.grad for weight in (net.weights if weights is None else weights)]


@every_reset
@pytest.mark.parametrize("readout", ["rate", "membrane"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("static", [True, False])
def test_mlp_equals_its_snntorch_reference(reset, readout, bias, static):
    net = SpikingMLP([12, 40, 30, 4], 6, reset_mechanism=reset, readout=readout, bias=bias, gain=3.0, seed=3)
    reference = net.to_snntorch()
    x = normal(8, 12) if static else normal(6, 8, 12)
    out, expected = (net(x), reference(x)) if static else (net.sequence(x), reference.sequence(x))
    assert out.shape == (8, 4)
    assert torch.allclose(out, expected, rtol=1e-5, atol=1e-5)
    expected_grads = weight_gradients(reference, expected, [linear.weight for linear in reference.linears])
    for found, grad in zip(weight_gradients(net, out), expected_grads, strict=True):
        assert relative_error(found, grad.T) <= 5e-6


def test_sequence_of_equal_inputs_equals_static_input():
    net, x = SpikingMLP([12, 40, 40, 4], 5, gain=3.0), normal(8, 12)
    assert torch.equal(net(x), net.sequence(x.expand(5, 8, 12)))
    assert not torch.equal(net(x), net.sequence(x.expand(6, 8, 12)))


@pytest.mark.parametrize("num_steps", [1, 4])
@pytest.mark.parametrize("per_neuron", [False, True])
def test_replica_equals_the_single_network_of_its_seed(num_steps, per_neuron):
    beta = torch.linspace(0.5, 0.95, 20) if per_neuron else 0.9
    settings = {"num_steps": num_steps, "gain": 3.0, "learn_beta": True, "learn_threshold": True, "beta": beta}
    stacked = SpikingMLP([6, 20, 20, 3], replicas=3, seed=[5, 1, 8], surrogate=FastSigmoid(10.0), **settings)
    x = normal(3, 7, 6)
    out = stacked(x)
    (out * normal(7, 3, seed=9)).sum().backward()
    for replica, seed in enumerate([5, 1, 8]):
        single = SpikingMLP([6, 20, 20, 3], seed=seed, surrogate=FastSigmoid(10.0), **settings)
        assert torch.equal(single.weights[0], stacked.weights[0][replica])
        one = single(x[replica])
        assert torch.allclose(one, out[replica], rtol=1e-5, atol=1e-6)
        (one * normal(7, 3, seed=9)).sum().backward()
        for mine, theirs in zip(single.parameters(), stacked.parameters(), strict=True):
            found = theirs.grad[replica].reshape(mine.shape)
            assert torch.allclose(found, mine.grad, rtol=2e-4, atol=2e-5)


def test_replicas_take_one_slope_each():
    slopes = torch.tensor([1.0, 10.0, 100.0])
    stacked = SpikingMLP([6, 20, 20, 3], replicas=3, seed=[4, 4, 4], gain=3.0, surrogate=FastSigmoid(slopes))
    x = normal(7, 6)
    stacked(x).square().sum().backward()
    for replica, slope in enumerate(slopes.tolist()):
        single = SpikingMLP([6, 20, 20, 3], seed=4, gain=3.0, surrogate=FastSigmoid(slope))
        single(x).square().sum().backward()
        assert relative_error(stacked.weights[0].grad[replica], single.weights[0].grad) <= 1e-5
    sizes = stacked.weights[0].grad.flatten(1).norm(dim=1)
    assert sizes[0] > sizes[1] > sizes[2]
    assert stacked.to_snntorch(2).neurons[0].spike_grad.slope == 100.0


def test_replicas_differ_only_through_their_seeds():
    stacked = SpikingMLP([6, 20, 3], replicas=2, seed=7)
    assert torch.equal(stacked.weights[0][1], SpikingMLP([6, 20, 3], seed=8).weights[0])
    other_place = SpikingMLP([6, 20, 3], replicas=3, seed=[1, 8, 7])
    assert torch.equal(other_place.weights[1][1], stacked.weights[1][1])


def test_shared_input_equals_the_same_input_for_every_replica():
    stacked, x, sequence = SpikingMLP([6, 20, 3], replicas=3, gain=3.0), normal(7, 6), normal(4, 7, 6)
    assert torch.equal(stacked(x), stacked(x.expand(3, 7, 6)))
    assert torch.equal(stacked.sequence(sequence), stacked.sequence(sequence.unsqueeze(1).expand(4, 3, 7, 6)))


@pytest.mark.parametrize("replicas", [None, 2])
def test_mlp_of_float64_and_double_backward(replicas):
    net = SpikingMLP([6, 10, 3], surrogate=ATan(2.0), gain=3.0, replicas=replicas).double()
    x = normal(5, 6).double().requires_grad_()
    (first,) = torch.autograd.grad(net(x).square().sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    assert second.abs().sum() > 0
    single = SpikingMLP([6, 10, 3], surrogate=ATan(2.0), gain=3.0, replicas=replicas)
    assert torch.allclose(single(x.float()), net(x).float(), atol=1e-5)
    single.backend = "torch"
    torch.autograd.grad(torch.autograd.grad(single(x.float()).sum(), x, create_graph=True)[0].sum(), x)


def test_surrogates_are_held_never_copied():
    first, second = FastSigmoid(10.0), Triangular(2.0)
    net = SpikingMLP([6, 10, 10, 3], surrogate=[first, second])
    assert net.surrogates[0] is first
    assert net.surrogates[1] is second
    assert net.to_snntorch().neurons[0].spike_grad is first
    shared = SpikingMLP([6, 10, 10, 3], surrogate=first)
    assert shared.surrogates[0] is shared.surrogates[1] is first
    with slope_set_to(net, 50.0):
        assert first.slope == second.slope == 50.0
    assert (first.slope, second.slope) == (10.0, 2.0)
    recurrent = RecurrentLIF(3, 10, 2, surrogate=first)
    assert recurrent.surrogate is first


def test_slope_lists_act_on_their_own_layer():
    grads = []
    for slopes in ((1.0, 1.0), (50.0, 1.0)):
        net = SpikingMLP([6, 30, 30, 3], surrogate=[FastSigmoid(slope) for slope in slopes], gain=3.0)
        net(normal(8, 6)).square().sum().backward()
        grads.append([weight.grad for weight in net.weights])
    assert torch.equal(grads[0][1], grads[1][1])
    assert grads[0][0].norm() > grads[1][0].norm()


@pytest.mark.parametrize(
    "make", [lambda: SpikingMLP([6, 10, 3], learn_beta=True), lambda: RecurrentLIF(6, 10, 3, beta=torch.rand(10))]
)
def test_networks_copy_pickle_and_print_after_a_forward(make):
    net = make()
    x = normal(4, 5, 6)
    run = net.sequence if isinstance(net, SpikingMLP) else net
    out = run(x)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal((twin.sequence if isinstance(twin, SpikingMLP) else twin)(x), out)
        twin_surrogate = twin.surrogates[0] if isinstance(twin, SpikingMLP) else twin.surrogate
        with slope_set_to(twin, 77.0):
            assert twin_surrogate.slope == 77.0
    assert "slope=10.0" in repr(net)
    twin = make()
    twin.load_state_dict(net.state_dict())
    assert torch.equal(run(x), out)


def test_forward_carries_no_state_over():
    net, x = SpikingMLP([6, 30, 30, 3], gain=3.0), normal(8, 6)
    first = net(x)
    net(normal(5, 6, seed=3))
    assert torch.equal(net(x), first)


def test_snntorch_keeps_no_reference_alive():
    before = len(snn.SpikingNeuron.instances)
    SpikingMLP([6, 10, 3]).to_snntorch()
    RecurrentLIF(3, 10, 2).to_snntorch()
    assert len(snn.SpikingNeuron.instances) == before


@pytest.mark.parametrize("replicas", [None, 2])
def test_recording_holds_every_hidden_layer_with_its_graph(replicas):
    net = SpikingMLP([6, 10, 12, 3], 5, gain=3.0, replicas=replicas)
    out, recording = net(normal(7, 6), record=True)
    middle = () if replicas is None else (replicas,)
    assert [block.shape for block in recording.spk] == [(5, *middle, 7, 10), (5, *middle, 7, 12)]
    assert torch.equal(recording.spk[1], (recording.mem[1] > 1.0).float())
    assert torch.equal(out, net(normal(7, 6)))
    recording.spk[0].sum().backward()
    assert net.weights[0].grad.abs().sum() > 0
    rates = net.firing_rates(normal(7, 6))
    expected = recording.spk[1].mean(dim=(0, -2, -1))
    assert torch.allclose(torch.as_tensor(rates[1]), expected)


@pytest.mark.parametrize("replicas", [None, 3])
@pytest.mark.parametrize("rate", [0.05, 0.15, 0.4])
@pytest.mark.parametrize("sequence", [False, True])
def test_scale_to_rate_wakes_every_layer(replicas, rate, sequence):
    net = SpikingMLP([12, 64, 64, 64, 64, 4], 5, replicas=replicas)
    x = normal(5, 50, 12) if sequence else normal(50, 12)
    with pytest.warns(DeadLayerWarning, match=r"layer 3 is dead.*firing rate 0\.0"):
        net.firing_rates(x, sequence)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gains = scale_to_rate(net, x, rate, sequence=sequence)
        rates = net.firing_rates(x, sequence)
    assert list(gains) == [0, 1, 2, 3]
    for layer in range(4):
        assert torch.as_tensor(rates[layer]).sub(rate).abs().max() < 0.01


def test_warning_names_layer_rate_and_replicas():
    net = SpikingMLP([6, 20, 20, 3], replicas=3, gain=3.0)
    with torch.no_grad():
        net.weights[1][2] = 0.0
        net.biases[1][2] = -1.0
    with pytest.warns(DeadLayerWarning, match=r"layer 1 is dead in replicas \[2\]: firing rate 0\.00000"):
        net.firing_rates(normal(50, 6))


def test_scale_to_rate_warns_where_no_gain_helps():
    net = SpikingMLP([6, 20, 3])
    with torch.no_grad():
        net.weights[0].fill_(0.0)
        net.biases[0].fill_(-1.0)
    with pytest.warns(DeadLayerWarning, match="layer 0"):
        scale_to_rate(net, normal(8, 6))


def test_initial_weights_are_uniform_within_the_bound_of_linear():
    net = SpikingMLP([100, 400, 400, 4], gain=[2.0, 3.0], seed=1)
    for layer, bound in enumerate((2 / 10, 3 / 20, 1 / 20)):
        weight = net.weights[layer].detach()
        assert weight.shape == (net.sizes[layer], net.sizes[layer + 1])
        assert weight.abs().max() <= bound
        assert weight.std() == pytest.approx(bound / 3**0.5, rel=0.05)
    recurrent = RecurrentLIF(5, 400, 2, gain=1.7, seed=1).recurrent_weight
    assert recurrent.std().item() == pytest.approx(1.7 / 20, rel=0.02)


def test_learnt_beta_and_threshold_are_clamped_to_their_range():
    net = SpikingMLP([6, 20, 20, 3], learn_beta=True, learn_threshold=True, gain=3.0)
    x = normal(8, 6)
    with torch.no_grad():
        net.betas[0].fill_(1.7)
        net.thresholds[0].fill_(-3.0)
    out = net(x)
    assert torch.isfinite(out).all()
    out.square().sum().backward()
    assert net.betas[0].grad == 0
    assert net.thresholds[0].grad == 0
    assert net.betas[1].grad != 0
    assert net.thresholds[1].grad != 0


def test_one_adam_step_on_replicas_is_one_step_on_each():
    stacked = SpikingMLP([6, 20, 3], replicas=2, gain=3.0, seed=[3, 4])
    singles = [SpikingMLP([6, 20, 3], gain=3.0, seed=seed) for seed in (3, 4)]
    x = normal(8, 6)
    for net in (stacked, *singles):
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
        net(x).square().sum().backward()
        optimizer.step()
    for replica, single in enumerate(singles):
        assert torch.allclose(stacked.weights[1][replica], single.weights[1], atol=1e-5)


RECURRENT = {
    "RLeaky": {},
    "RSynaptic": {"alpha": 0.8},
    "zero": {"reset_mechanism": "zero"},
    "synaptic zero": {"alpha": 0.8, "reset_mechanism": "zero"},
    "binary": {"beta": 0.0, "reset_mechanism": "none"},
    "scaled": {"current_scale": 0.3, "gain": 3.0},
    "rate": {"readout": "rate"},
    "per neuron": {"beta": torch.linspace(0.3, 0.95, 20), "threshold": torch.linspace(0.5, 1.5, 20)},
}


@pytest.mark.parametrize("kind", RECURRENT)
def test_recurrent_equals_its_snntorch_reference(kind):
    net = RecurrentLIF(3, 20, 2, input_gain=4.0, surrogate=FastSigmoid(5.0), **RECURRENT[kind])
    reference, x = net.to_snntorch(), normal(25, 6, 3)
    out, expected = net(x), reference(x)
    assert out.shape == (25, 6, 2)
    assert torch.allclose(out, expected, atol=1e-4)
    found = torch.autograd.grad(out.square().sum(), [net.recurrent_weight, net.input_weight])
    theirs = torch.autograd.grad(expected.square().sum(), [reference.neuron.recurrent.weight, reference.input.weight])
    for mine, other in zip(found, theirs, strict=True):
        assert relative_error(mine, other.T * net.current_scale) <= 1e-4
    assert 0.005 < net.firing_rates(x)[0] < 0.95


@pytest.mark.parametrize("kind", ["RLeaky", "synaptic zero", "per neuron"])
def test_recurrent_replica_equals_the_single_network_of_its_seed(kind):
    settings = {"input_gain": 4.0, **RECURRENT[kind]}
    stacked = RecurrentLIF(
        3, 20, 2, replicas=2, seed=[6, 9], surrogate=FastSigmoid(torch.tensor([3.0, 8.0])), **settings
    )
    x = normal(15, 4, 3)
    out = stacked(x)
    assert out.shape == (15, 2, 4, 2)
    out.sum().backward()
    for replica, (seed, slope) in enumerate(((6, 3.0), (9, 8.0))):
        single = RecurrentLIF(3, 20, 2, seed=seed, surrogate=FastSigmoid(slope), **settings)
        assert torch.equal(single.recurrent_weight, stacked.recurrent_weight[replica])
        one = single(x)
        assert torch.allclose(one, out[:, replica], atol=1e-4)
        one.sum().backward()
        assert relative_error(stacked.recurrent_weight.grad[replica], single.recurrent_weight.grad) <= 1e-4
        assert torch.allclose(stacked.to_snntorch(replica)(x), one, atol=1e-4)


def test_recurrent_state_begins_where_told():
    net, x = RecurrentLIF(3, 20, 2, alpha=0.7, input_gain=4.0), normal(12, 4, 3)
    _, whole = net(x, record=True)
    _, rest = net(x[5:], record=True, mem=whole.mem[0][4], syn=whole.syn[0][4])
    assert torch.equal(rest.spk[0], whole.spk[0][5:])
    start = torch.zeros(4, 20, requires_grad=True)
    (gradient,) = torch.autograd.grad(net(x, mem=start)[-1].sum(), start)
    assert gradient.abs().sum() > 0


def test_bias_range_sets_the_input_bias_and_nothing_else():
    plain, ranged = (RecurrentLIF(3, 200, 2, seed=4, bias_range=span) for span in (None, (0.5, 2.0)))
    for name, weight in plain.named_parameters():
        assert torch.equal(weight, dict(ranged.named_parameters())[name]) == (name != "input_bias")
    assert ranged.input_bias.min() >= 0.5
    assert ranged.input_bias.max() <= 2.0
    assert ranged.input_bias.mean().item() == pytest.approx(1.25, abs=0.1)


def test_input_current_is_what_a_network_without_recurrence_integrates():
    net, x = RecurrentLIF(3, 20, 2, beta=0.0, gain=0.0, reset_mechanism="none", current_scale=0.4), normal(5, 4, 3)
    _, recording = net(x, record=True)
    assert torch.allclose(net.input_current(x), recording.mem[0], atol=1e-6)


def test_attached_reset_to_zero_runs_in_recurrent_networks():
    net = RecurrentLIF(3, 20, 2, reset_mechanism="zero", detach_reset=False, input_gain=4.0)
    net(normal(10, 4, 3)).sum().backward()
    assert torch.isfinite(net.recurrent_weight.grad).all()


def test_a_spiking_network_learns():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((64, 4))).float()
    target = (x[:, :1] * x[:, 1:2] > 0).float()
    net = SpikingMLP([4, 48, 48, 1], 8, surrogate=FastSigmoid(5.0))
    scale_to_rate(net, x, 0.2)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    losses = []
    for _ in range(80):
        optimizer.zero_grad()
        loss = (net(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
