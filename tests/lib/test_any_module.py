"""Claims about measuring a reader's own model: every weight is a layer, and nothing is changed by looking at it."""

import copy
import pickle
import random
import warnings

import numpy as np
import pytest
import snntorch as snn
import torch
from snntorch import utils
from torch import nn
from torch.nn.utils import parametrizations, prune

from snnsg_lib.gradients import (
    active_share,
    cosine_similarity,
    gradient_norms,
    gradient_reliability,
    layer_gradients,
)
from snnsg_lib.networks import DeadLayerWarning, RecurrentLIF, SpikingMLP, firing_rates, scale_to_rate
from snnsg_lib.surrogates import FastSigmoid
from snnsg_lib.tasks import spike_classification


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


class Convolutional(nn.Module):
    """The network of snnTorch's convolutional tutorial, with a normalisation: Conv, BatchNorm, MaxPool, Leaky."""

    def __init__(self, num_steps=3):
        super().__init__()
        self.num_steps = num_steps
        self.fc1 = nn.Linear(8 * 4 * 4, 10)  # registered first, used last
        self.conv1, self.bn1, self.lif1 = nn.Conv2d(1, 4, 5), nn.BatchNorm2d(4), self.neuron()
        self.conv2, self.lif2 = nn.Conv2d(4, 8, 5), self.neuron()
        self.pool, self.dropout, self.lif3 = nn.MaxPool2d(2), nn.Dropout(0.2), self.neuron()

    def neuron(self):
        return snn.Leaky(beta=0.5, spike_grad=FastSigmoid(5.0))

    def forward(self, x):
        mems = [self.lif1.reset_mem(), self.lif2.reset_mem(), self.lif3.reset_mem()]
        record = []
        for _ in range(self.num_steps):
            spk, mems[0] = self.lif1(self.pool(self.bn1(self.conv1(x))), mems[0])
            spk, mems[1] = self.lif2(self.pool(self.conv2(spk)), mems[1])
            _, mems[2] = self.lif3(self.fc1(self.dropout(spk.flatten(1))), mems[2])
            record.append(mems[2])
        return torch.stack(record).mean(0)


class Recurrent(nn.Module):
    """Sequence in, membrane out: a recurrent layer, then one with a synaptic current."""

    def __init__(self, **settings):
        super().__init__()
        settings = {"spike_grad": FastSigmoid(5.0), "init_hidden": True} | settings
        self.fc1, self.lif1 = nn.Linear(5, 8), snn.RLeaky(beta=0.9, linear_features=8, **settings)
        self.fc2, self.lif2 = nn.Linear(8, 6), snn.Synaptic(alpha=0.8, beta=0.9, **settings)
        self.fc3 = nn.Linear(6, 3)

    def forward(self, x):
        utils.reset(self)
        return torch.stack([self.fc3(self.lif2(self.fc2(self.lif1(self.fc1(step))))) for step in 2 * x]).mean(0)


class Matrices(nn.Module):
    """Parameters without modules."""

    def __init__(self):
        super().__init__()
        self.out, self.hidden = (nn.Parameter(normal(*shape)) for shape in ((6, 2), (4, 6)))
        self.beta = nn.Parameter(torch.full((6,), 0.9))

    def forward(self, x):
        return torch.tanh(x @ self.hidden * self.beta) @ self.out


def sequential():
    neurons = [snn.Leaky(beta=0.9, init_hidden=True, spike_grad=FastSigmoid(5.0), output=last) for last in (0, 1)]
    return nn.Sequential(nn.Linear(5, 8), neurons[0], nn.Linear(8, 3), neurons[1])


def sequential_loss(net, x):
    utils.reset(net)
    for _ in range(3):
        spk, mem = net(3 * x)
    return mem.square().mean() + spk.mean()


