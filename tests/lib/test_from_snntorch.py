"""Claims about `from_snntorch`: a chain of Linear and Leaky equals its SpikingMLP; anything else is refused by name."""

import numpy as np
import pytest
import snntorch as snn
import torch
from snntorch import surrogate, utils
from torch import nn
from torch.nn.utils import prune

from snnsg_lib.gradients import layer_gradients
from snnsg_lib.networks import SpikingMLP, from_snntorch
from snnsg_lib.surrogates import FastSigmoid

RESETS = ("subtract", "zero", "none")


def normal(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).float()


def relative_error(found, expected):
    return ((found.double() - expected.double()).norm() / (expected.double().norm() + 1e-30)).item()


def leaky(**settings):
    return snn.Leaky(**({"beta": 0.9, "spike_grad": FastSigmoid(10.0)} | settings))


def linear(fan_in, fan_out, **settings):
    torch.manual_seed(fan_in + fan_out)
    module = nn.Linear(fan_in, fan_out, **settings)
    with torch.no_grad():
        module.weight.mul_(3)
    return module


class Tutorial(nn.Module):
    """The first network of snnTorch's tutorials: a static input, a loop, spikes and potentials of the last layer."""

    def __init__(self, num_steps=6, bias=True, neuron=leaky):
        super().__init__()
        self.num_steps = num_steps
        self.fc1, self.lif1 = linear(5, 20, bias=bias), neuron()
        self.fc2, self.lif2 = linear(20, 8, bias=bias), neuron()

    def forward(self, x):
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes = []
        for _ in range(self.num_steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem=mem2)
            spikes.append(spk2)
        return torch.stack(spikes)


def stepped(chain, x):
    """Run a chain with init_hidden on each step of x, and return its outputs."""
    net = nn.Sequential(*chain)
    utils.reset(net)
    return torch.stack([net(step) for step in x])


def assert_same(net, chain, run, expected_of, x):
    """Outputs and gradients of all that learns, within the tolerances of the reference."""
    out, expected = run(net, x), expected_of()
    assert torch.allclose(out, expected, rtol=1e-5, atol=1e-5)
    assert expected.abs().sum() > 0
    out.square().sum().backward()
    expected.square().sum().backward()
    for mine, theirs in zip(
        [w for w in net.weights if w.requires_grad], [m for m in chain if hasattr(m, "weight")], strict=True
    ):
        assert torch.equal(mine, theirs.weight.mT)
        assert relative_error(mine.grad, theirs.weight.grad.mT) <= 5e-6
        assert theirs.weight.grad.norm() > 0


