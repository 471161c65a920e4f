"""Lyapunov spectra against known values, explicit Jacobians, snnTorch's own steps, and plain autograd."""

import math

import numpy as np
import pytest
import torch

from benchmarks.lyapunov import plain_spectrum
from snnsg_lib.lyapunov import LyapunovError, lyapunov_spectrum, surrogate_lyapunov_spectrum
from snnsg_lib.lyapunov.spectrum import first_tangents
from snnsg_lib.lyapunov.surrogate import tangent_factors
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid, Triangular


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def henon(x):
    return torch.stack([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])


LINEAR = torch.tensor([[-10.0, 10, 0], [28, -1, 0], [0, 0, -8 / 3]]).double()
LINEAR[2, 2] = -8 / 3  # in full float64
TURNED = torch.tensor([[0.0, 0, 0], [0, 0, -1], [0, 1, 0]]).double()


def lorenz(x, dt=0.02):
    def velocity(x):
        return LINEAR @ x + x[0] * (TURNED @ x)

    a = velocity(x)
    b = velocity(x + dt / 2 * a)
    c = velocity(x + dt / 2 * b)
    return x + dt / 6 * (a + 2 * b + 2 * c + velocity(x + dt * c))


# Any differentiable map.


@pytest.mark.parametrize("qr_interval", [1, 5])
def test_linear_map_has_the_log_moduli_of_its_eigenvalues(qr_interval):
    moduli = torch.linspace(1.6, 0.2, 8, dtype=torch.float64)
    basis = torch.linalg.qr(normal(8, 8))[0] + 0.1 * normal(8, 8, seed=1)
    matrix = basis @ torch.diag(moduli) @ torch.linalg.inv(basis)
    found = lyapunov_spectrum(
        lambda x: matrix @ x, torch.zeros(8).double(), 700, 8, qr_interval=qr_interval, transient=500
    )
    assert found.dtype == torch.float64
    assert (found - moduli.log()).abs().max() < 1e-12


def test_henon_map():
    found = lyapunov_spectrum(henon, torch.tensor([0.1, 0.1]), num_steps=20_000, num_exponents=2, transient=1000)
    assert found.tolist() == pytest.approx([0.4192, -1.6229], abs=0.002)
    assert found.sum().item() == pytest.approx(math.log(0.3), abs=1e-12)


def test_lorenz_flow_per_unit_of_time():
    start = torch.tensor([1.0, 1.0, 20.0])
    found = lyapunov_spectrum(lorenz, start, num_steps=21_000, num_exponents=3, qr_interval=5, transient=1000) / 0.02
    assert found.tolist() == pytest.approx([0.906, 0.0, -14.57], abs=0.02)


@pytest.mark.parametrize("size", [20, 40])  # by whole Jacobians, and by tangent vectors
def test_random_tanh_network_equals_explicit_jacobian_products(size):
    weight = 1.5 / math.sqrt(size) * normal(size, size)
    states, product = [normal(size, seed=1)], first_tangents(size, 4).T
    for _ in range(12):
        states.append(weight @ torch.tanh(states[-1]))
        product = weight @ torch.diag(1 - torch.tanh(states[-2]) ** 2) @ product
    expected = torch.linalg.qr(product)[1].diagonal().abs().log() / 12
    found = lyapunov_spectrum(lambda x: weight @ torch.tanh(x), states[0], 12, 4, qr_interval=3)
    assert torch.allclose(found, expected, rtol=0, atol=1e-9)


def test_state_of_any_shape_and_fewer_exponents_are_the_first_of_more():
    weight = 0.3 * normal(6, 6)

    def step(x):
        return (weight @ torch.tanh(x.reshape(6))).reshape(2, 3)

    four, two = (lyapunov_spectrum(step, normal(2, 3, seed=2), 60, m, transient=7) for m in (4, 2))
    assert torch.allclose(four[:2], two, rtol=0, atol=1e-12)


