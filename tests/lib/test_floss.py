"""Flossing moves exponents to their target, keeps replicas apart, and counts every step in the budget."""

import numpy as np
import pytest
import torch

from snnsg_lib.lyapunov import LyapunovError, floss, flossing_loss, surrogate_lyapunov_spectrum
from snnsg_lib.networks import RecurrentLIF
from snnsg_lib.surrogates import FastSigmoid
from snnsg_lib.tasks import delayed_copy


def network(**settings):
    defaults = {"alpha": 0.4, "beta": 0.6, "current_scale": 0.4, "input_gain": 3.0, "bias_range": (0.0, 1.0)}
    return RecurrentLIF(2, 24, 2, surrogate=FastSigmoid(5.0), **defaults | settings)


def copy_trials(epoch):
    return delayed_copy(4, 20, noise=0.1, rng=epoch)


def task_loss(net, trials):
    return trials.loss(net(trials.inputs))


def leading(net, num_exponents=1):
    return surrogate_lyapunov_spectrum(net, copy_trials(0).inputs, num_exponents, transient=0).detach().mean(-2)


def test_flossing_loss_is_the_mean_square_distance_to_the_target():
    exponents = torch.tensor([[0.0, -0.2], [0.4, -0.6]]).double()
    assert flossing_loss(exponents).item() == pytest.approx((0.04 + 0.16 + 0.36) / 4)
    assert flossing_loss(exponents, target=-0.2).item() == pytest.approx((0.04 + 0 + 0.36 + 0.16) / 4)
    assert flossing_loss(exponents[0]).item() == pytest.approx(0.02)
    replicas = torch.stack([exponents, 0 * exponents])
    assert flossing_loss(replicas).tolist() == pytest.approx([0.14, 0.0])


@pytest.mark.parametrize("target", [0.0, -0.1])
def test_flossing_brings_the_leading_exponent_to_the_target(target):
    net = network(replicas=2)
    before = (leading(net) - target).abs()
    history = floss(net, copy_trials, 30, target=target, floss_lr=1e-2)
    assert (before > 0.1).all()
    assert ((leading(net) - target).abs() < 0.3 * before).all()
    assert len(history) == 30
    assert {epoch.kind for epoch in history} == {"floss"}
    assert history[-1].exponents.shape == (2, 1)
    assert (history[-1].flossing_loss < history[0].flossing_loss).all()
    assert history[0].loss is None


def test_pushing_some_exponents_up_pushes_the_others_down():
    net, inputs, spectra = network(), copy_trials(0).inputs, []
    for num_epochs in (0, 40):
        floss(net, inputs, num_epochs, num_exponents=8)
        spectra.append(surrogate_lyapunov_spectrum(net, inputs, 48, qr_interval=1, transient=0).detach().mean(0))
    before, after = spectra
    assert after[:8].mean() > before[:8].mean()
    assert after[8:].mean() < before[8:].mean()
    assert after.sum().item() == pytest.approx(before.sum().item(), abs=1e-3)


@pytest.mark.parametrize("schedule", [{0: 3}, {2: 2, 4: 1}, {0: 2, 3: 2}], ids=["before", "during", "both"])
def test_flossing_steps_come_where_the_schedule_says_and_count_in_the_budget(schedule):
    net, trained = network(), 0
    history = floss(net, copy_trials, 8, loss_fn=task_loss, schedule=schedule)
    expected = []
    while len(expected) < 8:
        expected += ["floss"] * schedule.get(trained, 0) + ["train"]
        trained += 1
    assert [epoch.kind for epoch in history] == expected[:8]
    for epoch in history:
        assert (epoch.exponents is None) == (epoch.kind == "train")
        assert (epoch.loss is None) == (epoch.kind == "floss")


def test_flossing_leaves_the_readout_alone_and_training_moves_it():
    net = network()
    readout = net.output_weight.detach().clone()
    floss(net, copy_trials, 3)
    assert torch.equal(net.output_weight, readout)
    floss(net, copy_trials, 3, loss_fn=task_loss)
    assert not torch.equal(net.output_weight, readout)


