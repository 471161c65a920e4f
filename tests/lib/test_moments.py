"""Claims about `moments_follow`: which optimizers, which noise, and nothing moved where no slope moves."""

import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from snnsg_lib.networks import SpikingMLP
from snnsg_lib.schedulers import moments_follow
from snnsg_lib.surrogates import FastSigmoid

OPTIMIZERS = {
    "SGD": {"momentum": 0.9},
    "Adam": {"amsgrad": True},
    "AdamW": {"amsgrad": True},
    "RAdam": {},
    "NAdam": {},
    "Adamax": {},
    "Adagrad": {},
    "Adadelta": {"eps": 1e-20},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "Rprop": {},
    "ASGD": {},
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)


def optimizer_of(net, name, lr=1e-12):
    return getattr(torch.optim, name)(net.parameters(), lr=lr, **OPTIMIZERS[name])


def trained(loss, optimizer, updates):
    for _ in range(updates):
        optimizer.zero_grad()
        loss().sum().backward()
        optimizer.step()


def states(optimizer):
    return [
        {key: torch.as_tensor(value).clone() for key, value in kept.items() if value is not None}
        for kept in optimizer.state.values()
    ]


def assert_equal_states(found, expected):
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


@every_optimizer
def test_every_entry_becomes_what_it_would_be_had_gradients_always_been_larger(name):
    """With a loss that was 8 times larger at every update, all that an optimizer keeps is at its scale."""
    kept = []
    for scale in (torch.tensor(8.0), torch.tensor(1.0)):
        torch.manual_seed(0)
        net, x = nn.Linear(3, 2), torch.ones(5, 3)
        optimizer = optimizer_of(net, name)

        def loss(net=net, x=x, scale=scale):
            return scale * net(x).pow(2).mean()

        trained(loss, optimizer, 4)
        with moments_follow(optimizer, loss):
            scale.fill_(8.0)
        kept.append(states(optimizer))
    for always, once in zip(*kept, strict=True):
        for key in always:
            torch.testing.assert_close(once[key], always[key], rtol=1e-4, atol=1e-9, msg=lambda m, k=key: f"{k}: {m}")


