"""What `truth` says in numbers, from the tables of the study of the same name."""

import functools

import numpy as np
from saying import WORDS, Said, outcomes, results, table

from snnsg_book.studies.truth import stages
from snnsg_book.studies.truth.conditions import changed
from snnsg_book.studies.truth.learning import PROFILE, best_rates
from snnsg_book.studies.truth.steps import with_ratio

FIRST, LAST = 0, 3  # hidden layers
UNTRAINED = ("untrained", "early")
# Where the bias is as small as in the network of the chapter.
MODEST = ["ATan", "Sigmoid", "Triangular", "reset attached", "depth 2", "16 steps", "noise", "noise, Sigmoid"]


@functools.cache
def bias():
    """Cosine of endless examples with the truth, by stage and layer: a column a slope."""
    return stages.typical_cosine(table("truth")).pivot(index=["stage", "layer"], columns="slope", values="mean")


@functools.cache
def in_batches(batch=64):
    """The same in batches of so many examples: mean over seeds."""
    rows = table("truth")
    found = stages.cosine(rows, batch)
    return found.groupby([rows.stage, rows.layer, rows.slope]).mean().unstack("slope")


@functools.cache
def best(stage, batch):
    """The slope that points best in batches of so many examples, by layer."""
    rows = table("truth")
    return stages.best_slopes(rows[rows.stage == stage], batch)


def degrees(cosine):
    """An angle in whole degrees."""
    return f"{np.degrees(np.arccos(cosine)):.0f}"


def bias_is_less_than_noise():
    """Whether at slope 1 the angle of the bias is smaller than the one that batches of 64 add, everywhere."""
    without, root_of_reliability = bias()[1.0], in_batches()[1.0] / bias()[1.0]
    return bool((without > root_of_reliability).all())


@functools.cache
def elsewhere():
    """The conditions of which something is known, before training."""
    rows = table("truth_conditions")
    rows = stages.known(rows[rows.stage == "untrained"])
    return rows.assign(changed=changed(rows))


@functools.cache
def bias_elsewhere(layer):
    """Cosine of endless examples with the truth by condition, in hidden layer 0 or -1, the last: a column a slope."""
    rows = elsewhere()
    rows = rows[rows.layer == (rows.depth - 1 if layer else 0)]
    found = stages.typical_cosine(rows, by=["changed", "slope"])
    return found.pivot(index="changed", columns="slope", values="mean")


@functools.cache
def batch_elsewhere():
    """Cosine of a batch of 64 in the first hidden layer by condition: mean over seeds, a column a slope."""
    rows = elsewhere()
    rows = rows[rows.layer == FIRST]
    return stages.cosine(rows, 64).groupby([rows.changed, rows.slope]).mean().unstack()


def unrelated_at_the_steep_end():
    """Whether at k = 100 no first layer of four layers or more has a cosine above 0.1 in batches of 64."""
    there = batch_elsewhere()[100.0].drop("depth 2")
    return bool((there < 0.1).all() and (in_batches()[100.0].xs(FIRST, level="layer") < 0.1).all())


@functools.cache
def length(slope, layer, peak=False, condition=None):
    """Length of the mean surrogate gradient over that of the true one, before training."""
    rows = table("truth") if condition is None else elsewhere()
    rows = rows[rows.stage == "untrained"] if condition is None else rows[rows.changed == condition]
    rows = rows[(rows.slope == slope) & (rows.layer == layer)]
    found = stages.typical_length(rows, by=("layer", "slope"))["mean"].iloc[0]
    return found * (2 / slope) ** (4 - layer) if peak else found


def certain():
    """Share of the true gradient's squared length that is no noise, in the median network of each stage and layer."""
    rows = table("truth")
    return rows[rows.slope == 1].groupby(["stage", "layer"]).certain.median()


def plateau(column):
    """Median over networks of `cosine` or `ratio` against the step: a row a layer."""
    rows = with_ratio(table("truth_steps"))
    return rows[rows.stage == "untrained"].groupby(["layer", "step"])[column].median().unstack()


def measured(slope, batch):
    """Cosine of measured batches in the first layer of untrained networks."""
    rows = table("truth_batches")
    rows = rows[(rows.stage == "untrained") & (rows.layer == FIRST) & (rows.slope == slope) & (rows.batch == batch)]
    return rows.cosine.mean()


@functools.cache
def race():
    """Mean loss of each arm at its best learning rate: a row a race, a column a slope, the profile first."""
    return best_rates(table("truth_learning")).groupby(["task", "optimizer", "slope"]).loss.mean().unstack()


def behind():
    """How far the profile ends up behind the best single slope, in each race."""
    return race()[PROFILE] - race().drop(columns=PROFILE).min(axis=1)


def at_the_ends():
    """Whether the best learning rates of the sentence are the largest and the smallest that were tried."""
    runs = table("truth_learning")
    tried = runs.groupby("optimizer").learning_rate.agg(["min", "max"])
    rate = best_rates(runs).groupby(["optimizer", "slope", "task"]).learning_rate.first()
    shallow = all((rate[rule, 1.0] == tried.loc[rule, "max"]).all() for rule in ("sgd", "adam"))
    return shallow and bool((rate["sgd", 100.0] == tried.loc["sgd", "min"]).all())