class Gates(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(7, 4), nn.LSTM(4, 5, bias=True), nn.Linear(5, 2)

    def forward(self, tokens):
        return self.head(self.rnn(self.embed(tokens))[0][-1])


def square(net, x):
    return net(x).square().mean()


MODELS = {
    "convolutional": (Convolutional, square, normal(6, 1, 28, 28), ["conv1", "conv2", "fc1"]),
    "recurrent": (Recurrent, square, normal(7, 4, 5), ["fc1", "lif1.recurrent", "fc2", "fc3"]),
    "sequential": (sequential, sequential_loss, normal(4, 5), ["0", "2"]),
    "matrices": (Matrices, square, normal(3, 4), ["hidden", "out"]),
    "lstm": (
        Gates,
        square,
        torch.arange(6).reshape(3, 2),
        ["embed", "rnn.weight_ih_l0", "rnn.weight_hh_l0", "head"],
    ),
    "convolutions": (
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3, groups=2), nn.ReLU(), nn.ConvTranspose1d(4, 6, 3, groups=2)),
        square,
        normal(3, 2, 9),
        ["0", "2"],
    ),
    "attention": (
        lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1),
        square,
        normal(5, 2, 8),
        ["self_attn.in_proj_weight", "self_attn.out_proj", "linear1", "linear2"],
    ),
}
every_model = pytest.mark.parametrize("name", MODELS)


def model(name):
    make, loss_fn, batch, _ = MODELS[name]
    torch.manual_seed(0)
    return make(), loss_fn, batch


def matrices_in(net):
    """Weights of two and more dimensions by the name of what holds them."""
    weights = {name: p for name, p in net.named_parameters() if p.ndim > 1}
    return {name.removesuffix(".weight"): p for name, p in weights.items()}


