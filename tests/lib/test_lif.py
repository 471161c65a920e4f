"""Scans against snnTorch's neurons, stepped by hand: the same bits forward, the same gradients."""

import itertools

import numpy as np
import pytest
import snntorch as snn
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from snnsg_lib.lif import lif_scan, rlif_scan
from snnsg_lib.surrogates import FAMILIES, ATan, FastSigmoid

RESETS = ("subtract", "zero", "none")
every_reset = pytest.mark.parametrize("reset", RESETS)
every_backend = pytest.mark.parametrize("backend", ["numpy", "torch"])


def normal(*shape, seed=0, scale=1.0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape) * scale).float()


def uniform(*shape, seed=1, low=0.0, high=1.0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(low, high, shape)).float()


def relative_error(found, expected):
    return ((found.double() - expected.double()).norm() / (expected.double().norm() + 1e-30)).item()


def leaky_loop(current, mem=None, **settings):
    """Spikes and membrane of snn.Leaky, one step at a time."""
    neuron = snn.Leaky(**settings)
    mem = torch.zeros_like(current[0]) if mem is None else mem
    history = []
    for step in current:
        spk, mem = neuron(step, mem)
        history.append((spk, mem))
    return tuple(torch.stack(block) for block in zip(*history, strict=True))


def weighted_loss(spk, mem, through):
    """A scalar that gives every spike and membrane potential its own gradient, or only one kind of them."""
    loss = 0.0
    if through in ("spk", "both"):
        loss = loss + (spk * normal(*spk.shape, seed=11)).sum()
    if through in ("mem", "both"):
        loss = loss + (mem * normal(*mem.shape, seed=12)).sum()
    return loss


CONDITIONS = {
    "plain": {},
    "threshold 0.7": {"threshold": 0.7},
    "threshold 1.5": {"threshold": 1.5},
    "beta 0": {"beta": 0.0},
    "beta 1": {"beta": 1.0},
    "beta per neuron": {"beta": uniform(6)},
    "threshold per neuron": {"threshold": uniform(6, low=0.5, high=1.5)},
    "initial state": {"mem": normal(4, 6, seed=5, scale=1.5)},
    "batch of one": {"batch": 1},
    "one step": {"num_steps": 1},
}


