"""The layer loop of SpikingMLP and the ways between single networks and replicas: the numbers of the forward pass."""

import numpy as np
import pytest
import torch

from snnsg_lib.gradients import expected_gradient, layer_gradients
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.surrogates import ATan, FastSigmoid

SIZES = [5, 7, 6, 3]


def network(replicas=None, **changes):
    settings = {"gain": 3.0, "surrogate": FastSigmoid(5.0), "replicas": replicas, "seed": 1}
    return SpikingMLP(SIZES, 6, **{**settings, **changes})


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def squares(net, x):
    return (net(x) ** 2).sum((-2, -1))


def close(a, b):
    """Equal but for the last bits, which a product of many replicas rounds in another order than a single one."""
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    return True


def values(replicas=None, seed=0):
    """Decay or threshold of each neuron in each layer."""
    shape = () if replicas is None else (replicas,)
    generator = torch.Generator().manual_seed(seed)
    return [0.2 + 0.7 * torch.rand(*shape, size, generator=generator) for size in SIZES[1:-1]]


@pytest.mark.parametrize("replicas", [None, 3])
@pytest.mark.parametrize("sequence", [False, True])
@pytest.mark.parametrize("readout", ["rate", "membrane"])
def test_layers_and_read_out_are_the_forward_pass(replicas, sequence, readout):
    net = network(replicas, readout=readout)
    x = normal(6, 4, 5) if sequence else normal(4, 5)
    out, recording = net.sequence(x, record=True) if sequence else net(x, record=True)
    layers = net.layers(x, sequence=sequence)
    assert [spk.sum() > 0 for spk, _ in layers] == [True, True]
    for (spk, mem), *recorded in zip(layers, recording.spk, recording.mem, strict=True):
        assert all(torch.equal(a, b) for a, b in zip((spk, mem), recorded, strict=True))
    assert torch.equal(net.read_out(layers[-1][0]), out)


@pytest.mark.parametrize("replicas", [None, 3])
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_a_sequence_cut_in_two_goes_on_from_the_potentials_of_its_first_half(replicas, reset):
    net, x = network(replicas, reset_mechanism=reset), normal(6, 4, 5)
    whole = net.layers(x, sequence=True)
    half = net.layers(x[:3], sequence=True)
    rest = net.layers(x[3:], mem=[mem[-1] for _, mem in half], sequence=True)
    for (spk, mem), (later_spk, later_mem) in zip(whole, rest, strict=True):
        assert torch.equal(spk[3:], later_spk)
        assert close(mem[3:], later_mem)


def test_a_loop_that_begins_higher_up_hears_the_spikes_it_is_given():
    net, x = network(2), normal(4, 5)
    (below, _), (spk, mem) = net.layers(x)
    ((same_spk, same_mem),) = net.layers(below, sequence=True, first=1)
    assert torch.equal(spk, same_spk)
    assert torch.equal(mem, same_mem)
    assert net.layers(spk, sequence=True, first=2) == []


def test_noise_forces_and_forbids_spikes():
    net, x = network(2), normal(4, 5)
    always, never = torch.full((6, 4, 7), -torch.inf), torch.full((6, 2, 4, 6), torch.inf)
    (first, _), (second, _) = net.layers(x, noise=[always, never])
    assert first.all()
    assert not second.any()


@pytest.mark.parametrize("replicas", [None, 3])
def test_noise_drawn_ahead_is_the_noise_of_the_forward_pass(replicas):
    plain, ahead = (network(replicas, escape_noise=3.0, noise_rng=np.random.default_rng(5)) for _ in range(2))
    x = normal(4, 5)
    *_, (spk, _) = ahead.layers(x, noise=ahead.draw_noise(x))
    assert torch.equal(ahead.read_out(spk), plain(x))
    assert network().draw_noise(x) is None


def test_noise_is_shared_by_replicas_whose_thresholds_learn():
    net = network(2, escape_noise=3.0, learn_threshold=True, noise_rng=np.random.default_rng(5))
    slow = network(2, escape_noise=3.0, learn_threshold=True, noise_rng=np.random.default_rng(5))
    slow.backend = "torch"
    assert torch.equal(net(normal(4, 5)), slow(normal(4, 5)))


def test_given_spikes_pass_no_gradient():
    net, x = network(), normal(4, 5)
    for given in (False, True):
        *_, (_, mem) = net.layers(x, given=given)
        (grad,) = torch.autograd.grad(mem.sum(), [net.weights[0]], allow_unused=True)
        assert (grad is None) == given


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"mem": [torch.zeros(4, 7)]},
            "mem must be None, or a list with one tensor or None for each of 2 layers",
        ),
        ({"mem": [torch.zeros(3, 7), None]}, r"mem must have shape \(4, 7\), got \(3, 7\)"),
        ({"noise": [torch.zeros(6, 4, 6), None]}, r"noise must have shape \(6, 4, 7\), got \(6, 4, 6\)"),
        ({"noise": torch.zeros(6, 4, 7)}, "noise must be None, or a list .* got Tensor"),
    ],
)
def test_states_that_do_not_fit_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        network().layers(normal(4, 5), **changes)