class TestEveryWeightIsALayer:
    @every_model
    def test_layers_are_all_weights_in_the_order_of_execution(self, name):
        net, loss_fn, batch = model(name)
        grads = layer_gradients(net, loss_fn, batch)
        assert list(grads.names.values()) == MODELS[name][-1]
        assert list(grads) == list(grads.names) == list(range(len(grads)))
        assert set(grads.names.values()) == set(matrices_in(net))

    @every_model
    def test_gradients_are_those_of_backward(self, name):
        net, loss_fn, batch = model(name)
        states = torch.get_rng_state()
        grads = layer_gradients(net, loss_fn, batch)
        torch.set_rng_state(states)
        loss_fn(net, batch).backward()
        weights = matrices_in(net)
        for layer, norm in gradient_norms(grads).items():
            expected = weights[grads.names[layer]].grad
            assert norm == pytest.approx(expected.double().norm().item(), rel=1e-6)
            assert norm > 0
            assert grads[layer].numel() == expected.numel()

    def test_a_convolution_is_the_matrix_that_meets_each_patch(self):
        net, x = nn.Conv2d(2, 3, 2, stride=2), normal(4, 2, 6, 6)
        patches = nn.functional.unfold(x, 2, stride=2)  # (batch, in channels times kernel, places)
        grads = layer_gradients(net, lambda n, b: n(b).square().sum(), x)
        by_hand = torch.einsum("bip,bop->io", patches, 2 * net(x).detach().flatten(2))
        assert torch.allclose(grads[0], by_hand, rtol=1e-4)

    @pytest.mark.parametrize("groups", [1, 2])
    def test_columns_of_a_transposed_convolution_are_its_output_channels(self, groups):
        net, x = nn.ConvTranspose1d(4, 6, 3, groups=groups), normal(2, 4, 5)
        grads = layer_gradients(net, lambda n, b: n(b)[:, 4].sum(), x)
        assert [bool(column.any()) for column in grads[0].mT] == [False] * 4 + [True, False]

    def test_of_a_recurrent_library_network_they_are_its_three_weights(self):
        net = RecurrentLIF(5, 8, 3, input_gain=3.0)
        grads = layer_gradients(net, square, normal(6, 4, 5))
        twin = layer_gradients(net.to_snntorch(), square, normal(6, 4, 5))
        assert list(grads.names.values()) == ["input_weight", "recurrent_weight", "output_weight"]
        assert list(twin.names.values()) == ["input", "neuron.recurrent", "output"]
        assert min(cosine_similarity(grads, twin).values()) > 0.999

    def test_a_library_network_inside_a_model_keeps_its_layers(self):
        net = nn.Sequential(nn.Linear(5, 6), SpikingMLP([6, 8, 3], gain=4.0, replicas=2, learn_beta=True))
        grads = layer_gradients(net, lambda n, x: n(x).square().mean(dim=(1, 2)), normal(4, 5))
        assert [tuple(grad.shape) for grad in grads.values()] == [(5, 6), (2, 6, 8), (2, 8, 3)]

    def test_unregistered_and_shared_weights_are_found_once(self):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed, self.readout = nn.Linear(3, 4, bias=False), nn.Linear(4, 3, bias=False)
                self.readout.weight = nn.Parameter(self.embed.weight.detach().mT.clone())
                self.tied = self.embed
                self.loose = normal(4, 4).requires_grad_()
                self.trace = [normal(4, 4)]

            def forward(self, x):
                return self.readout(self.tied(x) @ self.loose)

        assert list(layer_gradients(Net(), square, normal(2, 3)).names.values()) == ["embed", "loose", "readout"]

    @pytest.mark.parametrize(
        ("change", "names"),
        [
            (lambda layer: parametrizations.weight_norm(layer), ["0", "2"]),
            (lambda layer: parametrizations.spectral_norm(layer), ["0", "2"]),
            (lambda layer: prune.l1_unstructured(layer, "weight", 0.5), ["0.weight_orig", "2"]),
        ],
    )
    def test_parametrised_and_pruned_weights_are_layers(self, change, names):
        net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
        change(net[0])
        grads = layer_gradients(net, square, normal(3, 5))
        assert list(grads.names.values()) == names
        twin = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 2))
        twin.load_state_dict({k: v for k, v in net.state_dict().items() if k in twin.state_dict()}, strict=False)
        net.eval()
        with torch.no_grad():
            net(normal(3, 5))
            twin[0].weight.copy_(net[0].weight)
        assert cosine_similarity(layer_gradients(twin, square, normal(3, 5)), grads)[1] > 0.99

    def test_measures_of_any_module_carry_the_names(self):
        net, loss_fn, batch = model("convolutional")
        grads = layer_gradients(net, loss_fn, batch)
        measures = [gradient_norms(grads), active_share(grads), active_share(grads, of="neurons")]
        measures += [cosine_similarity(grads, grads), gradient_reliability(net, loss_fn, batch)]
        for measure in measures:
            assert measure.names == {0: "conv1", 1: "conv2", 2: "fc1"}
            assert all(isinstance(value, float) for value in measure.values())
        assert cosine_similarity(grads, grads) == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0})
        for twin in (copy.deepcopy(measures[0]), pickle.loads(pickle.dumps(measures[0]))):
            assert twin == measures[0]
            assert twin.names == measures[0].names

    @pytest.mark.parametrize("chosen", [[0, 2], ["conv1", "fc1"], ("fc1", 0)])
    def test_layers_are_chosen_by_number_or_name_and_keep_their_numbers(self, chosen):
        net, loss_fn, batch = model("convolutional")
        some = layer_gradients(net, loss_fn, batch, layers=chosen)
        assert some.names == {0: "conv1", 2: "fc1"}
        net, loss_fn, batch = model("convolutional")
        assert torch.equal(some[2], layer_gradients(net, loss_fn, batch)[2])
        assert list(gradient_reliability(net, loss_fn, batch, layers="conv2")) == [1]

    def test_measuring_works_where_gradients_are_switched_off(self):
        net, loss_fn, batch = model("matrices")
        with torch.no_grad():
            assert len(layer_gradients(net, loss_fn, batch)) == 2


