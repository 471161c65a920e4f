"""Claims about `expected_gradient` and escape noise: gradients by hand, and three ways to one answer."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from snnsg_lib.gradients import (
    cosine_similarity,
    expected_gradient,
    expected_surrogate_gradient,
    gradient_norms,
    layer_gradients,
)
from snnsg_lib.networks import SpikingMLP, scale_to_rate
from snnsg_lib.surrogates import FastSigmoid, Sigmoid


def output(outputs, targets):
    """The output itself as loss: its expected gradient is known by hand."""
    return outputs.sum(-1)


def squared_error(outputs, targets):
    return ((outputs - targets) ** 2).sum(-1)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def chain(*weights, kappa=None, num_steps=1, **settings):
    """One neuron a layer, with these weights and no bias."""
    net = SpikingMLP([1] * (len(weights) + 1), num_steps, escape_noise=kappa, bias=False, **settings).double()
    with torch.no_grad():
        for parameter, weight in zip(net.weights, weights, strict=True):
            parameter.fill_(weight)
    return net


def noisy_net(replicas=None, sizes=(3, 2, 2, 2), num_steps=2, kappa=3.0, seed=0, **settings):
    """Small, and lively enough that every weight matters."""
    net = SpikingMLP(sizes, num_steps, escape_noise=kappa, gain=2.0, replicas=replicas, seed=seed, **settings)
    with torch.no_grad():
        for weight, bias in list(zip(net.weights, net.biases, strict=True))[:-1]:
            weight += 0.3
            bias.fill_(0.6)
    return net


def examples(count=8, inputs=3, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(torch.from_numpy(rng.standard_normal((count, size)).astype(np.float32)) for size in (inputs, outputs))


def one(value=1.0):
    return torch.full((1, 1), value, dtype=torch.float64)


class TestByHand:
    def test_one_noisy_neuron(self):
        # E[out] = v p with p = sigmoid(kappa (w - 1)): dE/dw = v kappa p (1 - p), dE/dv = p
        found = expected_gradient(chain(0.8, 2.0, kappa=3.0), output, one(), one())
        p = sigmoid(3 * (0.8 - 1))
        assert found.method == "enumeration"
        assert found.gradient[0].item() == pytest.approx(2 * 3 * p * (1 - p), rel=1e-9)
        assert found.gradient[1].item() == pytest.approx(p, rel=1e-9)
        assert found.standard_error[0].item() == 0

    def test_two_noisy_neurons_in_a_row(self):
        # The second fires with chance q1 = sigmoid(kappa (w2 - 1)) after a spike of the first, q0 = sigmoid(-kappa)
        # without one: E[out] = v (p q1 + (1 - p) q0), so dE/dw1 = v kappa p (1 - p) (q1 - q0): a difference, no slope.
        kappa, w1, w2, v = 3.0, 0.9, 1.3, 0.5
        found = expected_gradient(chain(w1, w2, v, kappa=kappa), output, one(), one())
        p, q1, q0 = sigmoid(kappa * (w1 - 1)), sigmoid(kappa * (w2 - 1)), sigmoid(-kappa)
        assert found.gradient[0].item() == pytest.approx(v * kappa * p * (1 - p) * (q1 - q0), rel=1e-9)
        assert found.gradient[1].item() == pytest.approx(v * p * kappa * q1 * (1 - q1), rel=1e-9)

    @pytest.mark.parametrize("method", ["score", "differences"])
    @pytest.mark.parametrize("weights", [(0.8, 2.0), (0.9, 1.3, 0.5)])
    def test_the_other_two_ways_find_what_one_and_two_noisy_neurons_have_by_hand(self, weights, method):
        kappa, (*hidden, v) = 3.0, weights
        p = sigmoid(kappa * (hidden[0] - 1))
        after = 1.0 if len(hidden) == 1 else sigmoid(kappa * (hidden[1] - 1)) - sigmoid(-kappa)
        settings = dict(method=method, num_samples=100_000, step=0.05)
        found = expected_gradient(chain(*weights, kappa=kappa), output, one(), one(), **settings)
        error = found.standard_error[0].item()
        assert 0 < error < 0.1 * v
        assert abs(found.gradient[0].item() - v * kappa * p * (1 - p) * after) < 3.5 * error

    @pytest.mark.parametrize(("reset", "left"), [("subtract", 0.8 - 1), ("zero", 0.0), ("none", 0.8)])
    def test_two_steps_with_each_reset(self, reset, left):
        # mem[2] = beta (what a spike leaves, or mem[1]) + w; out = (s1 + s2) / 2
        kappa, beta, w = 2.0, 0.5, 0.8
        net = chain(w, 1.0, kappa=kappa, num_steps=2, beta=beta, reset_mechanism=reset)
        p1 = sigmoid(kappa * (w - 1))
        slopes = {"subtract": beta + 1, "zero": 1.0, "none": beta + 1}
        after, before = (beta * left + w, beta * w + w)
        if reset == "subtract":
            after = beta * w + w - 1
        pa, pb = sigmoid(kappa * (after - 1)), sigmoid(kappa * (before - 1))
        d1, da, db = (kappa * p * (1 - p) for p in (p1, pa, pb))
        by_hand = (d1 + d1 * (pa - pb) + p1 * da * slopes[reset] + (1 - p1) * db * (beta + 1)) / 2
        found = expected_gradient(net, output, one(), one())
        assert found.gradient[0].item() == pytest.approx(by_hand, rel=1e-9)

    def test_one_deterministic_neuron_on_normal_inputs(self):
        # It spikes where w x > 1: E[out] = v Phi(-1 / w), dE/dw = v phi(1 / w) / w^2
        w, v = 1.2, 2.0
        inputs = torch.from_numpy(np.random.default_rng(0).standard_normal((200_000, 1)))
        found = expected_gradient(chain(w, v), output, inputs, inputs)
        assert found.method == "differences"
        error = found.gradient[0].item() - v * norm.pdf(1 / w) / w**2
        assert abs(error) < 3 * found.standard_error[0].item() + 1e-3
        assert found.gradient[1].item() == pytest.approx(norm.sf(1 / w), abs=0.005)

    def test_two_deterministic_neurons_pass_the_jump_on_whole(self):
        # The second neuron follows the first where its weight exceeds the threshold, whatever the weight.
        inputs = torch.from_numpy(np.random.default_rng(0).standard_normal((50_000, 1)))
        near, far = (expected_gradient(chain(1.2, w, 2.0), output, inputs, inputs).gradient for w in (1.5, 4.0))
        alone = expected_gradient(chain(1.2, 2.0), output, inputs, inputs).gradient
        assert near[0].item() == far[0].item() == pytest.approx(alone[0].item())


class TestAgreement:
    @pytest.mark.parametrize("readout", ["rate", "membrane"])
    @pytest.mark.parametrize("reset", ["subtract", "zero"])
    def test_score_and_enumeration(self, reset, readout):
        net = noisy_net(reset_mechanism=reset, readout=readout)
        inputs, targets = examples()
        exact = expected_gradient(net, squared_error, inputs, targets)
        found = expected_gradient(net, squared_error, inputs, targets, method="score", num_samples=8000)
        self.assert_within_errors(found, exact)

    def test_differences_and_enumeration(self):
        net = noisy_net()
        inputs, targets = examples()
        exact = expected_gradient(net, squared_error, inputs, targets)
        settings = dict(method="differences", num_samples=8000, step=0.05)
        self.assert_within_errors(expected_gradient(net, squared_error, inputs, targets, **settings), exact)

    @pytest.mark.parametrize("seed", [0, 1])
    def test_differences_are_the_limit_of_weaker_and_weaker_escape_noise(self, seed):
        # Over a population, a network whose noise nearly vanishes has the gradient of one without noise.
        inputs, targets = examples(60_000)
        nets = {kappa: noisy_net(kappa=kappa, sizes=(3, 4, 2), num_steps=1, seed=seed) for kappa in (None, 2.0, 20.0)}
        found = {kappa: expected_gradient(net, squared_error, inputs, targets, step=0.2) for kappa, net in nets.items()}
        assert [truth.method for truth in found.values()] == ["differences", "enumeration", "enumeration"]
        without, much, little = (truth.gradient[0] for truth in found.values())
        assert (much - without).norm() > 0.3 * without.norm()
        assert (little - without).norm() < 0.12 * without.norm()

    def assert_within_errors(self, found, exact):
        squares = []
        for layer, grad in exact.gradient.items():
            error = found.standard_error[layer]
            assert 0 < error.norm() < 0.5 * grad.norm()
            squares.append(((found.gradient[layer] - grad) / error).square().flatten())
        assert 0.3 < torch.cat(squares).mean() < 2

    def test_a_sequence_of_equal_steps_is_a_static_input(self):
        net = noisy_net()
        inputs, targets = examples()
        shown = expected_gradient(net, squared_error, inputs.expand(2, *inputs.shape), targets, sequence=True)
        for layer, grad in expected_gradient(net, squared_error, inputs, targets).gradient.items():
            assert torch.allclose(shown.gradient[layer], grad, atol=1e-6)

    @pytest.mark.parametrize("method", ["enumeration", "differences"])
    def test_a_replica_has_the_gradient_it_would_have_alone(self, method):
        kappa = 4.0 if method == "enumeration" else None
        inputs, targets = examples(count=64)
        settings = dict(method=method, step=0.2)
        together = expected_gradient(noisy_net(2, kappa=kappa, seed=3), squared_error, inputs, targets, **settings)
        for replica, seed in enumerate((3, 4)):
            alone = expected_gradient(noisy_net(kappa=kappa, seed=seed), squared_error, inputs, targets, **settings)
            for layer, grad in alone.gradient.items():
                assert torch.allclose(together.gradient[layer][replica], grad, rtol=1e-4, atol=1e-6)

    def test_differences_equal_two_whole_forwards(self):
        net = SpikingMLP([4, 6, 5, 2], num_steps=5, gain=3.0, seed=2)
        inputs, targets = examples(3000, 4, 2)
        found = expected_gradient(net, squared_error, inputs, targets, step=0.1)
        for layer, row, column in ((0, 1, 2), (1, 3, 4)):
            weight, losses = net.weights[layer], []
            step = 0.1 * weight.square().mean().sqrt().item()
            for sign in (1, -1):
                with torch.no_grad():
                    weight[row, column] += sign * step
                    losses.append(squared_error(net(inputs), targets).double().mean().item())
                    weight[row, column] -= sign * step
            by_hand = (losses[0] - losses[1]) / (2 * step)
            assert found.gradient[layer][row, column].item() == pytest.approx(by_hand, rel=1e-3, abs=1e-6)

    def test_the_output_layer_has_the_gradient_of_autograd(self):
        net = SpikingMLP([4, 6, 5, 2], num_steps=5, gain=3.0)
        inputs, targets = examples(100, 4, 2)
        grads = layer_gradients(net, lambda n, b: squared_error(n(b[0]), b[1]).mean(), (inputs, targets))
        found = expected_gradient(net, squared_error, inputs, targets).gradient[2]
        assert torch.allclose(found, grads[2], rtol=1e-4, atol=1e-6)

    def test_steps_on_the_plateau_agree(self):
        net = SpikingMLP([6, 8, 8, 2], num_steps=5, seed=1)
        inputs = examples(8000, 6)[0]
        scale_to_rate(net, inputs[:500], 0.2)
        targets = inputs[:, :2]
        fine, coarse = (expected_gradient(net, squared_error, inputs, targets, step=step) for step in (0.2, 0.4))
        assert min(cosine_similarity(fine.gradient, coarse.gradient).values()) > 0.95


class TestErrors:
    def test_squared_norm_takes_the_noise_off(self):
        # A loss that is noise alone: the gradient has a length, its expectation has none.
        net = SpikingMLP([6, 8, 2], num_steps=3, gain=3.0)
        inputs = examples(4000, 6)[0]
        noise = torch.from_numpy(np.random.default_rng(1).standard_normal(4000).astype(np.float32))
        found = expected_gradient(net, lambda outputs, targets: outputs[:, 0] * targets, inputs, noise)
        raw, length = gradient_norms(found.gradient)[0] ** 2, found.squared_norm()[0]
        assert raw > 0
        assert abs(length) < 0.7 * raw

    def test_error_shrinks_with_the_population(self):
        net = SpikingMLP([6, 8, 2], num_steps=3, gain=3.0)
        few, many = (
            expected_gradient(net, squared_error, *examples(count, 6, 2)).standard_error[0].norm().item()
            for count in (1000, 16_000)
        )
        assert many == pytest.approx(few / 4, rel=0.2)

    def test_the_network_is_left_as_it_was(self):
        net = noisy_net(detach_reset=False)
        before = [weight.clone() for weight in net.weights]
        expected_gradient(net, squared_error, *examples())
        assert all(torch.equal(a, b) for a, b in zip(before, net.weights, strict=True))
        assert net.detach_reset is False
        assert net.weights[0].grad is None

    @pytest.mark.parametrize(
        ("net", "settings", "message"),
        [
            (noisy_net(num_steps=4), dict(method="enumeration"), "at most 12 spikes to enumerate .* got 16"),
            (noisy_net(kappa=None), dict(method="score"), "method must be 'differences'"),
            (noisy_net(), dict(method="guess"), "method must be one of"),
            (noisy_net(), dict(method="score", num_samples=8), "num_samples must be"),
            (noisy_net(kappa=None), dict(step=0.0), "step must be"),
            (SpikingMLP([3, 30, 20, 2]), {}, "at most 500 weights for differences, got 730"),
        ],
    )
    def test_what_cannot_be_done_is_refused(self, net, settings, message):
        with pytest.raises(ValueError, match=message):
            expected_gradient(net, squared_error, *examples(), **settings)

    def test_a_loss_that_is_a_mean_is_refused(self):
        with pytest.raises(ValueError, match="one number per example"):
            expected_gradient(noisy_net(), lambda o, t: ((o - t) ** 2).mean(), *examples())

    def test_another_module_is_refused(self):
        with pytest.raises(TypeError, match="net must be a SpikingMLP, got Linear"):
            expected_gradient(torch.nn.Linear(3, 2), squared_error, *examples())


class TestEscapeNoise:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    def test_a_neuron_spikes_with_the_probability_it_says(self, dtype):
        net = chain(0.8, 1.0, kappa=3.0).to(dtype)
        rate = net(torch.ones(40_000, 1, dtype=dtype)).mean().item()
        assert rate == pytest.approx(sigmoid(3 * -0.2), abs=0.01)

    def test_weak_noise_is_no_noise(self):
        inputs = examples(64)[0]
        quiet, noisy = (noisy_net(kappa=kappa)(inputs) for kappa in (None, 1e6))
        assert torch.equal(quiet, noisy)

    def test_noise_follows_its_generator_and_replicas_share_it(self):
        inputs = examples(64)[0]
        first, again, other = (noisy_net(noise_rng=np.random.default_rng(s))(inputs) for s in (1, 1, 2))
        stacked = noisy_net(2, seed=[0, 0], noise_rng=np.random.default_rng(1))(inputs)
        assert torch.equal(first, again)
        assert not torch.equal(first, other)
        assert torch.equal(stacked[0], stacked[1])
        assert torch.allclose(stacked[0], first, atol=1e-6)

    @pytest.mark.parametrize("backend", ["numpy", "torch"])
    def test_backward_uses_the_surrogate_at_the_membrane_potential(self, backend):
        net = chain(0.8, 2.0, kappa=3.0, surrogate=FastSigmoid(5.0)).float()
        net.backend = backend
        grads = layer_gradients(net, lambda n, x: n(x).mean(), torch.ones(50, 1))
        assert grads[0].item() == pytest.approx(2 / (1 + 5 * 0.2) ** 2, rel=1e-5)

    def test_the_matched_surrogate_of_one_layer_is_the_true_gradient(self):
        kappa = 3.0
        net = chain(0.8, 2.0, kappa=kappa, surrogate=Sigmoid(kappa, normalization="area"))
        grads = layer_gradients(net, lambda n, x: n(x).mean(), one())
        assert grads[0].item() == pytest.approx(expected_gradient(net, output, one(), one()).gradient[0].item())

    def test_the_mean_surrogate_gradient_is_that_of_many_backward_passes(self):
        inputs, targets = examples(count=4)
        net = noisy_net(2, seed=[0, 0], surrogate=FastSigmoid(torch.tensor([2.0, 20.0])))
        exact = expected_surrogate_gradient(net, squared_error, inputs, targets)
        many = inputs.repeat(20_000, 1), targets.repeat(20_000, 1)
        drawn = layer_gradients(net, lambda n, b: squared_error(n(b[0]), b[1]).mean(-1), many)
        for layer, cosine in cosine_similarity(drawn, exact).items():
            assert cosine.min() > 0.99, layer
        assert torch.allclose(gradient_norms(drawn)[0], gradient_norms(exact)[0], rtol=0.1)

    def test_of_one_layer_only_the_matched_slope_has_the_true_length(self):
        net = chain(0.8, 2.0, kappa=3.0, surrogate=Sigmoid(3.0, normalization="area"))
        truth = expected_gradient(net, output, one(), one()).gradient[0].item()
        assert expected_surrogate_gradient(net, output, one(), one())[0].item() == pytest.approx(truth, rel=1e-9)
        net.surrogates[0].slope = 6.0
        assert expected_surrogate_gradient(net, output, one(), one())[0].item() > 1.2 * truth

    @pytest.mark.parametrize(("name", "value"), [("escape_noise", 0.0), ("escape_noise", "much"), ("noise_rng", 3)])
    def test_wrong_settings_are_refused(self, name, value):
        with pytest.raises((TypeError, ValueError), match=f"{name} must be"):
            SpikingMLP([2, 3, 1], **{name: value})

    def test_snntorch_has_no_escape_noise(self):
        with pytest.raises(ValueError, match="escape_noise must be None"):
            noisy_net().to_snntorch()