@every_backend
@every_reset
@pytest.mark.parametrize("through", ["spk", "mem", "both"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_equals_leaky_bit_for_bit(condition, through, reset, backend):
    given_settings = dict(CONDITIONS[condition])
    mem = given_settings.pop("mem", None)
    shape = (given_settings.pop("num_steps", 20), given_settings.pop("batch", 4), 6)
    given_settings = {"beta": 0.9, "threshold": 1.0, "reset_mechanism": reset, **given_settings}
    surrogate = FastSigmoid(25.0)
    results = []
    for ours in (True, False):
        current = normal(*shape, scale=1.2).requires_grad_()
        start = None if mem is None else mem.clone().requires_grad_()
        if ours:
            spk, out = lif_scan(current, surrogate=surrogate, mem=start, backend=backend, **given_settings)
        else:
            spk, out = leaky_loop(current, mem=start, spike_grad=surrogate, **given_settings)
        leaves = [current] if start is None else [current, start]
        results.append((spk, out, torch.autograd.grad(weighted_loss(spk, out, through), leaves)))
    (spk, out, grads), (their_spk, their_out, their_grads) = results
    assert torch.equal(spk, their_spk)
    assert torch.equal(out, their_out)
    assert spk.sum() > 0
    for found, expected in zip(grads, their_grads, strict=True):
        assert relative_error(found, expected) <= 1e-6


@every_backend
@every_reset
def test_learnt_beta_and_threshold_get_snntorch_gradients(reset, backend):
    surrogate, current = FastSigmoid(5.0), normal(20, 4, 6, scale=1.2)
    gradients = []
    for ours in (True, False):
        beta, threshold = uniform(6), uniform(6, seed=2, low=0.5, high=1.5)
        if ours:
            beta.requires_grad_(), threshold.requires_grad_()
            spk, mem = lif_scan(current, beta, threshold, surrogate, reset, backend=backend)
        else:
            neuron = snn.Leaky(beta, threshold, surrogate, learn_beta=True, learn_threshold=True, reset_mechanism=reset)
            beta, threshold = neuron.beta, neuron.threshold
            state, history = torch.zeros(4, 6), []
            for step in current:
                spike, state = neuron(step, state)
                history.append((spike, state))
            spk, mem = (torch.stack(block) for block in zip(*history, strict=True))
        gradients.append(torch.autograd.grad(weighted_loss(spk, mem, "both"), [beta, threshold]))
    for found, expected in zip(*gradients, strict=True):
        assert relative_error(found, expected) <= 1e-6


@every_reset
@pytest.mark.parametrize("through", ["spk", "mem", "both"])
def test_scalar_learnt_beta_and_threshold_match_float64(reset, through):
    """One number sums hundreds of signed terms of order 1, so the error is held against those."""
    gradients = []
    for dtype in (torch.float32, torch.float64):
        beta, threshold = (torch.tensor(x, dtype=dtype, requires_grad=True) for x in (0.75, 0.875))
        spk, mem = lif_scan(normal(20, 4, 6, scale=1.2).to(dtype), beta, threshold, ATan(3.0), reset)
        loss = weighted_loss(spk, mem, through)
        gradients.append(torch.autograd.grad(loss, [beta, threshold], allow_unused=True, materialize_grads=True))
    for found, expected in zip(*gradients, strict=True):
        assert found.shape == ()
        assert abs(found - expected) <= 1e-6 * max(1.0, abs(expected)) * 20


@every_reset
@pytest.mark.parametrize("family", FAMILIES.values())
@pytest.mark.parametrize("initial", [False, True])
def test_attached_reset_has_the_gradient_of_an_autograd_loop(family, reset, initial):
    """The oracle is the equation itself in float64, differentiated by autograd through spike and reset."""
    surrogate, gradients = family(2.0), []
    for ours in (True, False):
        dtype = torch.float32 if ours else torch.float64
        leaves = [normal(15, 4, 6, scale=1.2), uniform(6), uniform(6, seed=2, low=0.5, high=1.5), normal(4, 6, seed=5)]
        leaves = [leaf.to(dtype).requires_grad_() for leaf in leaves[: 4 if initial else 3]]
        current, beta, threshold = leaves[:3]
        start = leaves[3] if initial else None
        if ours:
            spk, mem = lif_scan(current, beta, threshold, surrogate, reset, start, detach_reset=False)
        else:
            state, history = torch.zeros(4, 6, dtype=dtype) if start is None else start, []
            for step in current:
                fired = surrogate(state - threshold)
                if reset == "subtract":
                    state = beta * state + step - fired * threshold
                else:
                    state = beta * (state * (1 - fired) if reset == "zero" else state) + step
                history.append((surrogate(state - threshold), state))
            spk, mem = (torch.stack(block) for block in zip(*history, strict=True))
        gradients.append(torch.autograd.grad(weighted_loss(spk, mem, "both"), leaves))
    for found, expected in zip(*gradients, strict=True):
        assert relative_error(found, expected) <= 2e-6


def test_membrane_at_threshold_does_not_spike():
    current = torch.tensor([[[1.0, 0.5]], [[0.0, 0.5]]])
    spk, mem = lif_scan(current, beta=1.0, threshold=1.0)
    assert mem[0, 0, 0] == 1.0
    assert spk.sum() == 0
    assert torch.equal(spk, leaky_loop(current, beta=1.0)[0])


# A gentle slope for the sigmoid: snnTorch's own overflows to NaN where slope * u < -88.
@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        ("fast_sigmoid", (25,)),
        ("atan", (2.0,)),
        ("sigmoid", (5,)),
        ("straight_through_estimator", ()),
        ("triangular", ()),
        ("SFS", ()),
    ],
)
def test_snntorch_surrogates_serve_as_in_leaky(make, arguments):
    surrogate = getattr(snn.surrogate, make)(*arguments)
    results = []
    for run in (lif_scan, lambda x, surrogate: leaky_loop(x, beta=0.9, spike_grad=surrogate)):
        current = normal(20, 4, 6).requires_grad_()
        spk, mem = run(current, surrogate=surrogate)
        results.append((spk, mem, *torch.autograd.grad(weighted_loss(spk, mem, "both"), current)))
    for found, expected in zip(*results, strict=True):
        assert relative_error(found, expected) <= 1e-6


