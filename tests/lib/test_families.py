"""One class is a family: what it must define, how it is listed, and that it then serves on every path."""

import math
import pickle
import subprocess
import sys
from pathlib import Path

import fifth_family
import numpy as np
import pytest
import torch
from fifth_family import Gaussian, registered

from snnsg_lib.lif import lif_scan, rlif_scan
from snnsg_lib.lyapunov import surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF, SpikingMLP
from snnsg_lib.schedulers import IntervalSlope
from snnsg_lib.surrogates import FAMILIES, FastSigmoid, Surrogate, register_family, slope_set_to

HERE = Path(__file__).parent


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


def subclass(name="Bump", module=__name__, **attributes):
    """A complete family, but for the attributes given as None."""
    complete = {
        "label": name.lower(),
        "shape_area": 2.0,
        "shape": lambda self, x: (-x.abs()).exp(),
        "shape_primitive": lambda self, x: x.sign() * (1 - (-x.abs()).exp()),
    }
    kept = {key: value for key, value in (complete | attributes).items() if value is not None}
    return type(name, (Surrogate,), {**kept, "__module__": module})


def test_families_are_listed_by_name_in_the_order_of_the_figures():
    assert [(name, family.label) for name, family in FAMILIES.items()] == [
        ("FastSigmoid", "fast sigmoid"),
        ("ATan", "arctangent"),
        ("Sigmoid", "sigmoid"),
        ("Triangular", "triangle"),
    ]
    assert all(family.__name__ == name for name, family in FAMILIES.items())


def test_a_registered_family_stands_last_and_a_class_alone_is_not_listed():
    before = list(FAMILIES)
    with registered() as family:
        assert family is Gaussian
        assert list(FAMILIES) == [*before, "Gaussian"]
    assert list(FAMILIES) == before


def test_a_family_defined_anew_replaces_its_former_self():
    with registered(subclass()), registered(subclass()) as second:
        assert FAMILIES["Bump"] is second


@pytest.mark.parametrize(
    ("family", "error", "words"),
    [
        (subclass(shape=None), TypeError, r"Bump must define .*; got no shape$"),
        (subclass(shape_primitive=None), TypeError, r"Bump must define .*; got no shape_primitive"),
        (subclass(shape_area=None), TypeError, r"Bump must define .*; got no shape_area"),
        (subclass(shape_area=-1.0), ValueError, r"Bump\.shape_area must be finite and > 0, got -1\.0"),
        (Surrogate, TypeError, r"Surrogate must define"),
    ],
)
def test_a_family_that_lacks_a_hook_is_refused_by_name(family, error, words):
    for use in (family, register_family):
        with pytest.raises(error, match=words):
            use(family) if use is register_family else use(25.0)


@pytest.mark.parametrize(
    ("family", "error", "words"),
    [
        (subclass("FastSigmoid"), ValueError, r"name of its own, got 'FastSigmoid'"),
        (subclass(label="arctangent"), ValueError, r"label of its own, got 'arctangent' for Bump"),
        (torch.nn.Identity, TypeError, r"family must be a subclass of Surrogate, got .*Identity"),
        (FastSigmoid(), TypeError, r"family must be a subclass of Surrogate, got FastSigmoid"),
    ],
)
def test_what_would_blur_the_list_is_refused(family, error, words):
    before = dict(FAMILIES)
    with pytest.raises(error, match=words):
        register_family(family)
    assert before == FAMILIES


def test_a_family_without_label_is_called_by_its_class():
    assert subclass(label=None).label == "Bump"
    assert type("Sharp", (FastSigmoid,), {}).label == "Sharp"


def test_parameters_beside_the_slope_are_refused_as_they_would_never_learn():
    surrogate = Gaussian(2.0)
    with pytest.raises(TypeError, match=r"width must be a number or a tensor, got an nn\.Parameter"):
        surrogate.width = torch.nn.Parameter(torch.ones(1))


@pytest.mark.parametrize("share", [0.999, 0.5, 0.01, 1e-8])
def test_reach_is_found_without_a_formula(share):
    assert Gaussian(4.0).reach(share) == pytest.approx(math.sqrt(-math.log(share)) / 4, rel=1e-12)


