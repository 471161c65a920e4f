"""Claims about `snnsg_lib.gradients`: measures by hand, gradients against autograd through snnTorch."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from snnsg_lib.gradients import (
    active_share,
    cosine_similarity,
    expected_product,
    gradient_norms,
    gradient_reliability,
    layer_gradients,
)
from snnsg_lib.networks import SpikingMLP
from snnsg_lib.surrogates import FastSigmoid, slope_set_to


def mse(net, batch):
    inputs, targets = batch
    return ((net(inputs) - targets) ** 2).mean(dim=(-2, -1))


def random_batch(seed=0, batch=16, inputs=6, outputs=3):
    rng = np.random.default_rng(seed)
    draws = [rng.standard_normal((batch, size)).astype(np.float32) for size in (inputs, outputs)]
    return tuple(torch.from_numpy(draw) for draw in draws)


def random_grads(seed, *shapes):
    rng = np.random.default_rng(seed)
    return {layer: torch.from_numpy(rng.standard_normal(shape)) for layer, shape in enumerate(shapes)}


class ReluNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = [torch.tensor([[2.0]], requires_grad=True), torch.tensor([[3.0]], requires_grad=True)]

    def forward(self, x):
        return torch.relu(x @ self.weights[0]) @ self.weights[1]


class TestLayerGradients:
    def test_equals_the_chain_rule_by_hand(self):
        # x = 1, hidden 2, output 6, loss (6 - 5)^2: dL/dW1 = 2 * 1 * 2, dL/dW0 = 2 * 1 * 3 * 1
        grads = layer_gradients(ReluNet(), lambda net, b: ((net(b) - 5) ** 2).sum(), torch.ones(1, 1))
        assert {layer: grad.item() for layer, grad in grads.items()} == {0: 6.0, 1: 4.0}

    @pytest.mark.parametrize("slope", [1.0, 4.0])
    def test_one_spiking_neuron_by_hand(self, slope):
        net = SpikingMLP([1, 1, 1], num_steps=1, beta=0.9, surrogate=FastSigmoid(slope), bias=False)
        with torch.no_grad():
            net.weights[0].fill_(1.5)
            net.weights[1].fill_(0.5)
        # u - threshold = 0.5, spike 1, output 0.5, target 2: error signal 2 (0.5 - 2) = -3
        grads = layer_gradients(net, lambda n, b: ((n(b) - 2) ** 2).sum(), torch.ones(1, 1))
        assert grads[1].item() == pytest.approx(-3.0)
        assert grads[0].item() == pytest.approx(-3.0 * 0.5 / (1 + slope * 0.5) ** 2)

    @pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
    @pytest.mark.parametrize("readout", ["rate", "membrane"])
    def test_equals_autograd_through_snntorch(self, reset, readout):
        net = SpikingMLP(
            [6, 12, 10, 8, 3], 5, 0.9, 1.0, FastSigmoid(10), reset_mechanism=reset, readout=readout, gain=3.0
        )
        grads, twin = layer_gradients(net, mse, random_batch()), net.to_snntorch()
        loss = mse(twin, random_batch())
        loss.backward()
        linears = [module for module in twin.modules() if isinstance(module, nn.Linear)]
        assert len(linears) == len(grads) == 4
        for layer, linear in enumerate(linears):
            assert grads[layer].norm() > 0
            assert torch.allclose(grads[layer], linear.weight.grad.mT, rtol=1e-4, atol=1e-7)
        for layer, cosine in cosine_similarity(layer_gradients(twin, mse, random_batch()), grads).items():
            assert cosine == pytest.approx(1.0, abs=1e-6), layer

    def test_a_replica_has_the_gradient_it_would_have_alone(self):
        slopes, seeds = torch.tensor([1.0, 10.0, 100.0]), [3, 4, 5]
        settings = dict(num_steps=4, beta=0.9, gain=3.0)
        together = SpikingMLP([6, 10, 8, 3], surrogate=FastSigmoid(slopes), replicas=3, seed=seeds, **settings)
        grads = layer_gradients(together, mse, random_batch())
        for replica, (slope, seed) in enumerate(zip(slopes.tolist(), seeds, strict=True)):
            alone = SpikingMLP([6, 10, 8, 3], surrogate=FastSigmoid(slope), seed=seed, **settings)
            for layer, grad in layer_gradients(alone, mse, random_batch()).items():
                assert torch.allclose(grads[layer][replica], grad, rtol=1e-4, atol=1e-8)

    def test_leaves_grad_of_the_parameters_untouched(self):
        net = SpikingMLP([6, 8, 3], num_steps=2, beta=0.9, surrogate=FastSigmoid(5))
        net.weights[0].grad = torch.full_like(net.weights[0], 7.0)
        layer_gradients(net, mse, random_batch())
        assert (net.weights[0].grad == 7).all()
        assert net.weights[1].grad is None

    def test_a_layer_without_influence_has_a_zero_gradient(self):
        grads = layer_gradients(ReluNet(), lambda net, b: net.weights[1].sum(), torch.ones(1, 1))
        assert grads[0].item() == 0.0

    def test_nan_is_refused_with_its_layer(self):
        with pytest.raises(ValueError, match="layer 0 must be finite"):
            layer_gradients(ReluNet(), lambda net, b: (net(b) * math.nan).sum(), torch.ones(1, 1))

    @pytest.mark.parametrize(
        ("net", "loss", "message"),
        [
            (ReluNet(), lambda net, b: net(b), "scalar tensor or one loss per replica"),
            (ReluNet(), lambda net, b: 3.0, "scalar tensor or one loss per replica"),
            (ReluNet(), lambda net, b: b.sum(), "depends on the weights"),
            (nn.ReLU(), lambda net, b: b.sum(), "`weights` or nn.Linear"),
        ],
    )
    def test_what_is_not_a_loss_of_a_network_is_refused(self, net, loss, message):
        with pytest.raises(ValueError, match=message):
            layer_gradients(net, loss, torch.ones(1, 1))

    def test_area_normalization_scales_each_layer_by_a_power_of_half_the_slope(self):
        # With a detached reset each path from the loss to layer l crosses L - l surrogates, of height 1 or k / 2.
        grads = {}
        for normalization in ("peak", "area"):
            surrogate = FastSigmoid(20.0, normalization=normalization)
            net = SpikingMLP([6, 12, 12, 3], num_steps=4, beta=0.9, surrogate=surrogate, gain=3.0)
            grads[normalization] = layer_gradients(net, mse, random_batch())
        for layer in range(3):
            assert torch.allclose(
                grads["area"][layer], grads["peak"][layer] * 10.0 ** (2 - layer), rtol=1e-4, atol=1e-8
            )

    def test_a_shallow_slope_carries_more_gradient_to_the_first_layer(self):
        net = SpikingMLP([6, 24, 24, 24, 24, 3], num_steps=5, beta=0.9, surrogate=FastSigmoid(100), gain=3.0)
        steep = gradient_norms(layer_gradients(net, mse, random_batch()))
        with slope_set_to(net, 1.0):
            shallow = gradient_norms(layer_gradients(net, mse, random_batch()))
        assert shallow[0] > 100 * steep[0] > 0
        assert shallow[4] == pytest.approx(steep[4])


class TestNorms:
    def test_by_hand(self):
        assert gradient_norms({0: torch.tensor([[3.0, 0.0], [0.0, 4.0]])}) == {0: 5.0}

    def test_one_per_replica(self):
        norms = gradient_norms({0: torch.tensor([[[3.0, 4.0]], [[6.0, 8.0]]])})
        assert norms[0].tolist() == [5.0, 10.0]

    def test_tiny_gradients_do_not_underflow(self):
        assert gradient_norms({0: torch.full((4, 1), 1e-30)})[0] == pytest.approx(2e-30)


class TestCosine:
    def test_by_hand(self):
        a, b = {0: torch.tensor([[1.0, 0.0]])}, {0: torch.tensor([[1.0, 1.0]])}
        assert cosine_similarity(a, b)[0] == pytest.approx(math.sqrt(0.5))
        assert cosine_similarity(a, {0: torch.tensor([[0.0, 2.0]])})[0] == 0.0
        assert cosine_similarity(a, {0: torch.tensor([[-5.0, 0.0]])})[0] == -1.0

    def test_does_not_depend_on_length(self):
        a, b = random_grads(0, (5, 4)), random_grads(1, (5, 4))
        tiny = {0: a[0] * 1e-30}
        assert cosine_similarity(tiny, b)[0] == pytest.approx(cosine_similarity(a, b)[0])

    def test_is_zero_for_a_zero_gradient(self):
        zero, other = {0: torch.zeros(2, 3, 4)}, random_grads(0, (2, 3, 4))
        assert cosine_similarity(zero, other)[0].tolist() == [0.0, 0.0]
        assert cosine_similarity({0: torch.zeros(3)}, {0: torch.zeros(3)})[0] == 0.0

    def test_one_reference_serves_all_replicas(self):
        replicas, reference = random_grads(0, (3, 5, 4)), random_grads(1, (5, 4))
        each = [cosine_similarity({0: grad}, reference)[0] for grad in replicas[0]]
        assert cosine_similarity(replicas, reference)[0].tolist() == pytest.approx(each)
        assert cosine_similarity(reference, replicas)[0].tolist() == pytest.approx(each)

    def test_other_layers_are_refused(self):
        with pytest.raises(ValueError, match="same layers and shapes"):
            cosine_similarity(random_grads(0, (5, 4)), random_grads(0, (5, 4), (4, 3)))
        with pytest.raises(ValueError, match="same layers and shapes"):
            cosine_similarity(random_grads(0, (5, 4)), random_grads(0, (4, 5)))


class TestActiveShare:
    grads = {  # noqa: RUF012
        0: torch.tensor([[1.0, 0.0], [0.005, 0.0]]),
        1: torch.tensor([[100.0, 2.0], [0.5, -3.0]]),
    }

    def test_of_weights_by_hand(self):
        assert active_share(self.grads) == {0: 0.25, 1: 0.75}
        assert active_share(self.grads, 0.0) == {0: 0.5, 1: 1.0}

    def test_of_neurons_by_hand(self):
        assert active_share(self.grads, of="neurons") == {0: 0.5, 1: 1.0}
        assert active_share(self.grads, 0.1, of="neurons") == {0: 0.5, 1: 0.5}

    def test_relative_to_the_network_a_vanished_layer_is_inactive(self):
        assert active_share(self.grads, relative_to="network") == {0: 0.0, 1: 0.75}

    def test_replicas_are_measured_apart(self):
        grads = {layer: torch.stack([grad, 1e6 * grad, 0 * grad]) for layer, grad in self.grads.items()}
        for settings in ({}, {"of": "neurons"}, {"relative_to": "network"}):
            alone = active_share(self.grads, **settings)
            for layer, share in active_share(grads, **settings).items():
                assert share.tolist() == [alone[layer], alone[layer], 0.0]

    @pytest.mark.parametrize("floor", [-0.1, 1.0, math.nan])
    def test_a_floor_outside_its_range_is_refused(self, floor):
        with pytest.raises(ValueError, match="floor"):
            active_share(self.grads, floor)

    def test_unknown_choices_are_refused(self):
        with pytest.raises(ValueError, match="of must be one of"):
            active_share(self.grads, of="layers")
        with pytest.raises(ValueError, match="relative_to must be one of"):
            active_share(self.grads, relative_to="nothing")


class TestReliability:
    def net(self, **settings):
        return SpikingMLP([6, 10, 3], num_steps=3, beta=0.9, surrogate=FastSigmoid(10), gain=3.0, **settings)

    def test_identical_examples_are_perfectly_reliable(self):
        inputs, targets = (draw[:1].repeat(8, 1) for draw in random_batch())
        for reliability in gradient_reliability(self.net(), mse, (inputs, targets)).values():
            assert reliability == pytest.approx(1.0)

    def test_opposite_halves_are_perfectly_unreliable(self):
        # one linear layer, one input: the gradient of an example is its target
        net, targets = nn.Linear(1, 1, bias=False), torch.tensor([[1.0], [-1.0]])
        reliability = gradient_reliability(net, lambda n, b: (n(torch.ones_like(b)) * b).sum(), targets)
        assert reliability == {0: -1.0}

    def test_more_examples_are_more_reliable(self):
        few, many = (
            gradient_reliability(self.net(), mse, random_batch(batch=batch), num_splits=8) for batch in (8, 512)
        )
        assert all(many[layer] > few[layer] for layer in few)

    def test_one_per_replica_along_their_own_batches(self):
        batches = [random_batch(seed) for seed in (0, 1)]
        stacked = tuple(torch.stack(parts) for parts in zip(*batches, strict=True))
        together = gradient_reliability(self.net(replicas=2, seed=[0, 1]), mse, stacked, batch_dim=1)
        for replica, batch in enumerate(batches):
            for layer, alone in gradient_reliability(self.net(seed=replica), mse, batch).items():
                assert together[layer][replica].item() == pytest.approx(alone, abs=1e-4)

    def test_too_few_or_unequal_examples_are_refused(self):
        inputs, targets = random_batch()
        for batch in ((inputs[:1], targets[:1]), (inputs, targets[:3])):
            with pytest.raises(ValueError, match="equally many examples"):
                gradient_reliability(self.net(), mse, batch)


class TestExpectedProduct:
    def test_by_hand(self):
        samples = [{0: torch.tensor([1.0, 2.0])}, {0: torch.tensor([3.0, -1.0])}]
        assert expected_product(samples)[0] == pytest.approx(1.0)  # 1 * 3 + 2 * (-1), both ways round

    def test_is_unbiased_where_the_plain_mean_is_not(self):
        rng = np.random.default_rng(0)
        signal = torch.from_numpy(rng.standard_normal((1, 40, 1)))
        noise = torch.from_numpy(rng.standard_normal((4, 2000, 40, 1)) * 3)
        products = expected_product([{0: signal + n} for n in noise])[0]
        error = products.std().item() / math.sqrt(len(products))
        assert abs(products.mean().item() - (signal**2).sum().item()) < 4 * error
        plain = ((signal + noise.mean(0)) ** 2).sum((1, 2)).mean().item()
        assert plain - (signal**2).sum().item() > 40 * error

    def test_pairs_across_two_slopes_leave_out_shared_batches(self):
        a, b = random_grads(0, (3, 5, 4)), random_grads(1, (3, 5, 4))
        c, d = random_grads(2, (3, 5, 4)), random_grads(3, (3, 5, 4))
        by_hand = ((a[0] * d[0]).sum((1, 2)) + (b[0] * c[0]).sum((1, 2))) / 2
        assert torch.allclose(expected_product([a, b], [c, d])[0], by_hand)

    def test_a_single_gradient_is_refused(self):
        with pytest.raises(ValueError, match=">= 2"):
            expected_product([random_grads(0, (2, 2))])