def test_an_orbit_that_escapes_and_a_map_that_forgets_are_named():
    with pytest.raises(LyapunovError, match="finite"):
        lyapunov_spectrum(lambda x: 10 * x**3, torch.tensor([5.0, 1.0]), 200)
    with pytest.raises(LyapunovError, match="exponent 1 of 1"):
        lyapunov_spectrum(lambda x: 0 * x, torch.ones(3), 10)


@pytest.mark.parametrize("size", [4, 40])  # by whole Jacobians, and by tangent vectors
def test_a_map_that_overwrites_its_argument_is_that_map_and_leaves_the_callers_state(size):
    state = normal(size)
    kept = state.clone()
    found = lyapunov_spectrum(lambda x: x.mul_(0.5).add_(0.1), state, 10, 2)
    assert found.tolist() == pytest.approx([math.log(0.5)] * 2)
    assert torch.equal(state, kept)


def test_map_in_use_keeps_its_state_and_the_random_state():
    state, before = torch.tensor([0.1, 0.1]), torch.get_rng_state()
    lyapunov_spectrum(henon, state, 10, 2)
    assert torch.equal(state, torch.tensor([0.1, 0.1]))
    assert torch.equal(torch.get_rng_state(), before)


# Recurrent spiking networks.

KINDS = {
    "synaptic": {"alpha": 0.7},
    "synaptic zero": {"alpha": 0.7, "reset_mechanism": "zero"},
    "synaptic none": {"alpha": 0.7, "reset_mechanism": "none"},
    "plain": {},
    "zero": {"reset_mechanism": "zero"},
    "none": {"reset_mechanism": "none"},
    "binary": {"beta": 0.0, "reset_mechanism": "none"},
    "scaled": {"alpha": 0.4, "beta": 0.6, "current_scale": 0.4, "gain": 3.0},
    "per neuron": {
        "alpha": torch.linspace(0.3, 0.8, 10),
        "beta": torch.linspace(0.4, 0.9, 10),
        "threshold": torch.linspace(0.5, 1.5, 10),
    },
}
RESETTING = [kind for kind, settings in KINDS.items() if settings.get("reset_mechanism") != "none"]
ATTACHED = {f"{kind} attached": KINDS[kind] | {"detach_reset": False} for kind in RESETTING}
EVERY_KIND = KINDS | ATTACHED


def network(kind="synaptic", **settings):
    """A double-precision network of ten neurons that spikes, and inputs for it."""
    defaults = {"gain": 1.5, "input_gain": 4.0, "surrogate": FastSigmoid(3.0), "seed": 1}
    net = RecurrentLIF(3, 10, 2, **defaults | EVERY_KIND[kind] | settings).double()
    return net, normal(24, 2, 3)


def tangents_by_autograd(step, states, num_exponents, size):
    """Exponents from the whole Jacobian of every step."""
    product = first_tangents(size, num_exponents).T
    logs = torch.zeros(num_exponents).double()
    for time, state in enumerate(states):
        jacobian = torch.autograd.functional.jacobian(lambda x, time=time: step(time, x), state)
        product, r = torch.linalg.qr(jacobian @ product)
        logs += r.diagonal().abs().log()
    return logs / len(states)


def states_of(net, inputs, trial):
    """State before every step of one trial: (num_steps, 2 neurons) or (num_steps, neurons), from zeros."""
    _, recording = net(inputs[:, trial : trial + 1], record=True)
    parts = [recording.mem[0]] if net.alpha is None else [recording.syn[0], recording.mem[0]]
    after = torch.cat(parts, dim=-1)[:, 0].detach()
    return torch.cat([torch.zeros_like(after[:1]), after[:-1]])