def test_weight_adds_the_penalty_to_every_training_step():
    nets = [network() for _ in range(2)]
    settings = {"loss_fn": task_loss, "lr": 1e-2}
    plain, both = (floss(net, copy_trials, 20, weight=w, **settings) for net, w in zip(nets, (0.0, 30.0), strict=True))
    assert all(epoch.flossing_loss is None for epoch in plain)
    assert all(epoch.kind == "train" and epoch.flossing_loss is not None for epoch in both)
    assert leading(nets[1]).abs() < 0.5 * leading(nets[0]).abs()


def test_replicas_floss_as_they_would_alone():
    stacked = network(replicas=2, seed=[3, 8])
    floss(stacked, copy_trials, 5)
    for replica, seed in enumerate((3, 8)):
        single = network(seed=seed)
        floss(single, copy_trials, 5)
        assert torch.allclose(stacked.recurrent_weight[replica], single.recurrent_weight, atol=1e-5)


def test_num_trials_flosses_the_first_trials_of_a_batch():
    nets, inputs = [network() for _ in range(2)], copy_trials(0).inputs
    floss(nets[0], inputs, 2, num_trials=2)
    floss(nets[1], inputs[:, :2], 2)
    assert torch.equal(nets[0].recurrent_weight, nets[1].recurrent_weight)


def test_equal_calls_give_equal_networks_and_leave_the_random_state():
    before, nets = torch.get_rng_state(), [network() for _ in range(2)]
    for net in nets:
        floss(net, copy_trials, 3, rng=np.random.default_rng(4))
    assert torch.equal(nets[0].recurrent_weight, nets[1].recurrent_weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_gradient_that_is_not_finite_does_no_harm():
    net = network()
    before = net.recurrent_weight.detach().clone()
    with pytest.raises(LyapunovError, match="gradient of train epoch 0 is not finite"):
        floss(net, copy_trials, 2, loss_fn=lambda net, trials: float("inf") * task_loss(net, trials))
    assert torch.equal(net.recurrent_weight, before)


def without_gradient(*trainable):
    """A network of which only the parameters named are trained."""
    net = network()
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name in trainable)
    return net


def test_training_without_flossing_needs_no_more_than_the_readout():
    net = without_gradient("output_weight")
    recurrent, readout = net.recurrent_weight.clone(), net.output_weight.detach().clone()
    floss(net, copy_trials, 2, loss_fn=task_loss)
    assert torch.equal(net.recurrent_weight, recurrent)
    assert not torch.equal(net.output_weight, readout)


def test_flossing_moves_only_what_requires_a_gradient():
    net = without_gradient("recurrent_weight")
    before = {name: x.detach().clone() for name, x in net.named_parameters()}
    with torch.no_grad():  # where the caller evaluates
        floss(net, copy_trials, 2)
    moved = [name for name, x in net.named_parameters() if not torch.equal(x, before[name])]
    assert moved == ["recurrent_weight"]


def test_a_batch_that_cannot_be_flossed_is_refused_before_the_first_training_step():
    net = network()
    before = net.output_weight.detach().clone()
    with pytest.raises(ValueError, match=r"transient must be an integer in \[0, 22\], got 30"):
        floss(net, copy_trials, 4, loss_fn=task_loss, schedule={2: 2}, transient=30)
    assert torch.equal(net.output_weight, before)


NET, STACKED = network(), network(replicas=2)
TRAIN = {"num_epochs": 1, "loss_fn": task_loss}


