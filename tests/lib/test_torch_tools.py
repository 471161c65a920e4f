"""What torch's tools do to a weight is seen by the forward pass, the snnTorch twin and the gradients alike."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from snnsg_lib.gradients import layer_gradients
from snnsg_lib.networks import RecurrentLIF, SpikingMLP


class LowRank(nn.Module):
    """A frozen weight plus a product of two thin matrices (LoRA)."""

    def __init__(self, weight):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.down = nn.Parameter(torch.randn(*weight.shape[:-1], 2, generator=generator))
        self.up = nn.Parameter(torch.randn(*weight.shape[:-2], 2, weight.shape[-1], generator=generator))

    def forward(self, weight):
        return weight.detach() + self.down @ self.up


def pruned_and_removed(module, name):
    prune.l1_unstructured(module, name, amount=0.0)
    prune.remove(module, name)


def pruned_away(module, name):
    prune.l1_unstructured(module, name, amount=1.0)
    prune.remove(module, name)


def half_pruned(module, name):
    prune.l1_unstructured(module, name, amount=0.5)


def registered_again(module, name):
    parameter = getattr(module, name)
    delattr(module, name)
    module.register_parameter(name, parameter)


def low_rank(module, name):
    parametrize.register_parametrization(module, name, LowRank(getattr(module, name)))


def weight_norm_by_hook(module, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in favour of the parametrisation, and still met
        nn.utils.weight_norm(module, name)


TOOLS = {
    "pruned and removed": pruned_and_removed,
    "pruned away": pruned_away,
    "half pruned": half_pruned,
    "registered again": registered_again,
    "low rank": low_rank,
    "weight norm": parametrizations.weight_norm,
    "weight norm by hook": weight_norm_by_hook,
    "spectral norm": parametrizations.spectral_norm,
    "spectral norm by hook": nn.utils.spectral_norm,
}
UNTOUCHED = ("pruned and removed", "registered again")  # the numbers stay
ROUNDED = ("weight norm", "weight norm by hook")  # they stay but for their last bits


def feedforward():
    return SpikingMLP([8, 8, 8, 8], 5, gain=3.0, seed=2)


def recurrent():
    return RecurrentLIF(8, 8, 8, input_gain=3.0, seed=2)


PLACES = [
    *((feedforward, lambda net, n=n: (net.weights, str(n))) for n in (0, 1, 2)),
    *(
        (recurrent, lambda net, name=name: (net, name))
        for name in ("input_weight", "recurrent_weight", "output_weight")
    ),
]


def batch_for(net):
    shape = (4, 8) if isinstance(net, SpikingMLP) else (5, 4, 8)
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def squares(net, x):
    return (net(x) ** 2).sum()


@pytest.fixture(params=TOOLS, ids=lambda name: name.replace(" ", "-"))
def tool(request):
    return request.param


@pytest.fixture(params=range(len(PLACES)))
def case(request, tool):
    """Network, its batch and the place of the weight that the tool has touched."""
    make, place = PLACES[request.param]
    net = make()
    module, name = place(net)
    with torch.random.fork_rng():
        torch.manual_seed(0)  # spectral norm begins its estimate with torch's own generator
        TOOLS[tool](module, name)
    net.eval()  # spectral norm goes on estimating while training
    return net, batch_for(net), module, name


def test_a_tool_that_changes_no_number_changes_no_output(case, tool):
    net, x, *_ = case
    plain = (feedforward if isinstance(net, SpikingMLP) else recurrent)()
    if tool in UNTOUCHED:
        assert torch.equal(net(x), plain(x))
    else:
        assert torch.allclose(net(x), plain(x), atol=1e-5) == (tool in ROUNDED)


def test_forward_and_twin_see_the_weight_that_the_tool_made(case):
    net, x, *_ = case
    torch.testing.assert_close(net.to_snntorch()(x), net(x), rtol=1e-5, atol=1e-5)


def test_gradients_are_those_of_a_plain_network_with_these_weights(case):
    net, x, *_ = case
    plain = (feedforward if isinstance(net, SpikingMLP) else recurrent)()
    net(x)
    with torch.no_grad():
        for own, made in zip(plain.weights, net.weights, strict=True):
            own.copy_(made)
    expected = layer_gradients(plain, squares, x)
    for layer, grad in layer_gradients(net, squares, x).items():
        torch.testing.assert_close(grad, expected[layer], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tool", sorted(set(TOOLS) - {"pruned away"}), indirect=True)
def test_forward_and_twin_follow_what_an_optimizer_moves(case):
    net, x, *_ = case
    before = net(x).detach()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        squares(net, x).backward()
        optimizer.step()
    twin = net.to_snntorch()
    assert not torch.equal(net(x), before)
    torch.testing.assert_close(twin(x), net(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tool", ["pruned and removed", "half pruned"])
def test_biases_are_read_by_index_too(tool):
    net, plain, x = feedforward(), feedforward(), batch_for(feedforward())
    TOOLS[tool](net.biases, "0")
    assert torch.equal(net(x), plain(x)) == (tool in UNTOUCHED)
    torch.testing.assert_close(net.to_snntorch()(x), net(x), rtol=1e-5, atol=1e-5)


def test_a_replica_of_a_pruned_network_is_pruned():
    net = SpikingMLP([8, 8, 8, 8], 5, gain=3.0, replicas=2)
    prune.random_unstructured(net.weights, "1", amount=0.5)
    one = net.replica(1)
    assert (one.weights[1] == 0).float().mean() > 0.3
    torch.testing.assert_close(one(batch_for(one)), net(batch_for(one))[1], rtol=1e-5, atol=1e-6)


def test_a_list_in_the_place_of_the_parameters_is_taken_as_it_is():
    net, plain = feedforward(), feedforward()
    weights = [2 * weight.detach() for weight in net.weights]
    del net.weights
    net.weights = weights
    with torch.no_grad():
        for own, made in zip(plain.weights, weights, strict=True):
            own.copy_(made)
    assert torch.equal(net(batch_for(net)), plain(batch_for(net)))