class TestNothingIsSkippedSilently:
    def test_a_frozen_layer_is_named_with_the_way_out(self):
        net, loss_fn, batch = model("convolutional")
        net.conv2.weight.requires_grad_(False)
        with pytest.raises(ValueError, match=r"requires_grad is False in layer 1 \(conv2\).*layers=\[0, 2\]"):
            layer_gradients(net, loss_fn, batch)
        assert list(layer_gradients(net, loss_fn, batch, layers=[0, 2])) == [0, 2]
        mlp = SpikingMLP([5, 6, 3])
        mlp.weights[1].requires_grad_(False)
        with pytest.raises(ValueError, match=r"layer 1 \(weights\.1\)"):
            gradient_reliability(mlp, square, normal(4, 5))

    def test_a_layer_that_the_loss_never_touches_is_named(self):
        net, _, batch = model("convolutional")
        with pytest.warns(UserWarning, match=r"does not depend on layer 0 \(fc1\), 2 \(conv2\)"):
            grads = layer_gradients(net, lambda n, x: n.lif1(n.pool(n.bn1(n.conv1(x))))[0].mean(), batch)
        assert [norm > 0 for norm in gradient_norms(grads).values()] == [False, True, False]

    @pytest.mark.parametrize(
        "weights", [[1.0, 2.0], "IMAGENET", {"a": 1}, torch.ones(3), [torch.ones(3)], lambda: None, []]
    )
    def test_an_attribute_weights_that_is_no_list_of_matrices_is_not_taken_for_one(self, weights):
        net = nn.Sequential(nn.Linear(3, 2))
        net.weights = weights
        assert list(layer_gradients(net, square, normal(4, 3)).names.values()) == ["0"]
        empty = nn.ReLU()
        empty.weights = weights
        with pytest.raises(ValueError, match="net must have `weights`"):
            layer_gradients(empty, square, normal(4, 3).requires_grad_())

    @pytest.mark.parametrize(
        ("layers", "error", "message"),
        [
            (7, ValueError, r"layers must be among 0 \(hidden\), 1 \(out\), got 7"),
            (["hiden"], ValueError, "got 'hiden'"),
            ([], ValueError, "at least one"),
            ([True], TypeError, "numbers or names"),
        ],
    )
    def test_layers_that_do_not_exist_are_refused(self, layers, error, message):
        with pytest.raises(error, match=message):
            layer_gradients(*model("matrices"), layers=layers)

    def test_a_lazy_module_must_run_first(self):
        with pytest.raises(ValueError, match=r"LazyLinear\.weight has no shape yet"):
            layer_gradients(nn.LazyLinear(3), square, normal(4, 5))


def state_of(net):
    """Everything that measuring could change, as plain values."""
    tensors = {name: (id(t), t.clone()) for name, t in net.named_buffers()}
    plain = [(name, module.training, sorted(vars(module))) for name, module in net.named_modules()]
    return tensors, plain, [parameter.grad for parameter in net.parameters()]


def random_state():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002