def returning(loss, net=NET):
    return lambda: floss(net, copy_trials, 1, loss_fn=lambda net, trials: loss)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: flossing_loss([0.1]), TypeError, ("exponents", "floating-point", "[0.1]")),
        (lambda: flossing_loss(torch.zeros(0)), ValueError, ("exponents", "num_exponents", "(0,)")),
        (lambda: flossing_loss(torch.zeros(1, 1, 1, 1)), ValueError, ("exponents", "batch", "(1, 1, 1, 1)")),
        (lambda: flossing_loss(torch.zeros(2), float("nan")), ValueError, ("target", "finite", "nan")),
        (lambda: floss(torch.nn.Linear(2, 2), copy_trials), TypeError, ("network", "RecurrentLIF", "Linear")),
        (lambda: floss(NET, 3), TypeError, ("batches", "callable", "int")),
        (lambda: floss(NET, copy_trials, -1), ValueError, ("num_epochs", ">= 0", "-1")),
        (lambda: floss(NET, copy_trials, loss_fn=3), TypeError, ("loss_fn", "callable", "3")),
        (lambda: floss(NET, copy_trials, schedule={0: 3}), ValueError, ("schedule", "loss_fn", "{0: 3}")),
        (lambda: floss(NET, copy_trials, loss_fn=task_loss, schedule=[3]), TypeError, ("schedule", "mapping", "[3]")),
        (lambda: floss(NET, copy_trials, loss_fn=task_loss, schedule={0: -3}), ValueError, ("schedule", ">= 0", "-3")),
        (lambda: floss(NET, copy_trials, loss_fn=task_loss, weight=-1), ValueError, ("weight", ">= 0", "-1")),
        (lambda: floss(NET, copy_trials, num_exponents=49), ValueError, ("num_exponents", "[1, 48]", "49")),
        (lambda: floss(NET, copy_trials, weight=1.0), ValueError, ("weight", "0 without loss_fn", "1.0")),
        (lambda: floss(NET, copy_trials, 0, num_exponents="x"), TypeError, ("num_exponents", "[1, 48]", "'x'")),
        (lambda: floss(NET, copy_trials, 0, qr_interval=0), ValueError, ("qr_interval", ">= 1", "0")),
        (lambda: floss(NET, copy_trials, 0, transient=-1), ValueError, ("transient", ">= 0", "-1")),
        (lambda: floss(NET, copy_trials, 0, rng=3), TypeError, ("rng", "Generator", "3")),
        (lambda: floss(NET, torch.zeros(3)), ValueError, ("batches", "num_steps, batch, 2", "(3,)")),
        (lambda: floss(NET, torch.zeros(9, 4, 3), 0), ValueError, ("batches", "num_steps, batch, 2", "(9, 4, 3)")),
        (lambda: floss(NET, torch.full((60, 4, 2), float("nan"))), ValueError, ("inputs", "finite", "480 NaN or Inf")),
        (lambda: floss(NET, lambda epoch: [copy_trials(epoch).inputs]), TypeError, ("batches", "tuple", "got list")),
        (lambda: floss(NET, lambda epoch: None), TypeError, ("batches", "tensor", "got NoneType")),
        (lambda: floss(NET, lambda epoch: ()), TypeError, ("batches", "tensor", "got tuple")),
        (lambda: floss(NET, lambda epoch: (3, 4)), TypeError, ("batches", "tensor", "begins with int")),
        (lambda: floss(without_gradient(), copy_trials), ValueError, ("network", "gradient", "[]")),
        (lambda: floss(without_gradient(), copy_trials, **TRAIN), ValueError, ("network", "gradient", "[]")),
        (
            lambda: floss(without_gradient("output_weight"), copy_trials),
            ValueError,
            ("network", "besides its readout", "['output_weight']"),
        ),
        (
            lambda: floss(without_gradient("output_bias"), copy_trials, weight=1.0, **TRAIN),
            ValueError,
            ("network", "besides its readout", "['output_bias']"),
        ),
        (returning(1.0), TypeError, ("loss_fn", "a scalar", "float")),
        (returning(torch.tensor(1.0)), ValueError, ("loss_fn", "depends on the parameters", "1.0")),
        (returning(torch.zeros(4)), ValueError, ("loss_fn", "a scalar", "(4,)")),
        (returning(torch.zeros(4), STACKED), ValueError, ("loss_fn", "a scalar or (2,)", "(4,)")),
        (lambda: floss(NET, copy_trials, num_trials=0), ValueError, ("num_trials", ">= 1", "0")),
        (lambda: floss(NET, copy_trials, target="zero"), TypeError, ("target", "number", "'zero'")),
        (lambda: floss(NET, copy_trials, lr=0.0), ValueError, ("lr", "> 0", "0.0")),
        (lambda: floss(NET, copy_trials, floss_lr=-1.0), ValueError, ("floss_lr", "> 0", "-1.0")),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
