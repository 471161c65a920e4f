"""Claims about the backend chosen by default: it serves whatever torch does with a network; and about surrogates."""

import functools
import math
import warnings

import numpy as np
import pytest
import torch
from snntorch import surrogate
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.flop_counter import FlopCounterMode

from snnsg_lib.lif import lif_scan, rlif_scan
from snnsg_lib.networks import RecurrentLIF, SpikingMLP
from snnsg_lib.surrogates import ATan, FastSigmoid


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


NETWORKS = {
    "mlp": (lambda: SpikingMLP([3, 8, 2], 4, gain=3.0), normal(5, 3)),
    "per neuron": (lambda: SpikingMLP([3, 8, 2], 4, beta=torch.linspace(0.2, 0.9, 8), gain=3.0), normal(5, 3)),
    "recurrent": (lambda: RecurrentLIF(3, 8, 2, input_gain=4.0), normal(4, 5, 3)),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def network(name):
    make, x = NETWORKS[name]
    return make(), x, normal(*x.shape, seed=1)


def exported(net, x):
    return torch.export.export(net, (x,)).module()


def traced(net, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that read a shape
        return torch.jit.trace(net, x)


def compiled(net, x):
    torch._dynamo.reset()
    return torch.compile(net, backend="eager")


@every_network
@pytest.mark.parametrize("record", [exported, traced, lambda net, x: make_fx(net)(x), compiled])
def test_a_recorded_network_computes_what_the_network_does_on_another_input(name, record):
    net, x, other = network(name)
    graph = record(net, x)
    assert torch.allclose(graph(other), net(other), atol=1e-5)
    assert not torch.allclose(net(x), net(other), atol=1e-3)


@every_network
def test_forward_mode_equals_reverse_mode(name):
    net, x, direction = network(name)
    with forward_ad.dual_level():
        tangent = forward_ad.unpack_dual(net(forward_ad.make_dual(x, direction))).tangent
    x = x.clone().requires_grad_()
    out = net(x)
    weights = normal(*out.shape, seed=2)
    (grad,) = torch.autograd.grad((out * weights).sum(), x)
    assert (tangent * weights).sum().item() == pytest.approx((grad * direction).sum().item(), rel=1e-3)
    assert tangent.abs().sum() > 0


@every_network
def test_fake_tensors_and_dispatch_modes_pass_through(name):
    net, x, _ = network(name)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert net(mode.from_tensor(x)).shape == net(x).shape
    with FlopCounterMode(display=False) as counter:
        assert torch.allclose(net(x), NETWORKS[name][0]()(x), atol=1e-5)
    assert counter.get_total_flops() > 0


def test_after_a_transform_the_fast_backend_is_back():
    current = normal(5, 2, 3).requires_grad_()
    with forward_ad.dual_level():
        assert "NumpyScan" not in lif_scan(current)[0].grad_fn.name()
    assert "NumpyScan" in lif_scan(current)[0].grad_fn.name()


@pytest.mark.parametrize("scan", [lif_scan, lambda x, **s: rlif_scan(x, normal(3, 3), **s)])
def test_asking_for_numpy_where_it_cannot_serve_is_refused_by_name(scan):
    with forward_ad.dual_level(), pytest.raises(ValueError, match="forward-mode differentiation"):
        scan(normal(5, 2, 3), backend="numpy")


WRONG = {
    "factory of snnTorch": (surrogate.fast_sigmoid, "fast_sigmoid.* is to be called first"),
    "another factory": (surrogate.atan, "atan.* is to be called first"),
    "half a factory": (functools.partial(surrogate.fast_sigmoid, slope=5), "cannot be called with one argument"),
    "class": (FastSigmoid, "the class FastSigmoid: make one of it"),
    "autograd function": (surrogate.FastSigmoid, "the class FastSigmoid: make one of it"),
    "returns a list": (lambda u: [u], r"a tensor of shape \(1, 1\), got \[tensor"),
    "no argument": (lambda: 1.0, "cannot be called with one argument"),
    "number": (3.0, "got 3.0"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    "use",
    [
        lambda s: lif_scan(normal(5, 2, 3), surrogate=s),
        lambda s: rlif_scan(normal(5, 2, 3), normal(3, 3), surrogate=s),
        lambda s: SpikingMLP([3, 4, 2], surrogate=s),
        lambda s: SpikingMLP([3, 4, 4, 2], surrogate=[ATan(), s]),
        lambda s: RecurrentLIF(3, 4, 2, surrogate=s),
    ],
)
def test_what_makes_surrogates_is_not_taken_for_one(wrong, use):
    given, message = WRONG[wrong]
    with pytest.raises(TypeError, match=message):
        use(given)


class OneShape(nn.Module):
    """A surrogate that can only take what it was made for."""

    def forward(self, u):
        if u.shape[-1] != 4:
            raise ValueError("four neurons")
        return FastSigmoid(5.0)(u)


@pytest.mark.parametrize(
    "given",
    [surrogate.fast_sigmoid(5), surrogate.atan(), surrogate.straight_through_estimator(), OneShape(), FastSigmoid(3.0)],
)
def test_surrogates_of_others_are_taken_and_no_random_number_is_drawn_to_find_out(given):
    before = torch.get_rng_state()
    net = SpikingMLP([3, 4, 2], surrogate=given, gain=4.0)
    assert torch.equal(torch.get_rng_state(), before)
    net(normal(5, 3)).sum().backward()
    assert math.isfinite(net.weights[0].grad.norm())


def test_a_surrogate_that_draws_leaves_the_random_state_as_it_was_when_it_is_checked():
    before = torch.get_rng_state()
    SpikingMLP([3, 4, 2], surrogate=lambda u: (u > torch.rand_like(u)).to(u.dtype))
    assert torch.equal(torch.get_rng_state(), before)