@pytest.mark.parametrize("kind", KINDS)
def test_exponents_equal_those_of_jacobians_through_snntorch(kind):
    net, inputs = network(kind)
    reference = net.to_snntorch()
    currents = reference.input(inputs[:, 1])

    def step(time, state):
        *syn, mem = state.split(10)
        spk = net.surrogate(mem - net.threshold)
        return torch.cat(reference.neuron(currents[time], spk, *syn, mem)[1:])

    states = states_of(net, inputs, trial=1)
    expected = tangents_by_autograd(step, states, 4, states.shape[1])
    found = surrogate_lyapunov_spectrum(net, inputs, 4, qr_interval=2, transient=0)
    assert found.shape == (2, 4)
    assert torch.allclose(found[1], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ATTACHED)
def test_attached_resets_equal_jacobians_of_the_network_itself(kind):
    net, inputs = network(kind)
    has_syn = net.alpha is not None

    def step(time, state):
        *syn, mem = (part.unsqueeze(0) for part in state.split(10))
        _, recording = net(inputs[time : time + 1, :1], record=True, mem=mem, syn=syn[0] if has_syn else None)
        after = [recording.syn[0], recording.mem[0]] if has_syn else [recording.mem[0]]
        return torch.cat(after, dim=-1)[0, 0]

    states = states_of(net, inputs, trial=0)
    expected = tangents_by_autograd(step, states, 4, states.shape[1])
    found = surrogate_lyapunov_spectrum(net, inputs, 4, qr_interval=1, transient=0)[0]
    detached = surrogate_lyapunov_spectrum(network(kind.removesuffix(" attached"))[0], inputs, 4, 1, 0)[0]
    assert torch.allclose(found, expected, rtol=0, atol=1e-9)
    assert not torch.allclose(found, detached, atol=1e-3)


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("replicas", [None, 2])
def test_hand_derived_gradient_equals_plain_autograd(kind, replicas):
    net, inputs = network(kind, replicas=replicas)
    for values in (net.beta, net.alpha):
        if isinstance(values, torch.Tensor):
            values.requires_grad_()
    parameters = [p for name, p in net.named_parameters() if p.requires_grad and "output" not in name]
    found, expected = (
        spectrum(net, inputs, 4, qr_interval=3, transient=5)
        for spectrum in (surrogate_lyapunov_spectrum, plain_spectrum)
    )
    assert torch.allclose(found, expected, rtol=0, atol=1e-12)
    mix = normal(*found.shape, seed=3)
    mine, theirs = (torch.autograd.grad((x * mix).sum(), parameters) for x in (found, expected))
    for one, other in zip(mine, theirs, strict=True):
        assert other.norm() > 0
        assert (one - other).norm() <= 1e-6 * other.norm()


def test_gradient_holds_for_many_exponents_and_blocks():
    net = RecurrentLIF(3, 10, 2, alpha=0.7, input_gain=4.0, surrogate=FastSigmoid(3.0)).double()
    inputs = normal(45, 1, 3)  # longer than two blocks of the adjoint, and no multiple of the interval
    loss = [f(net, inputs, 20, 2, 11).pow(2).sum() for f in (surrogate_lyapunov_spectrum, plain_spectrum)]
    mine, theirs = (torch.autograd.grad(x, net.recurrent_weight)[0] for x in loss)
    assert (mine - theirs).norm() <= 1e-6 * theirs.norm()


def test_float32_networks_have_float64_tangents():
    net = RecurrentLIF(3, 10, 2, alpha=0.7, input_gain=4.0, surrogate=FastSigmoid(3.0))
    inputs = normal(24, 2, 3).float()
    found = surrogate_lyapunov_spectrum(net, inputs, 4, transient=0)
    assert found.dtype == torch.float64
    found.square().sum().backward()
    assert net.recurrent_weight.grad.dtype == torch.float32
    assert torch.allclose(found, surrogate_lyapunov_spectrum(net.double(), inputs.double(), 4, transient=0), atol=1e-5)