@pytest.mark.parametrize("learn", [False, True])
def test_a_replica_taken_out_is_the_same_network(learn):
    surrogate = FastSigmoid(torch.tensor([1.0, 5.0, 25.0]))
    net = network(
        3, surrogate=surrogate, beta=values(3), threshold=values(seed=1), learn_beta=learn, learn_threshold=learn,
        readout="membrane", bias=not learn,
    )  # fmt: skip
    x = normal(4, 5)
    out, grads = net(x), layer_gradients(net, squares, x)
    for replica in range(3):
        one = net.replica(replica)
        assert one.replicas is None
        assert close(one(x), out[replica])
        assert all(torch.equal(w, many[replica]) for w, many in zip(one.weights, net.weights, strict=True))
        for layer, grad in layer_gradients(one, squares, x).items():
            assert close(grad, grads[layer][replica])
    with torch.no_grad():
        one.weights[0].zero_()
    assert torch.equal(net(x), out)  # a copy


def test_a_replica_keeps_a_learnt_decay_beyond_its_range():
    net = network(2, learn_beta=True)
    with torch.no_grad():
        net.betas[0].fill_(1.2)
    one = net.replica(1)
    assert one.betas[0].item() == pytest.approx(1.2)
    assert close(one(normal(4, 5)), net(normal(4, 5))[1])


def test_a_replica_hears_the_noise_that_its_network_would():
    net = network(2, escape_noise=3.0, noise_rng=np.random.default_rng(5))
    one = net.replica(0)
    assert close(one(normal(4, 5)), net(normal(4, 5))[0])


def test_differences_of_replicas_whose_one_decay_learns():
    net = network(2, learn_beta=True)
    x, targets = normal(40, 5), normal(40, 3, seed=1)

    def loss(outputs, targets):
        return ((outputs - targets) ** 2).sum(-1)

    found = expected_gradient(net, loss, x, targets, method="differences").gradient
    alone = expected_gradient(net.replica(1), loss, x, targets, method="differences").gradient
    assert all(close(grad[1], alone[layer]) for layer, grad in found.items())


def test_with_slopes_gives_each_replica_the_weights_and_a_slope_of_its_own():
    net, x, slopes = network(beta=values(), learn_beta=True, readout="membrane"), normal(4, 5), (1.0, 10.0, 100.0)
    many = net.with_slopes(slopes)
    assert many.replicas == 3
    assert many.surrogates[0] is many.surrogates[1]  # as in the network itself
    grads = layer_gradients(many, squares, x)
    for replica, slope in enumerate(slopes):
        net.surrogates[0].slope = slope
        assert close(many(x)[replica], net(x))
        for layer, grad in layer_gradients(net, squares, x).items():
            assert close(grads[layer][replica], grad)


def test_with_slopes_may_change_the_family():
    prototype = ATan(3.0, normalization="area")
    many = network().with_slopes([1.0, 2.0], prototype)
    assert all(isinstance(one, ATan) and one.normalization == "area" for one in many.surrogates)
    assert many.surrogates[0].slope.tolist() == [1.0, 2.0]
    assert prototype.slope == 3.0


def test_stacking_is_the_inverse_of_taking_replicas_out():
    net = network(3, beta=values(3), threshold=[0.5, torch.full((3, 1), 0.7)], learn_threshold=True)
    again = SpikingMLP.stacked([net.replica(replica) for replica in range(3)], net.surrogates[0])
    x = normal(4, 5)
    assert torch.equal(again(x), net(x))
    assert [tuple(threshold.shape) for threshold in again.thresholds] == [(3, 1, 1), (3, 1, 1)]
    assert again.surrogates[0] is net.surrogates[0]


def test_networks_with_numbers_that_differ_keep_them_as_replicas():
    nets = [network(beta=beta, seed=seed) for seed, beta in enumerate((0.3, 0.9))]
    x = normal(4, 5)
    stacked = SpikingMLP.stacked(nets)(x)
    assert all(close(stacked[replica], net(x)) for replica, net in enumerate(nets))


def test_double_precision_and_backend_go_along():
    net = network(2, beta=values(2)).double()
    net.backend = "torch"
    x = normal(4, 5).double()
    one = net.replica(1)
    assert one.backend == "torch"
    assert close(one(x), net(x)[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network().replica(0), "net must have replicas"),
        (lambda: network(2).replica(2), "replica must be an integer in"),
        (lambda: network(2).with_slopes([1.0]), "nets must be single networks"),
        (lambda: network().with_slopes([[1.0]]), "slopes must be a sequence of numbers"),
        (lambda: network().with_slopes([1.0, -1.0]), "slope must be finite and > 0"),
        (lambda: SpikingMLP.stacked([]), "nets must be single networks"),
        (lambda: SpikingMLP.stacked([network(), network(readout="membrane")]), "nets must be equal in readout"),
        (lambda: SpikingMLP.stacked([network(), network(bias=False)]), "nets must be equal in bias"),
    ],
)
def test_what_cannot_become_a_replica_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_foreign_surrogate_takes_no_slopes():
    with pytest.raises(TypeError, match="surrogate must be of this library"):
        network(surrogate=torch.sigmoid).with_slopes([1.0, 2.0])


def test_replicas_may_have_neurons_of_their_own():
    betas = values(3)
    net = network(3, beta=betas, seed=[4, 4, 4])
    for replica in range(3):
        alone = network(beta=[beta[replica] for beta in betas], seed=4)
        assert close(net(normal(4, 5))[replica], alone(normal(4, 5)))
    with pytest.raises(ValueError, match=r"beta must be a number or have shape \(7,\) or \(3, 7\) or \(3, 1\), got"):
        network(3, beta=torch.zeros(2, 7))
    with pytest.raises(ValueError, match=r"beta must be a number or have shape \(7,\), got"):
        network(beta=torch.zeros(3, 7))
    with pytest.raises(ValueError, match=r"beta must be finite and in \[0, 1\], got 1.5"):
        network(3, beta=[torch.full((3, 7), 1.5), 0.5])
