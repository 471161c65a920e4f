"""Surrogates: right in value, in both float types, under every transform, and at home in snnTorch."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest
import snntorch as snn
import torch
from family_formulas import FORMULAS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnsg_lib.surrogates import FAMILIES, ATan, FastSigmoid, Surrogate, find_surrogates, slope_set_to

NORMALIZATIONS = ("peak", "area")

every_family = pytest.mark.parametrize("family", FAMILIES.values())
every_normalization = pytest.mark.parametrize("normalization", NORMALIZATIONS)


def expected_derivative(surrogate, u):
    shape, area = FORMULAS[type(surrogate).__name__]
    peak = 1.0 if surrogate.normalization == "peak" else surrogate.slope / area
    return peak * shape(surrogate.slope * u), peak


potentials = arrays(np.float64, 100, elements=st.floats(-1e4, 1e4), fill=st.nothing())
slopes = st.floats(math.log(1e-3), math.log(1e4)).map(math.exp)


@every_family
@settings(max_examples=100, deadline=None)
@given(u=potentials, slope=slopes)
def test_derivative_is_finite_even_nonnegative_and_accurate(family, u, slope):
    """P6: 100 examples of 100 points for each family, in both normalisations and both float types."""
    for normalization, dtype in itertools.product(NORMALIZATIONS, (torch.float32, torch.float64)):
        surrogate = family(slope, normalization=normalization)
        points = torch.from_numpy(u).to(dtype)
        into = np.empty_like(points.numpy())
        surrogate.derivative_into(points.numpy(), into)
        exact, peak = expected_derivative(surrogate, points.double().numpy())
        assert torch.equal(surrogate.derivative(points), surrogate.derivative(-points))
        for found in (surrogate.derivative(points), torch.from_numpy(into)):
            assert found.dtype == dtype
            assert torch.isfinite(found).all()
            assert (found >= 0).all()
            assert np.abs(found.double().numpy() - exact).max() <= 1e-6 * peak


@every_family
@every_normalization
@settings(max_examples=50, deadline=None)
@given(slope=slopes, x=arrays(np.float64, 20, elements=st.floats(-30, 30)))
def test_derivative_is_derivative_of_primitive(family, normalization, slope, x):
    surrogate = family(slope, normalization=normalization)
    u = (torch.from_numpy(x) / slope).requires_grad_()
    (found,) = torch.autograd.grad(surrogate.primitive(u).sum(), u)
    _, peak = expected_derivative(surrogate, u.detach().numpy())
    assert torch.allclose(found, surrogate.derivative(u.detach()), rtol=0, atol=1e-9 * peak)


@every_family
@every_normalization
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_autograd_multiplies_by_the_derivative(family, normalization, dtype):
    surrogate = family(7.0, normalization=normalization)
    u = torch.linspace(-2, 2, 101, dtype=dtype).requires_grad_()
    spikes = surrogate(u)
    assert spikes.dtype == dtype
    assert torch.equal(spikes, (u > 0).to(dtype))
    weights = torch.linspace(0.5, 2, 101, dtype=dtype)
    (found,) = torch.autograd.grad((spikes * weights).sum(), u)
    assert torch.equal(found, weights * surrogate.derivative(u.detach()))


@every_family
def test_area_normalization_integrates_to_one(family):
    surrogate = family(3.0, normalization="area")
    x = np.linspace(-14, 14, 400_001)
    u = np.sinh(x) / 3
    integral = np.trapezoid(surrogate.derivative(torch.from_numpy(u)).numpy(), u)
    assert integral == pytest.approx(1.0, abs=1e-5)


def test_every_family_has_a_test_vector():
    assert sorted(FORMULAS) == sorted(FAMILIES)


@every_family
@every_normalization
@pytest.mark.parametrize("share", [0.999, 0.5, 0.1, 0.01, 1e-4])
def test_reach_is_where_that_share_of_the_peak_is_left(family, normalization, share):
    surrogate = family(7.0, normalization=normalization)
    at_zero, at_end = surrogate.derivative(torch.tensor([0.0, surrogate.reach(share)], dtype=torch.float64))
    assert float(at_end / at_zero) == pytest.approx(share, rel=1e-9)
    assert surrogate.reach(1.0) == pytest.approx(0.0, abs=1e-300)


@every_family
@pytest.mark.parametrize("share", [0.9, 0.5, 0.01])
def test_reach_of_a_formula_is_that_of_the_bisection(family, share):
    bisected = Surrogate.shape_reach(family(), share)
    assert family(1.0).reach(share) == pytest.approx(bisected, rel=1e-13)


def test_reach_runs_along_a_tensor_slope():
    surrogate = FastSigmoid(torch.tensor([1.0, 4.0]))
    assert surrogate.reach(0.01).tolist() == [9.0, 2.25]


@pytest.mark.parametrize("share", [0.0, 1.5, -1.0, float("nan")])
def test_reach_refuses_what_is_no_share(share):
    with pytest.raises(ValueError, match=r"share must be finite and > 0 and <= 1, got"):
        FastSigmoid().reach(share)


@every_family
@pytest.mark.parametrize("slope", [0.5, 1.0, 25.0, 100.0])
def test_half_width_is_where_half_the_peak_is_left(family, slope):
    surrogate = family(slope)
    at_half = surrogate.derivative(torch.tensor([surrogate.half_width()], dtype=torch.float64))
    assert at_half.item() == pytest.approx(0.5, abs=1e-12)


@every_family
def test_steeper_slope_narrows_gradient_support(family):
    u = torch.linspace(-3, 3, 1001)
    shares = [(family(slope).derivative(u) > 0.01).float().mean().item() for slope in (1, 5, 25, 100)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < shares[0] / 5


def test_spike_needs_strictly_more_than_threshold():
    assert FastSigmoid()(torch.tensor([-1e-7, 0.0, 1e-7])).tolist() == [0.0, 0.0, 1.0]


@every_family
def test_composes_with_functional_transforms(family):
    surrogate = family(4.0)
    u = torch.tensor([-0.4, -0.1, 0.05, 0.3], dtype=torch.float64)
    expected = surrogate.derivative(u)
    assert torch.allclose(torch.func.jacrev(surrogate)(u), torch.diag(expected))
    _, tangent = torch.func.jvp(surrogate, (u,), (torch.full_like(u, 2.0),))
    assert torch.allclose(tangent, 2 * expected)
    assert torch.allclose(torch.func.vmap(torch.func.grad(surrogate))(u), expected)


@every_family
def test_double_backward_differentiates_the_derivative(family):
    surrogate = family(4.0)
    u = torch.tensor([-0.15, -0.1, 0.05, 0.2], dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(surrogate(u).sum(), u, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), u)
    v = u.detach().clone().requires_grad_()
    (expected,) = torch.autograd.grad(surrogate.derivative(v).sum(), v)
    assert torch.equal(second, expected)
    assert second.abs().min() > 0


@every_family
def test_survives_pickle_and_deepcopy_and_shows_its_slope(family):
    surrogate = family(12.5, normalization="area")
    for twin in (pickle.loads(pickle.dumps(surrogate)), copy.deepcopy(surrogate)):
        assert twin.slope == 12.5
        assert twin.normalization == "area"
    assert "slope=12.5" in repr(surrogate)


def neurons(spike_grad):
    settings = {"spike_grad": spike_grad}
    yield snn.Leaky(beta=0.9, **settings)
    yield snn.Lapicque(beta=0.9, **settings)
    yield snn.Synaptic(alpha=0.8, beta=0.9, **settings)
    yield snn.Alpha(alpha=0.9, beta=0.8, **settings)
    yield snn.RLeaky(beta=0.9, linear_features=5, **settings)
    yield snn.RSynaptic(alpha=0.8, beta=0.9, linear_features=5, **settings)
    yield snn.LeakyParallel(input_size=5, hidden_size=5, **settings)
    yield snn.StateLeaky(beta=0.9, channels=5, **settings)


@every_family
def test_drop_in_for_every_snntorch_neuron(family):
    surrogate = family(0.5)
    for neuron in neurons(surrogate):
        current = torch.randn(6, 3, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
        whole_sequence = isinstance(neuron, snn.LeakyParallel | snn.StateLeaky)
        out = neuron(current) if whole_sequence else [neuron(step) for step in current]
        if isinstance(out, list):
            out = torch.stack([step[0] for step in out])
        spikes = out[0] if isinstance(out, tuple) else out
        assert set(spikes.unique().tolist()) <= {0.0, 1.0}, type(neuron).__name__
        spikes.sum().backward()
        assert torch.isfinite(current.grad).all()
        assert current.grad.abs().sum() > 0, type(neuron).__name__
        assert "slope=0.5" in repr(neuron)


@every_family
def test_slope_changed_while_training_acts_on_the_next_backward(family):
    surrogate = family(1.0)
    leaky = snn.Leaky(beta=0.9, spike_grad=surrogate)
    current = torch.full((1, 3), 0.7, requires_grad=True)
    gradients = []
    for slope in (1.0, 10.0, 100.0):
        surrogate.slope = slope
        spikes, _ = leaky(current, torch.zeros(1, 3))
        (gradient,) = torch.autograd.grad(spikes.sum(), current)
        gradients.append(gradient)
        assert torch.allclose(gradient, surrogate.derivative(current.detach() - 1.0))
    assert gradients[0].sum() > gradients[1].sum() >= gradients[2].sum()


def test_peak_at_zero_matches_snntorch_fast_sigmoid():
    u = torch.linspace(-3, 3, 301)
    ours, theirs = u.clone().requires_grad_(), u.clone().requires_grad_()
    FastSigmoid(25.0)(ours).sum().backward()
    snn.surrogate.fast_sigmoid(25)(theirs).sum().backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-6, atol=1e-9)


def test_tensor_slope_broadcasts_and_follows_dtype():
    slopes = torch.tensor([[1.0], [10.0]])
    surrogate = FastSigmoid(slopes)
    u = torch.linspace(-1, 1, 7).expand(2, 7)
    for row, slope in enumerate((1.0, 10.0)):
        assert torch.equal(surrogate.derivative(u)[row], FastSigmoid(slope).derivative(u[row]))
    assert surrogate.double().slope.dtype == torch.float64
    assert surrogate.derivative(u).dtype == torch.float32


def test_slope_set_to_restores_slopes_even_after_an_error():
    model = torch.nn.Sequential(FastSigmoid(3.0), ATan(4.0))

    class Interrupt(Exception):
        pass

    with pytest.raises(Interrupt), slope_set_to(model, 100.0):  # noqa: PT012
        assert [surrogate.slope for surrogate in find_surrogates(model)] == [100.0, 100.0]
        raise Interrupt
    assert [surrogate.slope for surrogate in find_surrogates(model)] == [3.0, 4.0]
