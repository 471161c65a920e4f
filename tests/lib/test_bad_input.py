"""Every wrong argument is refused at once, by an error that names the argument, what is allowed and what was given."""

# ruff: noqa: E501  one case a line

import re
from functools import partial

import pytest
import snntorch as snn
import torch

from snnsg_lib.lif import lif_scan, rlif_scan
from snnsg_lib.networks import RecurrentLIF, SpikingMLP, scale_to_rate
from snnsg_lib.surrogates import ATan, FastSigmoid, Sigmoid, Triangular, slope_set_to

NAN, INF = float("nan"), float("inf")
CURRENT = torch.zeros(5, 3, 4)
WEIGHT = torch.zeros(4, 4)


def set_slope(value):
    FastSigmoid().slope = value


def mlp(**settings):
    return SpikingMLP(**{"sizes": [6, 8, 3], **settings})


def recurrent(**settings):
    return RecurrentLIF(**{"num_inputs": 6, "num_neurons": 8, "num_outputs": 3, **settings})


def scan(**settings):
    return lif_scan(**{"current": CURRENT, **settings})


def rscan(**settings):
    return rlif_scan(**{"current": CURRENT, "recurrent_weight": WEIGHT, **settings})


def forward(x, replicas=None):
    return mlp(replicas=replicas)(x)


def sequence(x, replicas=None):
    return mlp(replicas=replicas).sequence(x)