class TestMeasuringChangesNothing:
    @every_model
    @pytest.mark.parametrize("measure", [layer_gradients, gradient_reliability])
    def test_buffers_modes_attributes_and_random_states_stay(self, name, measure):
        net, loss_fn, batch = model(name)
        loss_fn(net, batch)  # leaves hidden states with a graph
        net.train()
        next(net.children(), net).eval()

        def noisy_loss(n, b):
            n.train()
            n.seen = np.random.rand(), random.random()  # noqa: NPY002
            return loss_fn(n, b)

        for parameter in net.parameters():
            parameter.grad = torch.ones_like(parameter)
        before, draws = state_of(net), random_state()
        measure(
            net, noisy_loss, batch, **({} if measure is layer_gradients else {"batch_dim": 1 if name in BY_TIME else 0})
        )
        assert random_state() == draws
        (old, *rest), (new, *others) = before, state_of(net)
        assert [[x[0] for x in rest[0]], rest[0]] == [[x[0] for x in others[0]], others[0]]
        assert all(a is b and (a == 1).all() for a, b in zip(rest[1], others[1], strict=True))
        assert old.keys() == new.keys()
        for buffer, (identity, value) in old.items():
            assert new[buffer][0] == identity
            assert torch.equal(new[buffer][1], value), buffer

    def test_an_error_leaves_everything_too(self):
        net, _, batch = model("convolutional")
        before = state_of(net)
        with pytest.raises(ValueError, match="scalar tensor"):
            layer_gradients(net, lambda n, x: n(x), batch)
        assert torch.equal(net.bn1.running_mean, before[0]["bn1.running_mean"][1])
        assert int(net.bn1.num_batches_tracked) == 0

    def test_the_noise_of_a_network_is_the_same_in_two_measurements_unless_asked_for(self):
        net = SpikingMLP([5, 8, 3], gain=3.0, escape_noise=3.0)
        x, before = normal(6, 5), net.noise_rng.bit_generator.state
        first, again = (layer_gradients(net, square, x)[0] for _ in range(2))
        assert net.noise_rng.bit_generator.state == before
        assert torch.equal(first, again)
        gradient_reliability(net, square, x, num_splits=2)
        assert net.noise_rng.bit_generator.state == before
        fresh, other = (layer_gradients(net, square, x, fresh_noise=True)[0] for _ in range(2))
        assert torch.equal(fresh, first)
        assert not torch.equal(other, first)

    def test_halves_of_a_batch_meet_different_noise(self):
        """The same examples in both halves: what is left of their disagreement is dropout."""
        net = nn.Sequential(nn.Linear(4, 30), nn.ReLU(), nn.Dropout(0.5), nn.Linear(30, 1))
        torch.manual_seed(0)
        x = normal(1, 4).repeat(4, 1)
        assert gradient_reliability(net, square, x)[1] < 0.99
        assert gradient_reliability(net.eval(), square, x)[1] == pytest.approx(1.0)

    def test_a_library_network_is_measured_bit_for_bit_as_by_autograd(self):
        for replicas in (None, 2):
            net, x = SpikingMLP([5, 8, 6, 3], gain=3.0, replicas=replicas), normal(4, 5)
            loss = net(x).square().mean(dim=(-2, -1))
            by_hand = torch.autograd.grad(loss.sum(), list(net.weights))
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                grads = layer_gradients(net, lambda n, b: n(b).square().mean(dim=(-2, -1)), x)
            assert all(torch.equal(grads[layer], grad) for layer, grad in enumerate(by_hand))


BY_TIME = ("recurrent", "lstm", "attention")


class TestBatchesOfAnyLayout:
    @pytest.mark.parametrize("batch_dim", [1, (1, 0), [1, -1]])
    def test_the_library_own_spike_task_can_be_split(self, batch_dim):
        batch = spike_classification(40)
        inputs, labels = batch
        net = SpikingMLP([inputs.shape[-1], 20, int(labels.max()) + 1], gain=2.0)

        def loss_fn(n, b):
            return nn.functional.cross_entropy(n.sequence(b[0]), b[1])

        reliability = gradient_reliability(net, loss_fn, batch, batch_dim=batch_dim)
        assert all(-1 <= value <= 1 for value in reliability.values())
        assert reliability == gradient_reliability(net, loss_fn, batch, batch_dim=(1, 0))

    @pytest.mark.parametrize(
        ("batch_dim", "error", "message"),
        [
            (0, ValueError, r"got \[6, 4\] on axis 0; batch_dim takes one axis a tensor"),
            ((1,), ValueError, "batch_dim must be an axis of each tensor, or one for each"),
            ((1, 3), ValueError, "batch_dim must be an axis of each tensor"),
            ((1, 0.5), TypeError, "batch_dim must be an integer"),
        ],
    )
    def test_axes_that_do_not_fit_are_refused(self, batch_dim, error, message):
        with pytest.raises(error, match=message):
            gradient_reliability(nn.Linear(5, 2), square, (normal(6, 4, 5), normal(4)), batch_dim=batch_dim)

    def test_a_batch_of_anything_else_is_refused(self):
        with pytest.raises(TypeError, match="tuple of tensors"):
            gradient_reliability(nn.Linear(5, 2), square, (normal(4, 5), [1, 2, 3, 4]))