def test_replicas_and_trials_are_what_they_are_alone():
    slopes = torch.tensor([3.0, 8.0])
    settings = {"alpha": 0.6, "input_gain": 4.0}
    stacked = RecurrentLIF(3, 10, 2, replicas=2, seed=[4, 9], surrogate=FastSigmoid(slopes), **settings).double()
    inputs = normal(20, 2, 5, 3)
    together = surrogate_lyapunov_spectrum(stacked, inputs, 3, transient=2)
    assert together.shape == (2, 5, 3)
    for replica, (seed, slope) in enumerate(zip((4, 9), slopes.tolist(), strict=True)):
        single = RecurrentLIF(3, 10, 2, seed=seed, surrogate=FastSigmoid(slope), **settings).double()
        alone = surrogate_lyapunov_spectrum(single, inputs[:, replica, 2:3], 3, transient=2)
        assert torch.allclose(together[replica, 2:3], alone, rtol=0, atol=1e-10)


def test_exponents_depend_neither_on_how_many_nor_on_the_qr_interval():
    net, inputs = network()
    spectra = [surrogate_lyapunov_spectrum(net, inputs, m, r, 7) for m, r in ((6, 1), (6, 5), (2, 1))]
    assert torch.allclose(spectra[0], spectra[1], rtol=0, atol=1e-9)
    assert torch.allclose(spectra[0][:, :2], spectra[2], rtol=0, atol=1e-12)


def test_agrees_with_the_general_spectrum_of_the_same_map():
    net, inputs = network("synaptic none")
    inputs = inputs[:1, :1].expand(24, 1, 3)

    def step(state):
        syn, mem = state.split(10)
        spk = net.surrogate(mem - 1.0)
        syn = 0.7 * syn + net.input_current(inputs)[0, 0].detach() + spk @ net.recurrent_weight.detach()
        return torch.cat([syn, 0.9 * mem + syn])

    expected = lyapunov_spectrum(step, torch.zeros(20), 24, 5, qr_interval=2, transient=4)
    found = surrogate_lyapunov_spectrum(net, inputs, 5, qr_interval=2, transient=4)[0]
    assert torch.allclose(found, expected, rtol=0, atol=1e-9)


# What sums to what.


@pytest.mark.parametrize("reset_mechanism", ["subtract", "none"])
@pytest.mark.parametrize("slope", [0.5, 2.0, 10.0, 50.0])
def test_all_exponents_with_synaptic_current_sum_to_the_leak(reset_mechanism, slope):
    net = RecurrentLIF(
        3,
        10,
        2,
        alpha=0.7,
        beta=0.9,
        gain=2.0,
        input_gain=4.0,
        surrogate=FastSigmoid(slope),
        reset_mechanism=reset_mechanism,
    )
    found = surrogate_lyapunov_spectrum(net, normal(40, 3, 3).float(), 20, qr_interval=1, transient=3)
    assert (found.sum(-1) - 10 * math.log(0.7 * 0.9)).abs().max() < 1e-9


def test_attached_reset_adds_its_own_term_to_the_sum():
    net, inputs = network("synaptic attached")
    factors = tangent_factors(net, inputs)
    expected = 10 * math.log(0.7) + factors.keep.detach().abs().log().sum(-1).mean(0)[0]
    found = surrogate_lyapunov_spectrum(net, inputs, 20, qr_interval=1, transient=0)
    assert torch.allclose(found.sum(-1), expected, rtol=0, atol=1e-9)


def test_without_synaptic_current_the_sum_is_the_mean_log_determinant():
    net, inputs = network("plain")
    _, derivative, *_ = tangent_factors(net, inputs)
    jacobians = 0.9 * torch.eye(10).double() + derivative[:, 0].unsqueeze(-1) * net.recurrent_weight
    expected = torch.linalg.slogdet(jacobians)[1].mean(0)
    found = surrogate_lyapunov_spectrum(net, inputs, 10, qr_interval=1, transient=0).sum(-1)
    assert torch.allclose(found, expected, rtol=0, atol=1e-9)
    assert (found - 10 * math.log(0.9)).abs().min() > 0.01  # the leak alone is not the sum