def slope_lies(batches, low, high, of=(*UNTRAINED, "trained")):
    """Whether the slope that points best lies between two, in all layers and the given stages."""
    return all(bool(best(stage, batch).between(low, high).all()) for stage in of for batch in batches)


def matching(kappa):
    """Cosine of the exact mean surrogate gradient with the truth under still inputs: a row a layer."""
    rows = table("truth_noise")
    rows = rows[(rows["shape"] == "still") & (rows.family == "Sigmoid") & (rows.kappa == kappa)]
    return rows.groupby(["layer", "slope"]).cosine.mean().unstack()


SAID = (
    # The answer
    Said("the shallow end points best in every network", lambda: bool((batch_elsewhere().idxmax(axis=1) <= 2).all())),
    Said("is all but unrelated to the truth wherever there are four layers or more", unrelated_at_the_steep_end),
    Said("At $k=1$ it is up to {} degrees, early in training", lambda: degrees(bias()[1.0].min())),
    Said("up to 35 degrees, early in training", lambda: bias()[1.0].idxmin()[0] == "early"),
    Said("less than what noise adds", bias_is_less_than_noise),
    Said(
        "slopes of {} to {} have the smallest bias",
        lambda: ("3", "7") if bias().loc[list(UNTRAINED)].idxmax(axis=1).between(3, 7).all() else ("other", "slopes"),
    ),
    Said("hardly any is left up to slope 25", lambda: bool((bias().loc["trained"].loc[:, :25] > 0.97).all(axis=None))),
    Said("1 to 3 for batches of up to a hundred examples", lambda: slope_lies((10, 100), 1, 3)),
    Said(
        "With ten thousand the best slope is steeper near the output than in the first layer",
        lambda: all(best(stage, 10_000)[LAST] > best(stage, 10_000)[FIRST] for stage in (*UNTRAINED, "trained")),
    ),
    Said("What points best also learned faster", lambda: set(outcomes("T8")) == {"supported"}),
    # Matching
    Said(
        "Matching gains for certain at noise 5 with still inputs, and not with moving ones",
        lambda: (
            [results("T10")[f"{inputs}, noise 5"].outcome for inputs in ("still", "moving")]
            == ["supported", "undecided"]
        ),
    ),
    Said("is not reliably shallower in the first layer than in the last", lambda: "supported" not in outcomes("T15")),
    Said("weak noise (25) leaves a bias at every slope", lambda: bool((matching(25.0) < 0.9).all(axis=None))),
    # The plateau
    Said(
        "From 0.03 on the direction does not depend on the step",
        lambda: bool((plateau("cosine").loc[:, 0.03:] - 1).abs().max(axis=None) < 0.06),
    ),
    Said("lie at one from a step of 0.03 to 0.8", lambda: max(plateau("cosine").columns) == 0.8),
    Said(
        "within {} per cent of one from 0.1 on",
        lambda: WORDS[int(np.ceil(100 * (plateau("ratio").loc[:, 0.1:] - 1).abs().max(axis=None)))],
    ),
    # Bias and noise
    Said("{} to {} per cent is no noise", lambda: (f"{100 * certain().min():.0f}", f"{100 * certain().max():.0f}")),
    Said("least in the first layer before training", lambda: certain().idxmin() == ("untrained", FIRST)),
    Said(
        "about {} at k = 1, highest near k = {} to {}, falling beyond k = 25 to {} in the first panel",
        lambda: (
            f"{bias().loc['untrained'][1.0].min():.1f}",
            *(("3", "5") if bias().loc["untrained"].idxmax(axis=1).between(3, 5).all() else ("other", "slopes")),
            f"{bias().loc['untrained', FIRST][100.0]:.2f}",
        ),
    ),
    Said(
        "The dots fall from {} to nearly zero at k = 100 in the first panel, and from {} to {} in the last",
        lambda: tuple(
            f"{in_batches().loc['untrained', layer][slope]:.{digits}f}"
            for layer, slope, digits in ((FIRST, 1.0, 2), (LAST, 1.0, 2), (LAST, 100.0, 1))
        ),
    ),
    Said("leaves it open", lambda: set(outcomes("T6")) == {"undecided"}),
    Said(
        "Hardly any bias is left at slopes up to 25",
        lambda: bool((bias().loc["trained"].loc[:, :25] > 0.97).all(axis=None)),
    ),
    Said(
        "The dots begin at {} to {} and fall to nearly zero",
        lambda: tuple(f"{end:.1f}" for end in in_batches().loc["trained"][1.0].agg(["min", "max"])),
    ),
    # Length
    Said(
        "slope 1 is right to a tenth in every layer",
        lambda: all(abs(length(1.0, layer) - 1) < 0.1 for layer in range(4)),
    ),
    Said(
        "the error runs the other way over {} decades",
        lambda: WORDS[int(np.log10(length(1.0, FIRST, peak=True) / length(100.0, FIRST, peak=True)))],
    ),
    Said(
        "rise to {} in the first layer and {} in the last at k = 100",
        lambda: (f"{length(100.0, FIRST):.0f}", f"{length(100.0, LAST):.1f}"),
    ),
    Said(
        "The dashed lines start at {} and {} and fall, in the first layer to {} millionths",
        lambda: (
            f"{length(1.0, FIRST, peak=True):.0f}",
            f"{length(1.0, LAST, peak=True):.0f}",
            WORDS[round(1e6 * length(100.0, FIRST, peak=True))],
        ),
    ),
    Said(
        "in the first layer {} hundred thousand times",
        lambda: WORDS[round(1e-5 / length(100.0, FIRST, peak=True))],
    ),
    Said(
        "with four its gradient is a quarter of the true length in the first layer",
        lambda: abs(length(1.0, FIRST, condition="4 steps") - 0.25) < 0.02,
    ),
    # Batches
    Said(
        "In the first layer 100 examples at k = 1 do what 20,000 cannot do at k = 100",
        lambda: measured(1.0, 100) > measured(100.0, 20_000),
    ),
    Said("stays below 0.3 even at 20,000 examples", lambda: measured(100.0, 20_000) < 0.3),
    Said(
        "with 10,000 the optimum lies at 3 to 7 before and early in training and at 1 to 3 after it",
        lambda: slope_lies((10_000,), 3, 7, UNTRAINED) and slope_lies((10_000,), 1, 3, ("trained",)),
    ),
    Said("The lines of 10 and 100 examples lie at k = 1 to 3", lambda: slope_lies((10, 100), 1, 3)),
    Said("those of 10,000 examples between 3 and 7", lambda: slope_lies((10_000,), 3, 7, UNTRAINED)),
    Said("after training nearly all lie at 1", lambda: slope_lies((10, 100, 1_000), 1, 1, ("trained",))),
    # Elsewhere
    Said(
        "the best slope is 1 to {} in each of the conditions",
        lambda: f"{batch_elsewhere().idxmax(axis=1).max():.0f}",
    ),
    Said(
        "and {} networks of ten are left out",
        lambda: WORDS[10 - elsewhere().query("depth == 8 and layer == 0 and slope == 1").seed.nunique()],
    ),
    Said("with two layers they end at {}", lambda: f"{batch_elsewhere().loc['depth 2', 100.0]:.1f}"),
    Said(
        "in {} conditions of {}",
        lambda: (WORDS[outcomes("T26").count("supported")], WORDS[len(outcomes("T26"))]),
    ),
    Said(
        "slope 5 points within 25 degrees of the truth",
        lambda: 20 < max(float(degrees(bias_elsewhere(layer)[5.0][MODEST].min())) for layer in (FIRST, -1)) < 25,
    ),
    Said(
        "no slope comes nearer to the truth than {} degrees in the first layer",
        lambda: degrees(bias_elsewhere(FIRST).loc["rate 0.05"].max()),
    ),
    Said("the steepest slopes have the smaller bias", lambda: bias_elsewhere(-1).loc["rate 0.05"].idxmax() > 50),
    Said("T28 is refuted", lambda: set(outcomes("T28")) == {"excluded"}),
    Said(
        "{} conditions of {} support it, {} leave it undecided, and rare spikes exclude it",
        lambda: (
            WORDS[outcomes("T27").count("supported")],
            WORDS[len(outcomes("T27"))],
            WORDS[outcomes("T27").count("undecided")],
        ),
    ),
    Said("rare spikes exclude it", lambda: results("T27")["rate 0.05"].outcome == "excluded"),
    # The race
    Said("The profile ends up to {} nats behind the best single slope", lambda: f"{behind().max():.2f}"),
    Said("is open in every race, of which one is retired", lambda: set(outcomes("T9")) == {"undecided"}),
    Said("lie at the ends of the rates that were tried", at_the_ends),
    Said("the loss is lowest at k = 1 to 2", lambda: bool(race().drop(columns=PROFILE).idxmin(axis=1).le(2).all())),
)

SET = (
    "with input 1",
    "area 1",
    "peak of 1",
    "peak 1",
    "nine spikes, 512 cases",
    "a step of 0.1",
    "From 0.03 on",
    "from 0.1 on",
    "The study takes 0.1",
    "at 0.01",
    "10 inputs, four hidden layers of 10 neurons and 3 classes",
    "firing at 0.15",
    "15,000 examples",
    "20,000 to 100,000 others",
    "batches of 64",
    "A batch of 64",
    "20 seeds",
    "After 30 updates",
    "After 500",
    "one half of an arrow",
    "split-half",
    "a coin would give one half",
    "a rate of 0.4",
    "a rate of 0.05",
    "the 0.1 that T26 asks for",
    "twice the steps",
    "asks slope 2 for 30 degrees",
    "Batches of 32",
    "nearly as well (0.95)",
    "over 400 updates",
    "in the small network to 10",
)