def three_steps(net, x):
    for _ in range(3):
        net(3 * x)


class TestFiringRates:
    @pytest.mark.parametrize("replicas", [None, 2])
    def test_of_a_library_network_are_its_own(self, replicas):
        net, x = SpikingMLP([5, 8, 6, 3], gain=4.0, replicas=replicas), normal(6, 5)
        rates = firing_rates(net, (x, None))
        assert all(torch.equal(torch.as_tensor(rates[k]), torch.as_tensor(v)) for k, v in net.firing_rates(x).items())
        recurrent, sequence = RecurrentLIF(5, 8, 3, input_gain=5.0), normal(7, 6, 5)
        assert firing_rates(recurrent, sequence) == recurrent.firing_rates(sequence)

    def test_of_the_snntorch_twin_are_those_of_the_network(self):
        net, x = SpikingMLP([5, 8, 6, 3], gain=4.0), normal(6, 5)
        twin = firing_rates(net.to_snntorch(), x)
        assert twin == pytest.approx(net.firing_rates(x))
        assert twin.names == {0: "neurons.0", 1: "neurons.1"}
        sequence = normal(7, 6, 5)
        stepped = firing_rates(net.to_snntorch(), sequence, lambda n, b: n.sequence(b))
        assert stepped == pytest.approx(firing_rates(net, sequence, sequence=True))

    def test_by_hand(self):
        net = nn.Sequential(snn.Leaky(beta=0.0, init_hidden=True, reset_mechanism="none"))
        assert firing_rates(net, torch.tensor([[2.0, 2.0, 0.5, 0.0]])) == {0: 0.5}

    @pytest.mark.parametrize("name", ["convolutional", "recurrent"])
    def test_of_any_model_are_counted_at_its_neurons(self, name):
        net, _, batch = model(name)
        with torch.no_grad():
            net.fc1.weight.mul_(4)
        rates = firing_rates(net, (batch, torch.zeros(3)))
        assert list(rates.names.values()) == (["lif1", "lif2"] if name == "recurrent" else ["lif1", "lif2", "lif3"])
        assert all(0 < rate < 1 for rate in rates.values())

    @pytest.mark.parametrize(
        "neuron",
        [
            lambda **s: snn.Leaky(beta=0.9, **s),
            lambda **s: snn.Lapicque(R=5.0, C=1.0, **s),
            lambda **s: snn.Synaptic(alpha=0.5, beta=0.9, **s),
            lambda **s: snn.Alpha(alpha=0.9, beta=0.8, **s),
            lambda **s: snn.RLeaky(beta=0.9, linear_features=5, **s),
            lambda **s: snn.RSynaptic(alpha=0.5, beta=0.9, linear_features=5, **s),
            lambda **s: snn.Leaky(beta=0.9, graded_spikes_factor=2.5, **s),
        ],
    )
    @pytest.mark.parametrize("output", [False, True])
    def test_every_kind_of_neuron_is_counted_whatever_it_returns(self, neuron, output):
        net = nn.Sequential(nn.Linear(5, 5), neuron(init_hidden=True, output=output))
        spikes = []
        hook = net[1].register_forward_hook(lambda _, __, out: spikes.append(out[0] if output else out))
        (rate,) = firing_rates(net, normal(6, 5), three_steps).values()
        hook.remove()
        assert rate == pytest.approx((torch.stack(spikes) != 0).float().mean().item())
        assert len(spikes) == 3

    def test_a_model_is_left_as_it_was_and_begins_from_rest(self):
        net, _, x = model("sequential")
        three_steps(net, x)
        before, draws = state_of(net), random_state()
        first, again = (firing_rates(net, x, three_steps) for _ in range(2))
        assert first == again
        assert random_state() == draws
        for name, (identity, value) in state_of(net)[0].items():
            assert identity == before[0][name][0]
            assert torch.equal(value, before[0][name][1])
        assert not any(module._forward_hooks for module in net.modules())

    def test_a_dead_layer_is_named(self):
        net, _, x = model("sequential")
        with torch.no_grad():
            net[2].weight.zero_()
            net[2].bias.fill_(-1.0)
        with pytest.warns(DeadLayerWarning, match=r"layer 1 \(3\) is dead: firing rate 0\.00000"):
            firing_rates(net, x, three_steps)

    def test_neurons_that_do_not_run_are_named(self):
        net, _, x = model("convolutional")
        with pytest.warns(UserWarning, match="neurons did not run and have no rate: lif2, lif3"):
            rates = firing_rates(net, x, lambda n, b: n.lif1(n.conv1(9 * b)))
        assert rates.names == {0: "lif1"}

    @pytest.mark.parametrize(
        ("net", "forward", "message"),
        [
            (nn.Linear(5, 2), None, "must hold snnTorch neurons"),
            (nn.Sequential(nn.Linear(5, 5), SpikingMLP([5, 6, 3])), None, "SpikingMLP inside: ask model.1 alone"),
            (SpikingMLP([5, 6, 3]), three_steps, "forward must be None"),
            (nn.Sequential(snn.Leaky(beta=0.9)), lambda n, b: None, "no neuron of Sequential ran"),
            (snn.StateLeaky(beta=0.9, channels=5, output=False), lambda n, b: n(b.unsqueeze(0)), "must return spikes"),
        ],
    )
    def test_what_has_no_spikes_is_refused(self, net, forward, message):
        with pytest.raises(ValueError, match=message):
            firing_rates(net, normal(4, 5), forward)