@pytest.mark.parametrize("alpha", [None, 0.5])
def test_pure_leak_has_the_exponent_ln_beta(alpha):
    net = RecurrentLIF(3, 10, 2, beta=0.9, alpha=alpha, gain=0.0)
    found = surrogate_lyapunov_spectrum(net, torch.zeros(160, 1, 3), 10, transient=80)
    assert (found - math.log(0.9)).abs().max() < 1e-12


# Where it could go wrong.


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.0, "alpha": 0.5},  # exponents in equal groups
        {"gain": 0.0, "alpha": 0.9, "beta": 0.9},  # all equal
        {"input_gain": 0.0, "bias": False},  # silent
        {"input_gain": 0.0, "bias": False, "surrogate": Triangular(5.0), "alpha": 0.5},  # silent, no surrogate gradient
        {"reset_mechanism": "zero", "alpha": 0.5, "input_gain": 4.0},  # singular Jacobian
        {"reset_mechanism": "zero", "detach_reset": False, "input_gain": 4.0, "surrogate": FastSigmoid(25.0)},
    ],
    ids=["degenerate", "all equal", "silent", "flat", "reset to zero", "attached to zero"],
)
def test_leading_exponents_of_hard_cases_have_finite_gradients(settings):
    net = RecurrentLIF(3, 10, 2, **settings)
    exponents = surrogate_lyapunov_spectrum(net, normal(30, 2, 3).float(), 4, transient=5)
    exponents.square().sum().backward()
    assert torch.isfinite(exponents).all()
    for parameter in (net.recurrent_weight, net.input_weight):
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.abs().max() < 1e3


@pytest.mark.filterwarnings("ignore:invalid value")  # NumPy's, on the way
@pytest.mark.parametrize("settings", [{}, {"alpha": 0.5}, {"reset_mechanism": "zero", "alpha": 0.5}])
@pytest.mark.parametrize("value", [float("inf"), -float("inf"), float("nan")])
def test_one_input_or_weight_that_is_not_finite_is_an_error_and_not_a_gradient(settings, value):
    net, inputs = RecurrentLIF(3, 10, 2, **settings), normal(20, 2, 3).float()
    inputs[4, 1, 0] = value
    with pytest.raises(ValueError, match="inputs must be finite, got 1 NaN or Inf of 120"):
        surrogate_lyapunov_spectrum(net, inputs, 2, transient=0)
    with torch.no_grad():
        net.input_weight[0, 0] = value
    with pytest.raises(LyapunovError, match="state is not finite: its weights"):
        surrogate_lyapunov_spectrum(net, normal(20, 2, 3).float(), 2, transient=0)


def test_weights_that_overflow_the_state_are_named():
    net = RecurrentLIF(3, 10, 2, bias_range=(2.0, 3.0))
    with torch.no_grad():
        net.recurrent_weight.fill_(3e38)
    with pytest.raises(LyapunovError, match="state is not finite: its weights are NaN, infinite or too large"):
        surrogate_lyapunov_spectrum(net, torch.zeros(20, 1, 3), 2, transient=0)


def test_a_gradient_reaches_a_slope_that_is_learnt_and_no_other():
    slope = torch.nn.Parameter(torch.tensor(3.0))
    for learns in (True, False):
        slope.requires_grad_(learns)
        slope.grad = None
        net = RecurrentLIF(3, 10, 2, surrogate=FastSigmoid(slope))
        surrogate_lyapunov_spectrum(net, normal(20, 2, 3).float(), 2, transient=0).sum().backward()
        assert (slope.grad is not None and bool(slope.grad != 0)) == learns
        assert net.recurrent_weight.grad is not None
    with pytest.raises(TypeError, match=r"slope must be an nn\.Parameter to be learnt"):
        FastSigmoid(torch.tensor(3.0, requires_grad=True))