class Noisy(nn.Module):
    """Dropout, a normalisation, and draws of NumPy and Python."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(0.5), nn.Linear(20, 1))
        self.rng = np.random.default_rng(0)

    def forward(self, x):
        return self.layers(x * torch.from_numpy(self.rng.uniform(0.5, 1.5, 4)).float()) * random.random()


def noisy_cases():
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
    spiking = SpikingMLP([4, 16, 16, 1], 4, surrogate=FastSigmoid(5.0), gain=3.0, escape_noise=3.0)
    replicas = SpikingMLP([4, 16, 1], 4, surrogate=FastSigmoid(5.0), gain=3.0, escape_noise=3.0, replicas=2)
    dropout = Noisy()
    return {
        "escape noise": (spiking, lambda: spiking(x).square().mean()),
        "replicas": (replicas, lambda: replicas(x).square().mean(dim=(1, 2))),
        "dropout": (dropout, lambda: dropout(x).square().mean()),
        "globals": (GLOBAL_NET, global_loss),
        "in an object": (dropout, Learner(dropout, x).loss),
    }


GLOBAL_NET = SpikingMLP([4, 16, 1], 4, gain=3.0, escape_noise=3.0)


def global_loss():
    return GLOBAL_NET(torch.ones(8, 4)).square().mean()


class Learner:
    def __init__(self, net, x):
        self.policy, self.x, self.rng = {"net": net}, x, np.random.default_rng(3)

    def loss(self):
        rows = torch.from_numpy(self.rng.permutation(len(self.x))[:16])
        return self.policy["net"](self.x[rows]).square().mean()


@pytest.mark.parametrize("case", ["escape noise", "replicas", "dropout", "globals", "in an object"])
@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop"])
def test_where_nothing_moves_no_bit_of_the_moments_moves_and_draws_go_on(case, name):
    torch.manual_seed(0)
    net, loss = noisy_cases()[case]
    optimizer = optimizer_of(net, name)
    trained(loss, optimizer, 2)
    before, buffers = states(optimizer), [b.clone() for b in net.buffers()]
    rngs = [value for value in vars(net).values() if isinstance(value, np.random.Generator)]
    draws = [rng.bit_generator.state for rng in rngs], torch.get_rng_state().tolist(), random.getstate()
    with moments_follow(optimizer, loss):
        pass
    assert_equal_states(states(optimizer), before)
    assert ([rng.bit_generator.state for rng in rngs], torch.get_rng_state().tolist(), random.getstate()) == draws
    assert all(torch.equal(a, b) for a, b in zip(net.buffers(), buffers, strict=True))


def test_draws_inside_the_block_are_kept_and_do_not_reach_the_measurement():
    net, loss = noisy_cases()["dropout"]
    optimizer = optimizer_of(net, "Adam")
    trained(loss, optimizer, 2)
    before = states(optimizer)
    torch.manual_seed(5)
    with moments_follow(optimizer, loss):
        drawn = torch.rand(3), net.rng.random()
    follows = torch.rand(1)
    assert_equal_states(states(optimizer), before)
    torch.manual_seed(5)
    assert torch.equal(drawn[0], torch.rand(3))
    assert torch.equal(follows, torch.rand(1))


def test_a_slope_that_moves_is_followed_under_noise():
    net, loss = noisy_cases()["escape noise"]
    optimizer = optimizer_of(net, "Adam")
    trained(loss, optimizer, 3)
    before = [kept["exp_avg_sq"].norm() for kept in states(optimizer)]
    with moments_follow(optimizer, loss):
        net.surrogates[0].slope = 50.0
    after = [kept["exp_avg_sq"].norm() for kept in states(optimizer)]
    layers = dict(zip([name for name, _ in net.named_parameters()], zip(before, after, strict=True), strict=True))
    first, last = layers["weights.0"], layers["weights.2"]
    assert first[1] < 0.1 * first[0]
    assert last[1] == last[0]


def test_a_loss_that_differs_when_called_again_is_refused():
    net, draw = nn.Linear(2, 1), iter(range(1, 100))
    optimizer = optimizer_of(net, "Adam")
    x = torch.ones(4, 2)
    with (
        pytest.raises(ValueError, match="loss must return the same when called again"),
        moments_follow(optimizer, lambda: net(next(draw) * x).square().mean()),
    ):
        pass


class Lion(torch.optim.Optimizer):
    def __init__(self, params):
        super().__init__(params, {})


class Remembering(torch.optim.Adam):
    """Adam that keeps something of its own."""


@pytest.mark.parametrize("make", [Lion, torch.optim.LBFGS, torch.optim.Adafactor])
def test_optimizers_whose_memory_is_not_known_are_refused_by_name(make):
    net = nn.Linear(2, 1)
    optimizer = make(net.parameters())
    with pytest.raises(TypeError, match=f"got {make.__name__}"), moments_follow(optimizer, lambda: net.weight.sum()):
        pass


def test_a_derived_optimizer_is_taken_for_its_kind_unless_it_keeps_more():
    net = nn.Linear(2, 1)

    def loss():
        return net(torch.ones(3, 2)).square().mean()

    optimizer = Remembering(net.parameters())
    trained(loss, optimizer, 2)
    with moments_follow(optimizer, loss):
        pass
    optimizer.state[net.weight]["trust"] = torch.ones(1)
    with pytest.raises(ValueError, match="got Remembering with trust too"), moments_follow(optimizer, loss):
        pass


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda net: net.weight, r"shape \(1, 2\)"),
        (lambda net: 3.0, "got float"),
        (lambda net: torch.ones(()), "depends on the parameters"),
    ],
)
def test_what_is_not_a_loss_is_refused(loss, message):
    net = nn.Linear(2, 1)
    optimizer = optimizer_of(net, "Adam")
    with pytest.raises(ValueError, match=message), moments_follow(optimizer, lambda: loss(net)):
        pass


def test_frozen_parameters_are_left_out_and_an_optimizer_of_none_else_refused():
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    net[0].requires_grad_(False)
    optimizer = optimizer_of(net, "Adam")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with moments_follow(optimizer, lambda: net(torch.ones(3, 2)).square().mean()):
            pass
    net.requires_grad_(False)
    with pytest.raises(ValueError, match="none with requires_grad"), moments_follow(optimizer, lambda: torch.ones(())):
        pass


def test_moments_of_sparse_gradients_follow():
    embedding, scale = nn.Embedding(5, 3, sparse=True), torch.tensor(1.0)
    optimizer = torch.optim.SparseAdam(list(embedding.parameters()), lr=1e-12)

    def loss():
        return scale * embedding(torch.tensor([0, 1, 1])).square().sum()

    trained(loss, optimizer, 2)
    (before,) = states(optimizer)
    with moments_follow(optimizer, loss):
        scale.fill_(4.0)
    (after,) = states(optimizer)
    assert torch.allclose(after["exp_avg"], 4 * before["exp_avg"])
    assert torch.allclose(after["exp_avg_sq"], 16 * before["exp_avg_sq"])