class TestAChainEqualsItsNetwork:
    @pytest.mark.parametrize("reset", RESETS)
    @pytest.mark.parametrize("readout", ["rate", "membrane"])
    @pytest.mark.parametrize("bias", [True, False])
    def test_there_and_back_is_the_same_network(self, reset, readout, bias):
        net = SpikingMLP([5, 20, 16, 3], 6, 0.8, 1.2, reset_mechanism=reset, readout=readout, bias=bias, gain=3.0)
        back, x = from_snntorch(net.to_snntorch()), normal(8, 5)
        assert torch.equal(back(x), net(x))
        assert repr(back).splitlines()[0] == repr(net).splitlines()[0]
        assert back.betas + back.thresholds == pytest.approx(net.betas + net.thresholds)
        for mine, theirs in zip(*(torch.autograd.grad(n(x).sum(), list(n.weights)) for n in (back, net)), strict=True):
            assert torch.equal(mine, theirs)

    @pytest.mark.parametrize("reset", RESETS)
    def test_a_sequential_that_ends_in_linear_gives_the_mean_over_steps(self, reset):
        settings = {"init_hidden": True, "reset_mechanism": reset}
        chain = [linear(5, 20), leaky(**settings), linear(20, 16), leaky(beta=0.5, **settings), linear(16, 3)]
        net, x = from_snntorch(nn.Sequential(*chain[:2], nn.Sequential(*chain[2:])), num_steps=7), normal(7, 4, 5)
        assert net.num_steps == 7
        assert_same(net, chain, SpikingMLP.sequence, lambda: stepped(chain, x).mean(0), x)

    def test_spikes_of_every_layer_are_those_of_the_chain_bit_for_bit(self):
        module, x = Tutorial(), normal(9, 5)
        _, recording = from_snntorch(module)(x, record=True)
        assert torch.equal(recording.spk[1], module(x))

    @pytest.mark.parametrize("bias", [True, False])
    def test_a_module_that_ends_in_spikes_gives_their_rate_through_a_frozen_identity(self, bias):
        module, x = Tutorial(bias=bias), normal(9, 5)
        net = from_snntorch(module)
        assert net.num_steps == 6
        assert net.sizes == [5, 20, 8, 8]
        assert torch.equal(net.weights[2], torch.eye(8))
        assert_same(net, [module.fc1, module.fc2], SpikingMLP.forward, lambda: module(x).mean(0), x)
        assert list(layer_gradients(net, lambda n, b: n(b).sum(), x, layers=[0, 1])) == [0, 1]
        twin = net.to_snntorch()
        assert [part.weight.requires_grad for part in twin.linears] == [True, True, False]

    def test_a_last_leaky_without_reset_can_be_read_out_at_its_membrane(self):
        settings = {"init_hidden": True}
        last = leaky(beta=0.7, reset_mechanism="none", output=True, **settings)
        chain, x = [linear(5, 20), leaky(**settings), linear(20, 3), last], normal(7, 4, 5)
        net = from_snntorch(chain, readout="membrane")
        assert (net.readout, net.readout_beta, net.sizes) == ("membrane", pytest.approx(0.7), [5, 20, 3])

        def membrane():
            parts = nn.Sequential(*chain)
            utils.reset(parts)
            return [parts(step)[1] for step in x][-1]

        assert_same(net, chain, SpikingMLP.sequence, membrane, x)

    def test_constants_of_each_neuron_come_along_and_learn_as_there(self):
        first = leaky(beta=torch.linspace(0.3, 1.4, 20), learn_threshold=True, threshold=torch.linspace(0.5, 1.5, 20))
        second = leaky(beta=0.6, learn_beta=True, threshold=torch.tensor([0.8]))
        neurons = iter([first, second])
        module, x = Tutorial(neuron=lambda: next(neurons)), normal(9, 5)
        net = from_snntorch(module)
        assert [p.requires_grad for p in net.betas] == [False, True]
        assert [p.requires_grad for p in net.thresholds] == [True, False]
        assert net.betas[0].max() == 1.0
        out, expected = net(x), module(x).mean(0)
        assert torch.allclose(out, expected, atol=1e-6)
        found = torch.autograd.grad(out.square().sum(), [net.betas[1], net.thresholds[0]])
        theirs = torch.autograd.grad(expected.square().sum(), [second.beta, first.threshold])
        for mine, other in zip(found, theirs, strict=True):
            assert relative_error(mine, other) <= 1e-4

    def test_surrogates_are_held_never_copied_whoever_made_them(self):
        for spike_grad in (FastSigmoid(7.0), surrogate.fast_sigmoid(7), None):
            module = Tutorial(neuron=lambda s=spike_grad: leaky(spike_grad=s))
            net = from_snntorch(module)
            assert net.surrogates[0] is module.lif1.spike_grad
            assert torch.allclose(net(normal(4, 5)), module(normal(4, 5)).mean(0), atol=1e-6)

    def test_dtype_frozen_layers_and_missing_biases_come_along(self):
        chain = [linear(5, 20, bias=False), leaky(init_hidden=True), linear(20, 3)]
        chain[0].weight.requires_grad_(False)
        net, x = from_snntorch(nn.Sequential(*chain).double()), normal(7, 4, 5).double()
        assert net.weights[0].dtype == torch.float64
        assert [w.requires_grad for w in net.weights] == [False, True]
        assert [b.requires_grad for b in net.biases] == [False, True]
        assert torch.allclose(net.sequence(x), stepped(chain, x).mean(0))

    def test_the_module_is_left_as_it_was(self):
        module = Tutorial()
        module(normal(3, 5))
        mem, hooks = module.lif1.mem, [len(part._forward_hooks) for part in module.modules()]
        draws = torch.get_rng_state()
        net = from_snntorch(module)
        assert module.lif1.mem is mem
        assert [len(part._forward_hooks) for part in module.modules()] == hooks
        assert torch.equal(torch.get_rng_state(), draws)
        before = module.fc1.weight.clone()
        with torch.no_grad():
            net.weights[0].zero_()
        assert torch.equal(module.fc1.weight, before)

    def test_a_module_of_sequences_runs_on_the_example_it_is_given(self):
        class OverTime(Tutorial):
            def forward(self, x):
                mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
                spikes = []
                for step in range(x.shape[1]):
                    spk, mem1 = self.lif1(self.fc1(x[:, step].flatten(1)), mem1)
                    spk, mem2 = self.lif2(self.fc2(spk), mem2)
                    spikes.append(spk)
                return torch.stack(spikes)

        module, x = OverTime(), normal(4, 7, 5, 1)
        with pytest.raises(ValueError, match="example="):
            from_snntorch(module, example=normal(4))
        net = from_snntorch(module, example=x)
        assert net.num_steps == 7
        assert torch.allclose(net.sequence(x.squeeze(-1).transpose(0, 1).contiguous()), module(x).mean(0), atol=1e-6)