def test_slope_is_read_when_the_gradient_flows_back():
    surrogate, current = FastSigmoid(1.0), normal(10, 4, 6).requires_grad_()
    gradients = []
    for slope in (1.0, 50.0, 1.0):
        surrogate.slope = slope
        gradients.append(torch.autograd.grad(lif_scan(current, surrogate=surrogate)[0].sum(), current)[0])
    assert torch.equal(gradients[0], gradients[2])
    assert gradients[1].norm() < gradients[0].norm()


@every_backend
def test_slope_per_neuron_broadcasts(backend):
    slopes, current = uniform(6, low=1, high=30), normal(10, 4, 6).requires_grad_()
    spk, _ = lif_scan(current, surrogate=FastSigmoid(slopes), backend=backend)
    (together,) = torch.autograd.grad(spk.sum(), current)
    for neuron, slope in enumerate(slopes.tolist()):
        alone = torch.autograd.grad(lif_scan(current, surrogate=FastSigmoid(slope))[0].sum(), current)[0]
        assert torch.allclose(together[..., neuron], alone[..., neuron], rtol=1e-6)


def test_replica_axis_equals_separate_scans():
    current = normal(12, 3, 4, 6).requires_grad_()
    beta, threshold = uniform(3, 1, 1), uniform(3, 1, 1, low=0.5, high=1.5)
    spk, mem = lif_scan(current, beta, threshold, FastSigmoid(5.0))
    (grad,) = torch.autograd.grad(weighted_loss(spk, mem, "mem"), current)
    weights = normal(*mem.shape, seed=12)
    for replica in range(3):
        single = current[:, replica].detach().requires_grad_()
        one_spk, one_mem = lif_scan(single, beta[replica].item(), threshold[replica].item(), FastSigmoid(5.0))
        assert torch.equal(spk[:, replica], one_spk)
        assert torch.equal(mem[:, replica], one_mem)
        (one_grad,) = torch.autograd.grad((one_mem * weights[:, replica]).sum(), single)
        assert relative_error(grad[:, replica], one_grad) <= 1e-6


@pytest.mark.parametrize("shape", [(7, 5), (7, 2, 5), (7, 2, 3, 5), (7, 2, 3, 4, 5)])
def test_any_number_of_axes_between_steps_and_neurons(shape):
    current = normal(*shape)
    spk, mem = lif_scan(current)
    flat_spk, flat_mem = lif_scan(current.reshape(7, -1, 5))
    assert torch.equal(spk.reshape(7, -1, 5), flat_spk)
    assert torch.equal(mem.reshape(7, -1, 5), flat_mem)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    steps=st.integers(1, 40),
    batch=st.integers(1, 5),
    size=st.integers(1, 40),
    beta=st.floats(0, 1),
    threshold=st.floats(0.05, 5),
    reset=st.sampled_from(RESETS),
    seed=st.integers(0, 1000),
)
def test_backends_agree_bit_for_bit_on_random_settings(steps, batch, size, beta, threshold, reset, seed):
    current = normal(steps, batch, size, seed=seed, scale=2.0)
    for found, expected in zip(
        lif_scan(current, beta, threshold, reset_mechanism=reset, backend="numpy"),
        lif_scan(current, beta, threshold, reset_mechanism=reset, backend="torch"),
        strict=True,
    ):
        assert torch.equal(found, expected)


@every_backend
@every_reset
def test_input_is_never_changed(reset, backend):
    current, mem = normal(10, 4, 6), normal(4, 6, seed=3)
    before = current.clone(), mem.clone()
    lif_scan(current, reset_mechanism=reset, mem=mem, backend=backend)
    rlif_scan(current, normal(6, 6), reset_mechanism=reset, mem=mem, backend=backend)
    assert torch.equal(current, before[0])
    assert torch.equal(mem, before[1])