class TestScaleToRate:
    @pytest.mark.parametrize(
        ("name", "forward"), [("convolutional", None), ("recurrent", None), ("sequential", three_steps)]
    )
    def test_every_spiking_layer_reaches_the_rate(self, name, forward):
        net, _, batch = model(name)
        with torch.no_grad():
            for weight in matrices_in(net).values():
                weight.mul_(0.2)
        draws = random_state()
        gains = scale_to_rate(net, batch if forward else (batch, None), 0.2, forward=forward)
        assert random_state() == draws
        rates = firing_rates(net, batch, forward)
        assert gains.names == rates.names
        assert list(rates.values()) == pytest.approx([0.2] * len(rates), abs=0.05)

    def test_a_normalisation_before_the_neuron_is_what_is_scaled(self):
        net, _, batch = model("convolutional")
        conv, norm = net.conv1.weight.clone(), net.bn1.weight.clone()
        gains = scale_to_rate(net, batch, 0.1)
        assert torch.equal(net.conv1.weight, conv)
        assert torch.allclose(net.bn1.weight, norm * gains[0])

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda net: net.__setitem__(0, nn.Identity()), "got 1 without one"),
            (lambda net: net.__setitem__(2, net[0]), "got 1 with one that drives several"),
            (lambda net: prune.l1_unstructured(net[0], "weight", 0.5), "plain parameter"),
        ],
    )
    def test_weights_that_cannot_be_told_are_refused(self, change, message):
        net = nn.Sequential(
            nn.Linear(5, 5),
            snn.Leaky(beta=0.9, init_hidden=True),
            nn.Linear(5, 5),
            snn.Leaky(beta=0.9, init_hidden=True),
        )
        change(net)
        with pytest.raises(ValueError, match=message):
            scale_to_rate(net, normal(4, 5), forward=three_steps)

    def test_a_recurrent_library_network_is_refused(self):
        with pytest.raises(TypeError, match="input_gain"):
            scale_to_rate(RecurrentLIF(5, 8, 3), normal(7, 4, 5))