class Changed(Tutorial):
    """A tutorial network with something between its two layers, or around them."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        mem1, mem2, back = self.lif1.init_leaky(), self.lif2.init_leaky(), 0.0
        for _ in range(self.num_steps):
            current = self.fc1(x + back)
            spk, mem1 = self.lif1(current, mem1)
            mem1 = {"detached": mem1.detach(), "leaking": 0.5 * mem1}.get(self.change, mem1)
            between = {"scaled": 2 * spk, "relu": torch.relu(spk), "skip": spk + current, "membrane": mem1}
            spk, mem2 = self.lif2(self.fc2(between.get(self.change, spk)), mem2)
            back = spk[:, :5] if self.change == "recurrent" else 0.0
        return spk


hidden = {"init_hidden": True}
CHAINS = {
    "conv": ([nn.Conv1d(5, 5, 1), leaky()], "got Conv1d where Linear number 0 would stand"),
    "rleaky": (
        [linear(5, 8), snn.RLeaky(beta=0.9, linear_features=8), linear(8, 3)],
        "got RLeaky where Leaky number 0",
    ),
    "synaptic": ([linear(5, 8), snn.Synaptic(alpha=0.9, beta=0.9), linear(8, 3)], "got Synaptic where Leaky number 0"),
    "dropout": ([linear(5, 8), leaky(), nn.Dropout(0.5), linear(8, 3)], "got Dropout where Linear number 1"),
    "two linear": ([linear(5, 8), linear(8, 8), leaky()], "got Linear where Leaky number 0"),
    "no neuron": ([linear(5, 8)], "at least one spiking layer"),
    "empty": ([], "at least one spiking layer"),
    "inhibition": ([linear(5, 8), leaky(inhibition=True)], "Leaky 0 must be without inhibition"),
    "quantised": ([linear(5, 8), leaky(state_quant=lambda x: x)], "without state_quant"),
    "graded": ([linear(5, 8), leaky(graded_spikes_factor=2.0)], "without graded_spikes_factor"),
    "no delay": ([linear(5, 8), leaky(reset_delay=False)], "without reset_delay=False"),
    "resets": (
        [linear(5, 8), leaky(), linear(8, 8), leaky(reset_mechanism="zero"), linear(8, 3)],
        r"the same in every layer of a SpikingMLP, got \['subtract', 'zero'\]",
    ),
    "threshold": ([linear(5, 8), leaky(threshold=-1.0)], "threshold must be"),
}


class TestAnythingElseIsRefused:
    @pytest.mark.filterwarnings("ignore:Inhibition")
    @pytest.mark.parametrize("name", CHAINS)
    def test_by_its_name(self, name):
        chain, message = CHAINS[name]
        with pytest.raises(ValueError, match=message):
            from_snntorch(chain)

    def test_a_module_twice_or_pruned(self):
        lif = leaky(init_hidden=True)
        with pytest.raises(ValueError, match="stands in it twice"):
            from_snntorch([linear(5, 5), lif, linear(5, 5), lif])
        pruned = linear(5, 8)
        prune.l1_unstructured(pruned, "weight", 0.5)
        with pytest.raises(ValueError, match="pruned one in Linear 0"):
            from_snntorch([pruned, leaky()])

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("scaled", "fc2 must be called on what lif1 returns"),
            ("relu", "fc2 must be called on what lif1 returns"),
            ("skip", "fc2 must be called on what lif1 returns"),
            ("membrane", "fc2 must be called on what lif1 returns"),
            ("recurrent", "input of fc1 must not depend"),
            ("detached", "lif1 must get the membrane potential that it returned"),
            ("leaking", "lif1 must get the membrane potential that it returned"),
        ],
    )
    def test_a_module_that_does_more_than_its_chain(self, change, message):
        assert from_snntorch(Changed("nothing")).sizes == [5, 20, 8, 8]
        with pytest.raises(ValueError, match=message):
            from_snntorch(Changed(change))

    def test_hidden_states_that_are_reset_between_steps(self):
        class Forgetful(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc, self.lif = linear(5, 20), leaky(init_hidden=True)

            def forward(self, x):
                spikes = []
                for _ in range(5):
                    self.lif.reset_mem()
                    spikes.append(self.lif(self.fc(x)))
                return torch.stack(spikes)

        with pytest.raises(ValueError, match=r"membrane potential of snn\.Leaky 0 differs"):
            from_snntorch(Forgetful())

    @pytest.mark.parametrize(
        ("module", "settings", "error", "message"),
        [
            ([linear(5, 8), leaky(), linear(8, 3)], {"readout": "membrane"}, ValueError, "ends in nn.Linear"),
            ([linear(5, 8), leaky(), linear(8, 3), leaky()], {"readout": "membrane"}, ValueError, "must be 'none'"),
            ([linear(5, 8), leaky()], {"readout": "spikes"}, ValueError, "readout must be one of"),
            ([linear(5, 8), leaky()], {"num_steps": 0}, ValueError, "num_steps must be"),
            (nn.Conv2d(1, 1, 3), {}, ValueError, "must hold snnTorch neurons"),
        ],
    )
    def test_settings_that_do_not_fit(self, module, settings, error, message):
        with pytest.raises(error, match=message):
            from_snntorch(module, **settings)

    def test_parts_that_are_not_called(self):
        module = Tutorial()
        module.head = nn.Linear(8, 2)
        with pytest.raises(ValueError, match="did not call head"):
            from_snntorch(module)
