"""A slope that is an nn.Parameter learns: by the derivative of the smooth spike that the backward pass pretends."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from snnsg_lib.lif import lif_scan, rlif_scan
from snnsg_lib.lyapunov import surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF, SpikingMLP
from snnsg_lib.schedulers import FixedSlope, IntervalSlope
from snnsg_lib.surrogates import FAMILIES, ATan, FastSigmoid, Triangular, find_surrogates, slope_set_to

every_family = pytest.mark.parametrize("family", FAMILIES.values())
every_normalization = pytest.mark.parametrize("normalization", ["peak", "area"])


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def learnt(*slope, dtype=torch.float64):
    """A parameter with one entry, or with several."""
    return nn.Parameter(torch.tensor(slope if len(slope) > 1 else slope[0], dtype=dtype))


@every_family
@every_normalization
@pytest.mark.parametrize("slope", [0.3, 3.0, 40.0])
def test_gradient_of_the_slope_is_that_of_the_smooth_spike(family, normalization, slope):
    surrogate, u, weights = family(learnt(slope), normalization=normalization), normal(200), normal(200, seed=1)
    (found,) = torch.autograd.grad((surrogate(u) * weights).sum(), surrogate.slope)
    step = 1e-5 * slope
    ends = [family(slope + side * step, normalization=normalization).primitive(u) for side in (1, -1)]
    terms = weights * (ends[0] - ends[1]) / (2 * step)
    assert abs(found - terms.sum()) <= 1e-6 * terms.abs().sum()
    assert found != 0


@every_family
def test_spikes_and_gradient_of_the_potential_are_those_of_a_number(family):
    u = normal(200).requires_grad_()
    one, other = family(5.0), family(learnt(5.0))
    assert torch.equal(one(u), other(u))
    assert torch.equal(*(torch.autograd.grad(s(u).sum(), u)[0] for s in (one, other)))
    assert other(u.detach().float()).dtype == torch.float32


def straight_through(family, slope, normalization):
    """The pretence spelled out: the hard step plus a smooth spike that weighs nothing."""

    def spikes(u):
        holder = family(1.0, normalization=normalization)
        k = slope
        smooth = holder.shape_primitive(k * u) / (k if normalization == "peak" else holder.shape_area)
        return (u > 0).to(u.dtype) + smooth - smooth.detach()

    return spikes


@every_family
@every_normalization
@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("detach_reset", [True, False])
def test_scans_teach_the_slope_as_autograd_through_the_pretence(family, normalization, reset, detach_reset):
    weight = 0.3 * normal(6, 6, seed=3)
    common = {"reset_mechanism": reset, "detach_reset": detach_reset}
    for run in (lif_scan, lambda x, **more: rlif_scan(x, weight.to(x.dtype), alpha=0.5, **more)):
        gradients = []
        for dtype, ours in ((torch.float64, True), (torch.float32, True), (torch.float64, False)):
            slope = learnt(2.0, 1.0, 3.0, 5.0, 4.0, 0.5, dtype=dtype)
            make = family if ours else lambda k, normalization: straight_through(family, k, normalization)
            surrogate = make(slope, normalization=normalization)
            current = (1.2 * normal(12, 4, 6)).to(dtype).requires_grad_()
            spk = run(current, surrogate=surrogate, **common)[0]
            loss = (spk * normal(12, 4, 6, seed=1, dtype=dtype)).sum()
            gradients.append(torch.autograd.grad(loss, (slope, current)))
        for found, tolerance in ((gradients[0], 1e-10), (gradients[1], 2e-5)):
            for one, other in zip(found, gradients[2], strict=True):
                assert (one - other).norm() <= tolerance * other.norm()


def test_numpy_backend_refuses_a_learnt_slope_and_serves_a_frozen_one():
    surrogate, current = FastSigmoid(learnt(5.0, dtype=torch.float32)), normal(5, 2, 3, dtype=torch.float32)
    current.requires_grad_()
    with pytest.raises(ValueError, match="whose slope is not learnt"):
        lif_scan(current, surrogate=surrogate, backend="numpy")
    surrogate.requires_grad_(False)
    assert not surrogate.learns
    frozen, number = (
        torch.autograd.grad(lif_scan(current, surrogate=s, backend="numpy")[0].sum(), current)[0]
        for s in (surrogate, FastSigmoid(5.0))
    )
    assert torch.equal(frozen, number)


def test_an_optimizer_moves_the_slope_of_each_layer_and_of_each_replica():
    layers = [FastSigmoid(learnt(2.0, 5.0, dtype=torch.float32)), Triangular(learnt(1.0, 3.0, dtype=torch.float32))]
    net = SpikingMLP([6, 10, 10, 3], 5, surrogate=layers, gain=4.0, replicas=2)
    slopes = [surrogate.slope for surrogate in find_surrogates(net)]
    assert {id(slope) for slope in slopes} <= {id(parameter) for parameter in net.parameters()}
    before = [slope.detach().clone() for slope in slopes]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(normal(8, 6, dtype=torch.float32)).square().sum().backward()
    assert all((slope.grad != 0).all() for slope in slopes)
    optimizer.step()
    for surrogate, old in zip(layers, before, strict=True):
        assert ((surrogate.slope - old).abs() > 0).all()


def test_replicas_learn_the_slopes_that_they_would_learn_alone():
    values, x = (2.0, 5.0), normal(8, 6, dtype=torch.float32)
    common = {"num_steps": 5, "gain": 3.0}
    many = SpikingMLP(
        [6, 10, 3], surrogate=ATan(learnt(*values, dtype=torch.float32)), replicas=2, seed=[0, 0], **common
    )
    (together,) = torch.autograd.grad(many(x).square().sum(), many.surrogates[0].slope)
    for replica, value in enumerate(values):
        one = SpikingMLP([6, 10, 3], surrogate=ATan(learnt(value, dtype=torch.float32)), seed=0, **common)
        (alone,) = torch.autograd.grad(one(x).square().sum(), one.surrogates[0].slope)
        assert together[replica].item() == pytest.approx(alone.item(), rel=1e-4)
        reference = many.to_snntorch(replica)
        (surrogate,) = find_surrogates(reference)
        assert surrogate.learns
        (theirs,) = torch.autograd.grad(reference(x).square().sum(), surrogate.slope)
        assert theirs.item() == pytest.approx(alone.item(), rel=1e-4)


def test_it_survives_copies_pickles_dtypes_and_state_dicts():
    surrogate = FastSigmoid(learnt(2.0, 5.0))
    assert repr(surrogate) == "FastSigmoid(slope=[2.0, 5.0], learnt)"
    for twin in (copy.deepcopy(surrogate), pickle.loads(pickle.dumps(surrogate))):
        assert twin.learns
        assert twin.slope is not surrogate.slope
        assert twin.slope.tolist() == [2.0, 5.0]
    parameter = surrogate.slope
    assert surrogate.float().slope is parameter
    assert parameter.dtype == torch.float32
    other = FastSigmoid(learnt(1.0, 1.0))
    other.load_state_dict(surrogate.state_dict())
    assert other.slope.tolist() == [2.0, 5.0]


def test_a_slope_led_below_zero_counts_as_the_smallest():
    surrogate, u = FastSigmoid(learnt(-3.0 + 4.0)), normal(50).requires_grad_()
    with torch.no_grad():
        surrogate.slope.fill_(-3.0)
    found = torch.autograd.grad(surrogate(u).sum(), (u, surrogate.slope))
    assert torch.equal(found[0], FastSigmoid(1e-6).derivative(u.detach()))
    assert found[1] == 0
    assert surrogate.half_width().item() == pytest.approx(FastSigmoid(1e-6).half_width())


def test_a_parameter_set_later_learns_and_a_number_needs_a_frozen_slope():
    surrogate, parameter = FastSigmoid(3.0), learnt(5.0)
    surrogate.slope = parameter
    assert surrogate.slope is parameter
    assert list(surrogate.parameters()) == [parameter]
    for value in (4.0, torch.tensor(4.0)):
        with pytest.raises(TypeError, match=r"slope is learnt here .*requires_grad_\(False\)"):
            surrogate.slope = value
    surrogate.slope = other = learnt(6.0)
    assert list(surrogate.parameters()) == [other]
    other.requires_grad_(False)
    surrogate.slope = 4.0
    assert surrogate.slope == 4.0
    assert list(surrogate.parameters()) == []


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_parameter_that_is_no_slope_is_refused(value):
    surrogate = FastSigmoid(3.0)
    for use in (FastSigmoid, lambda slope: setattr(surrogate, "slope", slope)):
        with pytest.raises(ValueError, match="slope must be finite and > 0"):
            use(learnt(value))
    assert surrogate.slope == 3.0


def test_a_graph_that_would_be_cut_is_refused():
    surrogate, graph = FastSigmoid(3.0), torch.tensor(1.0, requires_grad=True).exp()
    for use in (FastSigmoid, lambda slope: setattr(surrogate, "slope", slope)):
        with pytest.raises(TypeError, match=r"slope must be an nn\.Parameter to be learnt"):
            use(graph)
    with pytest.raises(TypeError, match=r"wrap it in nn\.Parameter"), slope_set_to(surrogate, graph):
        pass
    assert surrogate.slope == 3.0


def test_slope_set_to_brings_the_same_parameter_back_even_after_an_error():
    model, parameter = nn.Sequential(FastSigmoid(learnt(3.0)), ATan(4.0)), None
    parameter = model[0].slope
    with pytest.raises(ZeroDivisionError), slope_set_to(model, 100.0):  # noqa: PT012
        assert [surrogate.slope for surrogate in model] == [100.0, 100.0]
        assert not model[0].learns
        raise ZeroDivisionError
    assert model[0].slope is parameter
    assert model[0].learns
    assert model[1].slope == 4.0


def test_schedules_refuse_a_learnt_slope_and_leave_the_others_alone():
    model = nn.Sequential(ATan(4.0), FastSigmoid(learnt(3.0)))
    for make in (lambda: FixedSlope(model, 10.0), lambda: IntervalSlope(model, 1.0, 100.0, 2, 1)):
        with pytest.raises(ValueError, match=r"slopes that can be set, got FastSigmoid\(slope=3\.0, learnt\)"):
            make()
    assert model[0].slope == 4.0
    model[1].requires_grad_(False)
    FixedSlope(model, 10.0)
    assert [surrogate.slope for surrogate in model] == [10.0, 10.0]


@every_family
def test_second_derivatives_do_not_depend_on_their_order(family):
    surrogate, u = family(learnt(2.0)), (0.3 * normal(6)).requires_grad_()
    total = (surrogate(u) * normal(6, seed=1)).sum()
    by_u, by_slope = torch.autograd.grad(total, (u, surrogate.slope), create_graph=True)
    (one,) = torch.autograd.grad(by_u.sum(), surrogate.slope, retain_graph=True)
    (other,) = torch.autograd.grad(by_slope, u)
    assert one.item() == pytest.approx(other.sum().item(), rel=1e-9)
    assert one != 0


@every_family
def test_functional_transforms_reach_the_slope(family):
    surrogate, u, weights = family(learnt(2.0, 5.0)), normal(7, 2), normal(7, 2, seed=1)

    def total(slope):
        return (torch.func.functional_call(surrogate, {"slope": slope}, (u,)) * weights).sum()

    slopes = surrogate.slope.detach().clone()
    expected = (surrogate.slope_derivative(u) * weights).sum(0).detach()
    assert torch.allclose(torch.func.grad(total)(slopes), expected)
    assert torch.allclose(torch.func.jvp(total, (slopes,), (torch.ones(2).double(),))[1], expected.sum())
    stacked = torch.func.vmap(torch.func.grad(total))(torch.stack([slopes, 2 * slopes]))
    assert torch.allclose(stacked[0], expected)


class _Unmoved(RecurrentLIF):
    """Its spikes do not pretend to depend on the slope, only its tangent map does."""

    def forward(self, *arguments, **options):
        with slope_set_to(self, float(torch.as_tensor(self.surrogate.slope).detach())):
            return super().forward(*arguments, **options)


def test_exponents_teach_the_slope_by_their_true_derivative_and_the_pretence_of_the_spikes():
    inputs, step = normal(40, 2, 3), 1e-5

    def largest(slope, network=RecurrentLIF):
        net = network(3, 8, 2, surrogate=FastSigmoid(slope)).double()
        return surrogate_lyapunov_spectrum(net, inputs, 1, 5, 10, rng=np.random.default_rng(0)).sum()

    slope = learnt(3.0)
    (found,) = torch.autograd.grad(largest(slope, _Unmoved), slope)
    difference = (largest(3.0 + step) - largest(3.0 - step)).item() / (2 * step)
    assert found.item() == pytest.approx(difference, rel=1e-5)
    (both,) = torch.autograd.grad(largest(slope), slope)
    assert abs(both - found) > 0.1 * abs(found)