def test_strided_and_expanded_currents_give_the_same():
    base = normal(4, 10, 6)
    transposed = base.transpose(0, 1)
    assert torch.equal(lif_scan(transposed)[1], lif_scan(transposed.contiguous())[1])
    static = normal(4, 6).expand(10, 4, 6)
    assert torch.equal(lif_scan(static)[1], lif_scan(static.contiguous())[1])


def test_longer_chunks_of_the_backward_pass_change_nothing(monkeypatch):
    from snnsg_lib.lif import feedforward

    gradients = []
    for elements in (1, 100, 1 << 20):
        monkeypatch.setattr(feedforward, "CHUNK_ELEMENTS", elements)
        current = normal(23, 4, 6).requires_grad_()
        gradients.append(torch.autograd.grad(weighted_loss(*lif_scan(current), "both"), current)[0])
    assert torch.equal(gradients[0], gradients[1])
    assert torch.equal(gradients[0], gradients[2])


def test_float64_double_backward_and_transforms_through_torch():
    current = normal(5, 2, 3).double().requires_grad_()

    def total(x):
        spk, mem = lif_scan(x, surrogate=ATan(2.0), detach_reset=False)
        return spk.sum() + mem.square().sum()

    assert lif_scan(current)[0].dtype == torch.float64
    (first,) = torch.autograd.grad(total(current), current, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), current)
    assert second.abs().sum() > 0
    assert torch.allclose(torch.func.grad(total)(current.detach()), first.detach())
    single = normal(5, 2, 3)
    assert torch.func.vmap(lambda x: lif_scan(x)[1], in_dims=1, out_dims=1)(single).shape == (5, 2, 3)


def test_numpy_backend_refuses_a_second_derivative():
    current = normal(5, 2, 3).requires_grad_()
    for spk in (lif_scan(current)[0], rlif_scan(current, normal(3, 3))[0]):
        with pytest.raises(RuntimeError, match="backend='torch'"):
            torch.autograd.grad(spk.sum(), current, create_graph=True)


def recurrent_neuron(weight, alpha, **settings):
    """snn.RLeaky, or snn.RSynaptic with alpha, that feeds spikes back through `weight` and no bias."""
    features = weight.shape[0]
    if alpha is None:
        neuron = snn.RLeaky(linear_features=features, **settings)
    else:
        neuron = snn.RSynaptic(alpha=alpha, linear_features=features, **settings)
    neuron.recurrent = torch.nn.Linear(features, features, bias=False)
    neuron.recurrent.weight = torch.nn.Parameter(weight.detach().T.contiguous())
    return neuron


@every_backend
@every_reset
@pytest.mark.parametrize("alpha", [None, 0.7])
@pytest.mark.parametrize("batch", [1, 4])
def test_each_recurrent_step_equals_snntorch_from_the_same_state(reset, alpha, batch, backend):
    neurons, threshold = 30, 0.8
    weight, current = normal(neurons, neurons, scale=0.4), normal(40, batch, neurons, seed=4)
    outputs = rlif_scan(current, weight, 0.9, threshold, FastSigmoid(5.0), reset, alpha, backend=backend)
    neuron = recurrent_neuron(weight, alpha, beta=0.9, threshold=threshold, reset_mechanism=reset)
    state = [torch.zeros(batch, neurons)] * len(outputs)
    for step, step_current in enumerate(current):
        theirs = neuron(step_current, *state)
        state = [block[step] for block in outputs]
        for found, expected in zip(state[1:], theirs[1:], strict=True):
            assert torch.allclose(found, expected, rtol=0, atol=1e-5)
        flipped = state[0] != theirs[0]
        assert ((state[-1] - threshold).abs()[flipped] < 1e-5).all()
    assert 0.01 < outputs[0].mean() < 0.9


RECURRENT = list(itertools.product(RESETS, (None, "scalar", "neuron"), (False, True), (True, False)))