def test_lost_exponents_are_named_not_returned():
    net = RecurrentLIF(3, 10, 2, reset_mechanism="zero", input_gain=6.0)
    with pytest.raises(LyapunovError, match=r"exponent \d+ of 10 is lost.*fewer exponents"):
        surrogate_lyapunov_spectrum(net, normal(60, 2, 3).float(), 10, transient=5)
    dead = RecurrentLIF(3, 10, 2, beta=0.0, reset_mechanism="none", bias=False, surrogate=Triangular(5.0))
    with pytest.raises(LyapunovError, match="exponent 1 of 1"):
        surrogate_lyapunov_spectrum(dead, torch.zeros(20, 1, 3), 1, transient=0)


NET, INPUTS, NAN = RecurrentLIF(3, 10, 2), torch.zeros(60, 2, 3), float("nan")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: lyapunov_spectrum(3, torch.zeros(2)), TypeError, ("step", "callable", "3")),
        (lambda: lyapunov_spectrum(henon, [0.1, 0.1]), TypeError, ("state", "floating-point", "[0.1, 0.1]")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(2).int()), TypeError, ("state", "floating-point", "int32")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(0)), ValueError, ("state", "entry", "(0,)")),
        (
            lambda: lyapunov_spectrum(henon, torch.tensor([0.1, NAN])),
            ValueError,
            ("state", "finite", "1 NaN or Inf of 2"),
        ),
        (lambda: lyapunov_spectrum(lambda x: x[:1], torch.zeros(2)), ValueError, ("step", "(2,)", "(1,)")),
        (lambda: lyapunov_spectrum(lambda x: x[:1], torch.zeros(40)), ValueError, ("step", "(40,)", "(1,)")),
        (lambda: lyapunov_spectrum(lambda x: x.float(), torch.zeros(2)), TypeError, ("step", "float64", "float32")),
        (lambda: lyapunov_spectrum(lambda x: x.float(), torch.zeros(40)), TypeError, ("step", "float64", "float32")),
        (lambda: lyapunov_spectrum(lambda x: None, torch.zeros(2)), TypeError, ("step", "(2,)", "NoneType")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(2), 0), ValueError, ("num_steps", ">= 1", "0")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(2), 10, 3), ValueError, ("num_exponents", "[1, 2]", "3")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(2), 10, 1, 0), ValueError, ("qr_interval", ">= 1", "0")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(2), 10, 1, 1, 10), ValueError, ("transient", "[0, 9]", "10")),
        (lambda: lyapunov_spectrum(henon, torch.zeros(2), 10, rng=3), TypeError, ("rng", "Generator", "3")),
        (
            lambda: surrogate_lyapunov_spectrum(torch.nn.Linear(2, 2), INPUTS),
            TypeError,
            ("net", "RecurrentLIF", "Linear"),
        ),
        (lambda: surrogate_lyapunov_spectrum(NET, INPUTS[0, 0]), ValueError, ("inputs", "num_steps, batch, 3", "(3,)")),
        (lambda: surrogate_lyapunov_spectrum(NET, INPUTS.double()), TypeError, ("inputs", "float32", "float64")),
        (lambda: surrogate_lyapunov_spectrum(NET, INPUTS, 11), ValueError, ("num_exponents", "[1, 10]", "11")),
        (lambda: surrogate_lyapunov_spectrum(NET, INPUTS, 1.5), TypeError, ("num_exponents", "[1, 10]", "1.5")),
        (lambda: surrogate_lyapunov_spectrum(NET, INPUTS, transient=60), ValueError, ("transient", "[0, 59]", "60")),
        (lambda: surrogate_lyapunov_spectrum(NET, INPUTS, qr_interval=0), ValueError, ("qr_interval", ">= 1", "0")),
        (
            lambda: surrogate_lyapunov_spectrum(RecurrentLIF(3, 10, 2, surrogate=torch.sigmoid), INPUTS),
            TypeError,
            ("net.surrogate", "snnsg_lib surrogate", "sigmoid"),
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