def test_reach_of_a_box_ends_at_its_edge_and_of_a_flat_shape_never():
    box = subclass(shape=lambda self, x: (x.abs() <= 0.5).to(x.dtype), shape_area=1.0)
    flat = subclass(shape=lambda self, x: torch.ones_like(x), shape_area=1.0)
    assert box(2.0).reach(0.01) == box(2.0).half_width() == pytest.approx(0.25)
    assert flat(2.0).reach(0.5) == math.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("normalization", ["peak", "area"])
def test_array_form_of_every_shape_can_be_left_to_its_torch_form(dtype, normalization):
    surrogate = Gaussian(3.0, normalization=normalization)
    u, factor = (np.random.default_rng(seed).standard_normal((5, 4)).astype(dtype) for seed in (0, 1))
    expected = factor * surrogate.derivative(torch.from_numpy(u)).numpy()
    out = u.copy().T  # as a view of another layout
    surrogate.derivative_into(out, out, factor=factor.T)
    np.testing.assert_allclose(out.T, expected, rtol=1e-6 if dtype == np.float32 else 1e-14)
    assert out.dtype == dtype
    number = np.array(0.2, dtype)
    surrogate.derivative_into(number, number)
    assert number == pytest.approx(float(surrogate.derivative(torch.tensor(0.2))), rel=1e-6)


@pytest.mark.parametrize("normalization", ["peak", "area"])
@pytest.mark.parametrize("detach_reset", [True, False])
@pytest.mark.parametrize("recurrent", [True, False])
def test_both_backends_serve_it_alike(normalization, detach_reset, recurrent):
    surrogate, weight = Gaussian(2.0, normalization=normalization), 0.3 * normal(6, 6, seed=3)
    gradients = []
    for backend, dtype in (("numpy", torch.float32), ("torch", torch.float32), ("torch", torch.float64)):
        current = (1.2 * normal(15, 4, 6)).to(dtype).requires_grad_()
        common = {"surrogate": surrogate, "detach_reset": detach_reset, "backend": backend}
        if recurrent:
            spk, *_ = rlif_scan(current, weight.to(dtype), alpha=0.5, **common)
        else:
            spk, _ = lif_scan(current, **common)
        gradients.append(torch.autograd.grad((spk * normal(15, 4, 6, seed=1)).sum(), current)[0].double())
    for found in gradients[:2]:
        assert (found - gradients[2]).norm() <= 2e-6 * gradients[2].norm()


def test_networks_with_and_without_replicas_serve_it_and_become_snntorch_modules():
    slopes, x = [1.0, 4.0], normal(5, 6)
    many = SpikingMLP([6, 10, 3], 5, surrogate=Gaussian(torch.tensor(slopes)), gain=3.0, replicas=2, seed=[0, 0])
    together = torch.autograd.grad(many(x).square().sum(), many.weights[0])[0]
    for replica, slope in enumerate(slopes):
        one = SpikingMLP([6, 10, 3], 5, surrogate=Gaussian(slope), gain=3.0, seed=0)
        (alone,) = torch.autograd.grad(one(x).square().sum(), one.weights[0])
        assert torch.allclose(together[replica], alone, rtol=1e-5, atol=1e-7)
        reference = many.to_snntorch(replica)
        (theirs,) = torch.autograd.grad(reference(x).square().sum(), reference.linears[0].weight)
        assert torch.allclose(theirs.T, alone, rtol=1e-4, atol=1e-6)
        assert alone.abs().sum() > 0


def test_schedules_exponents_and_pickles_take_it():
    net = RecurrentLIF(3, 8, 2, surrogate=Gaussian(2.0))
    inputs = normal(40, 2, 3)
    assert torch.isfinite(surrogate_lyapunov_spectrum(net, inputs, 2, 5, 10)).all()
    schedule = IntervalSlope(net, 1.0, 100.0, 2, 1)
    schedule.step()
    assert net.surrogate.slope > 1.0
    with slope_set_to(net, 7.0):
        assert pickle.loads(pickle.dumps(net)).surrogate.half_width() == net.surrogate.half_width()


def test_a_fifth_family_passes_every_test_of_the_families(tmp_path):
    """In a process of its own, as tests are collected before a fixture could register anything."""
    folders = {str(Path(fifth_family.__file__).parent), *sys.path}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "fifth_family", "-p", "no:cacheprovider", "-k", "Gaussian"]
    done = subprocess.run(
        [*command, HERE / "test_surrogates.py", HERE / "test_lif.py", HERE / "test_learnt_slope.py"],
        env={"PYTHONPATH": ":".join(filter(None, folders)), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) >= 40