# (id, call, error, what the message must hold: the argument, its range or shape, the value)
CASES = [
    # slopes
    ("slope 0", lambda: FastSigmoid(0), ValueError, ("slope", "finite and > 0", "0")),
    ("slope negative", lambda: ATan(-3.0), ValueError, ("slope", "finite and > 0", "-3.0")),
    ("slope NaN", lambda: Sigmoid(NAN), ValueError, ("slope", "finite and > 0", "nan")),
    ("slope inf", lambda: Triangular(INF), ValueError, ("slope", "finite and > 0", "inf")),
    ("slope string", lambda: FastSigmoid("25"), TypeError, ("slope", "finite and > 0", "'25'")),
    ("slope bool", lambda: FastSigmoid(True), TypeError, ("slope", "finite and > 0", "True")),
    ("slope None", lambda: FastSigmoid(None), TypeError, ("slope", "finite and > 0", "None")),
    ("slope list", lambda: FastSigmoid([1.0, 2.0]), TypeError, ("slope", "finite and > 0", "[1.0, 2.0]")),
    ("slope set to 0", lambda: set_slope(0.0), ValueError, ("slope", "finite and > 0", "0.0")),
    ("slope set to NaN", lambda: set_slope(NAN), ValueError, ("slope", "finite and > 0", "nan")),
    ("slope set to string", lambda: set_slope("steep"), TypeError, ("slope", "finite and > 0", "'steep'")),
    ("slope tensor with 0", lambda: FastSigmoid(torch.tensor([1.0, 0.0])), ValueError, ("slope", "> 0", "0.")),
    ("slope tensor empty", lambda: FastSigmoid(torch.zeros(0)), ValueError, ("slope", "> 0", "[]")),
    ("slope integer tensor", lambda: FastSigmoid(torch.tensor([1, 2])), TypeError, ("slope", "> 0", "torch.int64")),
    ("slope_set_to inf", lambda: mlp_slope(INF), ValueError, ("slope", "finite and > 0", "inf")),
    ("slope_set_to without surrogate", lambda: plain_slope(), ValueError, ("model", "surrogate", "Linear")),
    ("normalization", lambda: FastSigmoid(normalization="l2"), ValueError, ("normalization", "'peak', 'area'", "'l2'")),
    ("normalization None", lambda: ATan(normalization=None), TypeError, ("normalization", "'peak', 'area'", "None")),
    # lif_scan
    ("beta above 1", lambda: scan(beta=1.5), ValueError, ("beta", "in [0, 1]", "1.5")),
    ("beta negative", lambda: scan(beta=-0.1), ValueError, ("beta", "in [0, 1]", "-0.1")),
    ("beta NaN", lambda: scan(beta=NAN), ValueError, ("beta", "in [0, 1]", "nan")),
    ("beta string", lambda: scan(beta="0.9"), TypeError, ("beta", "in [0, 1]", "'0.9'")),
    ("beta None", lambda: scan(beta=None), TypeError, ("beta", "in [0, 1]", "None")),
    ("beta tensor above 1", lambda: scan(beta=torch.full((4,), 1.5)), ValueError, ("beta", "[0, 1]", "1.5")),
    ("beta tensor NaN", lambda: scan(beta=torch.full((4,), NAN)), ValueError, ("beta", "[0, 1]", "nan")),
    ("beta of wrong shape", lambda: scan(beta=torch.ones(5)), ValueError, ("beta", "(3, 4)", "(5,)")),
    ("beta with a time axis", lambda: scan(beta=torch.ones(5, 3, 4)), ValueError, ("beta", "(3, 4)", "(5, 3, 4)")),
    ("beta of wrong dtype", lambda: scan(beta=torch.ones(4).double()), TypeError, ("beta", "float32", "float64")),
    ("threshold 0", lambda: scan(threshold=0), ValueError, ("threshold", "> 0", "0")),
    ("threshold negative", lambda: scan(threshold=-1.0), ValueError, ("threshold", "> 0", "-1.0")),
    ("threshold NaN", lambda: scan(threshold=NAN), ValueError, ("threshold", "> 0", "nan")),
    ("threshold inf", lambda: scan(threshold=INF), ValueError, ("threshold", "finite", "inf")),
    ("threshold bool", lambda: scan(threshold=True), TypeError, ("threshold", "> 0", "True")),
    ("threshold tensor with 0", lambda: scan(threshold=torch.zeros(4)), ValueError, ("threshold", "> 0", "0.")),
    ("threshold of wrong shape", lambda: scan(threshold=torch.ones(3)), ValueError, ("threshold", "(3, 4)", "(3,)")),
    ("current not a tensor", lambda: lif_scan([[1.0]]), TypeError, ("current", "num_steps", "list")),
    ("current None", lambda: lif_scan(None), TypeError, ("current", "num_steps", "NoneType")),
    ("current of integers", lambda: lif_scan(CURRENT.long()), TypeError, ("current", "floating-point", "torch.int64")),
    ("current without steps", lambda: lif_scan(torch.ones(4)), ValueError, ("current", "num_steps", "(4,)")),
    ("empty batch", lambda: lif_scan(torch.ones(5, 0, 4)), ValueError, ("current", "empty", "(5, 0, 4)")),
    ("no steps", lambda: lif_scan(torch.ones(0, 3, 4)), ValueError, ("current", "empty", "(0, 3, 4)")),
    ("mem of wrong shape", lambda: scan(mem=torch.zeros(4)), ValueError, ("mem", "(3, 4)", "(4,)")),
    ("mem of wrong dtype", lambda: scan(mem=torch.zeros(3, 4).double()), TypeError, ("mem", "float32", "float64")),
    ("mem on another device", lambda: scan(mem=torch.zeros(3, 4, device="meta")), ValueError, ("mem", "cpu", "meta")),
    ("mem a number", lambda: scan(mem=0.0), TypeError, ("mem", "(3, 4)", "float")),
    ("reset_mechanism", lambda: scan(reset_mechanism="soft"), ValueError, ("reset_mechanism", "'zero'", "'soft'")),
    ("reset_mechanism None", lambda: scan(reset_mechanism=None), TypeError, ("reset_mechanism", "'zero'", "None")),
    ("detach_reset", lambda: scan(detach_reset="yes"), TypeError, ("detach_reset", "True or False", "'yes'")),
    ("backend", lambda: scan(backend="jax"), ValueError, ("backend", "'numpy', 'torch'", "'jax'")),
    ("backend for float64", lambda: float64_in_numpy(), ValueError, ("backend", "float32", "'numpy'")),
    ("surrogate string", lambda: scan(surrogate="atan"), TypeError, ("surrogate", "callable", "'atan'")),
    ("surrogate class", lambda: scan(surrogate=ATan), TypeError, ("surrogate", "callable", "the class ATan: make one of it")),
    ("surrogate class with a slope to come", lambda: scan(surrogate=partial(ATan, 5)), TypeError, ("surrogate", "callable", "the class ATan")),
    ("surrogate function of nothing", lambda: scan(surrogate=lambda: ATan(5)), TypeError, ("surrogate", "callable", "one argument")),
    ("surrogate function of two", lambda: scan(surrogate=lambda u, slope: u), TypeError, ("surrogate", "callable", "one argument")),
    ("surrogate of snnTorch without parentheses", lambda: scan(surrogate=snn.surrogate.fast_sigmoid), TypeError, ("surrogate", "spikes", "fast_sigmoid", "called first")),
    ("surrogate that makes no tensor", lambda: scan(surrogate=lambda u: u.tolist()), TypeError, ("surrogate", "(1, 1)", "[[")),
    ("surrogate of another shape", lambda: scan(surrogate=lambda u: u.sum()), TypeError, ("surrogate", "(3, 4)", "shape ()")),
    # rlif_scan
    ("recurrent surrogate class", lambda: rscan(surrogate=ATan), TypeError, ("surrogate", "callable", "the class ATan")),
    ("recurrent surrogate without parentheses", lambda: rscan(surrogate=snn.surrogate.atan), TypeError, ("surrogate", "spikes", "atan", "called first")),
    ("weight of wrong shape", lambda: rscan(recurrent_weight=torch.ones(4, 3)), ValueError, ("recurrent_weight", "(4, 4)", "(4, 3)")),
    ("weight a list", lambda: rscan(recurrent_weight=[[1.0]]), TypeError, ("recurrent_weight", "(4, 4)", "list")),
    ("weight None", lambda: rscan(recurrent_weight=None), TypeError, ("recurrent_weight", "(4, 4)", "None")),
    ("weight of wrong dtype", lambda: rscan(recurrent_weight=WEIGHT.double()), TypeError, ("recurrent_weight", "float32", "float64")),
    ("alpha above 1", lambda: rscan(alpha=2.0), ValueError, ("alpha", "in [0, 1]", "2.0")),
    ("alpha string", lambda: rscan(alpha="slow"), TypeError, ("alpha", "in [0, 1]", "'slow'")),
    ("syn without alpha", lambda: rscan(syn=torch.zeros(3, 4)), ValueError, ("syn", "alpha", "None")),
    ("syn of wrong shape", lambda: rscan(alpha=0.5, syn=torch.zeros(4, 3)), ValueError, ("syn", "(3, 4)", "(4, 3)")),
    ("spk of wrong shape", lambda: rscan(spk=torch.zeros(2, 4)), ValueError, ("spk", "(3, 4)", "(2, 4)")),
    ("recurrent beta NaN", lambda: rscan(beta=NAN), ValueError, ("beta", "in [0, 1]", "nan")),
    ("recurrent empty batch", lambda: rlif_scan(torch.ones(5, 0, 4), WEIGHT), ValueError, ("current", "empty", "(5, 0, 4)")),
    ("recurrent current of 2 axes", lambda: rlif_scan(torch.ones(5, 4), WEIGHT), ValueError, ("current", "3", "(5, 4)")),
    # networks
    ("sizes too few", lambda: mlp(sizes=[6, 3]), ValueError, ("sizes", "at least 3", "[6, 3]")),
    ("sizes with 0", lambda: mlp(sizes=[6, 0, 3]), ValueError, ("sizes", ">= 1", "0")),
    ("sizes with a float", lambda: mlp(sizes=[6, 8.0, 3]), TypeError, ("sizes", ">= 1", "8.0")),
    ("sizes a number", lambda: mlp(sizes=64), TypeError, ("sizes", ">= 1", "64")),
    ("sizes a string", lambda: mlp(sizes="683"), TypeError, ("sizes", ">= 1", "'683'")),
    ("num_steps 0", lambda: mlp(num_steps=0), ValueError, ("num_steps", ">= 1", "0")),
    ("num_steps float", lambda: mlp(num_steps=4.0), TypeError, ("num_steps", ">= 1", "4.0")),
    ("num_steps bool", lambda: mlp(num_steps=True), TypeError, ("num_steps", ">= 1", "True")),
    ("replicas 0", lambda: mlp(replicas=0), ValueError, ("replicas", ">= 1", "0")),
    ("replicas negative", lambda: mlp(replicas=-2), ValueError, ("replicas", ">= 1", "-2")),
    ("replicas float", lambda: mlp(replicas=2.5), TypeError, ("replicas", ">= 1", "2.5")),
    ("seed negative", lambda: mlp(seed=-1), ValueError, ("seed", ">= 0", "-1")),
    ("seed None", lambda: mlp(seed=None), TypeError, ("seed", ">= 0", "None")),
    ("seeds of bytes", lambda: mlp(replicas=2, seed=b"ab"), TypeError, ("seed", ">= 0", "b'ab'")),
    ("seeds for no replicas", lambda: mlp(seed=[1, 2]), ValueError, ("seed", "one per replica", "2 seeds")),
    ("too few seeds", lambda: mlp(replicas=3, seed=[1, 2]), ValueError, ("seed", "one per replica", "2 seeds")),
    ("net beta above 1", lambda: mlp(beta=1.01), ValueError, ("beta", "in [0, 1]", "1.01")),
    ("net beta list too long", lambda: mlp(beta=[0.9, 0.8]), ValueError, ("beta", "list of 1", "2")),
    ("net beta of wrong shape", lambda: mlp(beta=torch.ones(7)), ValueError, ("beta", "(8,)", "(7,)")),
    ("net beta tensor above 1", lambda: mlp(beta=torch.full((8,), 1.5)), ValueError, ("beta", "in [0, 1]", "1.5")),
    ("net threshold 0", lambda: mlp(threshold=0.0), ValueError, ("threshold", "> 0", "0.0")),
    ("net threshold NaN", lambda: mlp(threshold=NAN), ValueError, ("threshold", "> 0", "nan")),
    ("net reset", lambda: mlp(reset_mechanism="hard"), ValueError, ("reset_mechanism", "'subtract'", "'hard'")),
    ("readout", lambda: mlp(readout="spikes"), ValueError, ("readout", "'rate'", "'spikes'")),
    ("readout_beta", lambda: mlp(readout_beta=1.2), ValueError, ("readout_beta", "in [0, 1]", "1.2")),
    ("gain 0", lambda: mlp(gain=0.0), ValueError, ("gain", "> 0", "0.0")),
    ("gain list too long", lambda: mlp(gain=[1.0, 2.0]), ValueError, ("gain", "list of 1", "2")),
    ("learn_beta", lambda: mlp(learn_beta=1), TypeError, ("learn_beta", "True or False", "1")),
    ("bias", lambda: mlp(bias=None), TypeError, ("bias", "True or False", "None")),
    ("surrogates too many", lambda: mlp(surrogate=[ATan(), ATan()]), ValueError, ("surrogate", "list of 1", "2")),
    ("net surrogate number", lambda: mlp(surrogate=25), TypeError, ("surrogate", "callable", "25")),
    ("input of wrong width", lambda: forward(torch.zeros(2, 5)), ValueError, ("x", "(batch, 6)", "(2, 5)")),
    ("input without batch", lambda: forward(torch.zeros(6)), ValueError, ("x", "(batch, 6)", "(6,)")),
    ("input of an empty batch", lambda: forward(torch.zeros(0, 6)), ValueError, ("x", "empty", "(0, 6)")),
    ("input float64", lambda: forward(torch.zeros(2, 6).double()), TypeError, ("x", "float32", "float64")),
    ("input integers", lambda: forward(torch.zeros(2, 6).int()), TypeError, ("x", "float32", "int32")),
    ("input an array", lambda: forward(torch.zeros(2, 6).numpy()), TypeError, ("x", "(batch, 6)", "ndarray")),
    ("input on another device", lambda: forward(torch.zeros(2, 6, device="meta")), ValueError, ("x", "cpu", "meta")),
    ("input for other replicas", lambda: forward(torch.zeros(2, 4, 6), 3), ValueError, ("x", "3 replicas", "(2, 4, 6)")),
    ("sequence without steps", lambda: sequence(torch.zeros(2, 6)), ValueError, ("x", "num_steps", "(2, 6)")),
    ("sequence of no steps", lambda: sequence(torch.zeros(0, 2, 6)), ValueError, ("x", "empty", "(0, 2, 6)")),
    ("sequence for other replicas", lambda: sequence(torch.zeros(4, 2, 5, 6), 3), ValueError, ("x", "3 replicas", "(4, 2, 5, 6)")),
    ("to_snntorch without replica", lambda: mlp(replicas=2).to_snntorch(), TypeError, ("replica", "[0, 1]", "None")),
    ("to_snntorch beyond the last", lambda: mlp(replicas=2).to_snntorch(2), ValueError, ("replica", "[0, 1]", "2")),
    ("to_snntorch of a single net", lambda: mlp().to_snntorch(0), ValueError, ("replica", "None", "0")),
    ("to_snntorch attached", lambda: mlp(detach_reset=False).to_snntorch(), ValueError, ("detach_reset", "True", "False")),
    ("rate 0", lambda: scale_to_rate(mlp(), torch.zeros(2, 6), 0.0), ValueError, ("rate", "> 0", "0.0")),
    ("rate 1", lambda: scale_to_rate(mlp(), torch.zeros(2, 6), 1.0), ValueError, ("rate", "<= 0.9", "1.0")),
    ("num_neurons 0", lambda: recurrent(num_neurons=0), ValueError, ("num_neurons", ">= 1", "0")),
    ("num_inputs string", lambda: recurrent(num_inputs="6"), TypeError, ("num_inputs", ">= 1", "'6'")),
    ("num_outputs float", lambda: recurrent(num_outputs=3.0), TypeError, ("num_outputs", ">= 1", "3.0")),
    ("recurrent alpha", lambda: recurrent(alpha=-0.5), ValueError, ("alpha", "in [0, 1]", "-0.5")),
    ("recurrent gain", lambda: recurrent(gain=NAN), ValueError, ("gain", ">= 0", "nan")),
    ("input_gain", lambda: recurrent(input_gain=-1.0), ValueError, ("input_gain", ">= 0", "-1.0")),
    ("bias_range number", lambda: recurrent(bias_range=1.0), TypeError, ("bias_range", "(low, high)", "1.0")),
    ("bias_range turned", lambda: recurrent(bias_range=(1.0, 0.5)), ValueError, ("bias_range", ">= 1", "0.5")),
    ("current_scale", lambda: recurrent(current_scale=INF), ValueError, ("current_scale", ">= 0", "inf")),
    ("recurrent input", lambda: recurrent()(torch.zeros(5, 2, 7)), ValueError, ("x", "batch, 6", "(5, 2, 7)")),
    ("recurrent mem", lambda: recurrent()(torch.zeros(5, 2, 6), mem=torch.zeros(8)), ValueError, ("mem", "(2, 8)", "(8,)")),
    ("recurrent syn", lambda: recurrent()(torch.zeros(5, 2, 6), syn=torch.zeros(2, 8)), ValueError, ("syn", "alpha", "None")),
]  # fmt: skip


def mlp_slope(slope):
    with slope_set_to(mlp(), slope):
        pass


def plain_slope():
    with slope_set_to(torch.nn.Linear(2, 2), 1.0):
        pass


def float64_in_numpy():
    return lif_scan(CURRENT.double(), backend="numpy")


@pytest.mark.parametrize(("call", "error", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_error_names_argument_range_and_value(call, error, words):
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) is error
    assert re.search(rf"\b{re.escape(words[0])}\b", message), message
    for word in words[1:]:
        assert word in message, message


def test_table_holds_at_least_sixty_distinct_cases():
    assert len({case[0] for case in CASES}) == len(CASES) >= 60


def test_refused_slope_leaves_the_old_one():
    surrogate = FastSigmoid(7.0)
    with pytest.raises(ValueError, match="slope"):
        surrogate.slope = -1.0
    assert surrogate.slope == 7.0