@every_backend
@pytest.mark.parametrize(("reset", "alpha", "initial", "detach"), RECURRENT)
def test_recurrent_gradients_equal_autograd_through_the_equations(reset, alpha, initial, detach, backend):
    """Against float64 through the loop of `backend="torch"`, itself compared with snnTorch below; every leaf learns."""
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaves = {
            "current": normal(8, 3, 5, scale=1.2),
            "recurrent_weight": normal(5, 5, seed=2, scale=0.5),
            "beta": uniform(5),
            "threshold": uniform(5, seed=3, low=0.5, high=1.5),
        }
        if alpha is not None:
            leaves["alpha"] = uniform(5, seed=6) if alpha == "neuron" else torch.tensor(0.6)
        if initial:
            leaves |= {name: normal(3, 5, seed=7 + i) for i, name in enumerate(("mem", "spk"))}
            leaves |= {"syn": normal(3, 5, seed=10)} if alpha is not None else {}
        leaves = {name: leaf.to(dtype).requires_grad_() for name, leaf in leaves.items()}
        if backend == "numpy" and dtype == torch.float32 and not detach and reset == "zero":
            chosen = None  # an attached reset to zero has no NumPy path
        else:
            chosen = backend if dtype == torch.float32 else "torch"
        outputs = rlif_scan(
            **leaves, surrogate=FastSigmoid(2.0), reset_mechanism=reset, detach_reset=detach, backend=chosen
        )
        loss = sum((block * normal(*block.shape, seed=20 + i)).sum() for i, block in enumerate(outputs))
        gradients.append(torch.autograd.grad(loss, list(leaves.values())))
    for name, found, expected in zip(leaves, *gradients, strict=True):
        assert relative_error(found, expected) <= 3e-6, name


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("alpha", [None, 0.7])
def test_recurrent_weight_gradient_equals_snntorch(reset, alpha):
    weight, current = normal(6, 6, scale=0.5), normal(10, 4, 6, seed=4)
    ours = weight.clone().requires_grad_()
    surrogate = FastSigmoid(3.0)
    outputs = rlif_scan(current, ours, 0.9, 1.0, surrogate, reset, alpha)
    weights = normal(10, 4, 6, seed=9)
    (outputs[0] * weights).sum().backward()
    neuron = recurrent_neuron(weight, alpha, beta=0.9, spike_grad=surrogate, reset_mechanism=reset)
    state, spikes = [torch.zeros(4, 6)] * len(outputs), []
    for step in current:
        state = neuron(step, *state)
        spikes.append(state[0])
    (torch.stack(spikes) * weights).sum().backward()
    assert torch.equal(outputs[0], torch.stack(spikes).detach())
    assert relative_error(ours.grad, neuron.recurrent.weight.grad.T) <= 2e-6


@pytest.mark.parametrize("alpha", [None, 0.7])
def test_recurrent_replicas_equal_separate_scans(alpha):
    current, weight = normal(12, 3, 4, 6).requires_grad_(), normal(3, 6, 6, seed=2, scale=0.5).requires_grad_()
    outputs = rlif_scan(current, weight, surrogate=FastSigmoid(4.0), alpha=alpha)
    loss_weights = normal(12, 3, 4, 6, seed=3)
    grads = torch.autograd.grad((outputs[0] * loss_weights).sum(), [current, weight])
    for replica in range(3):
        singles = [current[:, replica].detach().requires_grad_(), weight[replica].detach().requires_grad_()]
        one = rlif_scan(*singles, surrogate=FastSigmoid(4.0), alpha=alpha)
        assert torch.equal(outputs[0][:, replica], one[0])
        one_grads = torch.autograd.grad((one[0] * loss_weights[:, replica]).sum(), singles)
        assert relative_error(grads[0][:, replica], one_grads[0]) <= 1e-5
        assert relative_error(grads[1][replica], one_grads[1]) <= 1e-5


def test_state_carries_on_where_a_scan_ended():
    current, weight = normal(20, 4, 6), normal(6, 6, scale=0.5)
    spk, syn, mem = rlif_scan(current, weight, alpha=0.6)
    first = rlif_scan(current[:9], weight, alpha=0.6)
    second = rlif_scan(current[9:], weight, alpha=0.6, spk=first[0][-1], syn=first[1][-1], mem=first[2][-1])
    for whole, rest in zip((spk, syn, mem), second, strict=True):
        assert torch.equal(whole[9:], rest)
    spk, mem = lif_scan(current)
    _, early = lif_scan(current[:9])
    assert torch.equal(lif_scan(current[9:], mem=early[-1])[0], spk[9:])
