"""What `against` says in numbers, from the tables of the study `control`."""

import functools

from saying import WORDS, Said, outcomes, results, table

from snnsg_book.studies.control.outcomes import outcomes as outcomes_of_runs
from snnsg_lib.statistics import iqm

from ._control import SETTINGS, between_shallow, gap, middles, norm, runs, silent

NO_GAP = ("actor rate 1e-3", "the authors' network")
OF_TD3_ALONE = ("1 critic update", "reward x 0.01")  # the clone of these rows is that of the first
UP_TO_50 = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0]


def level(learner):
    """Mean return up to slope 10 with a slow actor: the middle of the four points."""
    return middles(learner, "slow_actor", "auc")[:10.0].mean()


def at_the_steep_end(learner, outcome):
    """What slope 100 comes to with a slow actor."""
    return f"{middles(learner, 'slow_actor', outcome)[100.0]:.2f}"


def soon():
    """Updates to the threshold, slope 100 over slope 2 (claim S4), in each setting."""
    return [found.parts[1].estimate for found in results("S4").values()]


def right_up_to_50():
    """Whether the slopes up to 50 end within the margin of S4 in each setting."""
    wide = [runs("bc", name).pivot(index="seed", columns="slope", values="final")[UP_TO_50] for name in SETTINGS]
    return all(iqm(finals.max(axis=1) - finals.min(axis=1)) < 0.05 for finals in wide)


@functools.cache
def regimes(learner, outcome="auc"):
    """Lead of slope 2 over slope 100, by regime."""
    rows = table("control_regimes")
    names = [name for name in dict.fromkeys(rows.regime) if learner == "td3" or name not in OF_TD3_ALONE]
    found = {name: gap(rows[(rows.regime == name) & (rows.algorithm == learner)], outcome) for name in names}
    return found if learner == "td3" else found | dict.fromkeys(OF_TD3_ALONE, found["as it is"])


def with_gap(learner, outcome="auc"):
    """The same without the two regimes that have no gap for TD3."""
    return [value for name, value in regimes(learner, outcome).items() if name not in NO_GAP]


@functools.cache
def corner(gain, epsilon, slope=None, outcome="auc"):
    """Outcome of a slope under a gain and an epsilon; without a slope, what slope 100 loses against slope 2."""
    rows = table("control_map")
    rows = rows[(rows.gain == gain) & (rows.epsilon == epsilon)]
    return gap(rows, outcome) if slope is None else iqm(rows[rows.slope == slope][outcome])


@functools.cache
def treated(treatment):
    """Mean return over training: a row a seed, a column a slope."""
    rows = table("control_causes").assign(setting="slow_actor")
    found = outcomes_of_runs(rows, ["treatment", "slope", "seed"])
    return found[found.treatment == treatment].pivot(index="seed", columns="slope", values="auc")


def change(treatment, slope=100.0):
    """What a treatment adds to the learner without, seed by seed."""
    return iqm((treated(treatment)[slope] - treated("own")[slope]).dropna())


def still_ahead(treatment):
    """Lead of slope 2 over slope 100 under a treatment, seed by seed."""
    return iqm((treated(treatment)[2.0] - treated(treatment)[100.0]).dropna())


def near(value, slope, *treatments, apart=0.01):
    """Whether the dots of the treatments lie near a value."""
    return all(abs(iqm(treated(name)[slope]) - value) <= apart for name in treatments)


@functools.cache
def reset(algorithm, outcome):
    """Interquartile mean of an outcome, by policy."""
    rows = table("control_reset").assign(setting="slow_actor")
    found = outcomes_of_runs(rows, ["algorithm", "policy", "seed"])
    return found[found.algorithm == algorithm].groupby("policy")[outcome].apply(iqm)


@functools.cache
def searched(algorithm, policy, rate):
    """Mean return of a policy at a learning rate in the search; the carried state with the window of the runs then."""
    rows = table("control_reset_search")
    rows = rows[(rows.algorithm == algorithm) & (rows.policy == policy) & (rows.learning_rate == rate)]
    return iqm(rows[rows.warm_up.isin((0, 6)) & (rows.learnt == (4 if policy == "carried state" else 1))].auc)


def ahead_with_mended_targets():
    """Whether the carried state leads both resets at the rate of the slow actor."""
    return searched("td3", "carried state", 1e-4) > max(
        searched("td3", name, 1e-4) for name in ("reset", "stack and reset")
    )


SAID = (
    # The comparison
    Said(
        "cloning lies level near {} up to k = 10 and falls to {} at k = 100; TD3 lies near {} and falls to {}",
        lambda: (
            f"{level('bc'):.2f}",
            at_the_steep_end("bc", "auc"),
            "0.62" if abs(level("td3") - 0.62) < 0.01 else f"{level('td3'):.2f}",
            at_the_steep_end("td3", "auc"),
        ),
    ),
    Said(
        "at k = 100 cloning falls to {}, TD3 to {}",
        lambda: tuple(at_the_steep_end(learner, "final") for learner in ("bc", "td3")),
    ),
    Said(
        "do two of these slopes differ by more than {} of the highest return",
        lambda: f"{max(between_shallow(learner) for learner in ('bc', 'td3')):.2f}",
    ),
    # The verdicts
    Said("needs at least {} times the updates of $k=2$ to fly", lambda: WORDS[int(min(soon()))]),
    Said("on CrazyflieHover it never does", lambda: not runs("bc", "crazyflie").query("slope == 100").reached.any()),
    Said(
        "all seven slopes end alike",
        lambda: results("S4")["PlanarHover, default rates"].parts[0].estimate < 0.005,
    ),
    Said(
        "stands at a third of the highest return",
        lambda: abs(middles("bc", "crazyflie", "final")[100.0] - 1 / 3) < 0.02,
    ),
    Said("the paper's sentence is right in all three settings", right_up_to_50),
    Said(
        "the shallow slopes gather a third more return",
        lambda: abs(results("S5")["PlanarHover, slow actor"].estimate - 4 / 3) < 0.03,
    ),
    Said(
        "and on CrazyflieHover. In the third setting, which the table calls default rates, it does not",
        lambda: outcomes("S5") == ["supported", "excluded", "supported"],
    ),
    # Regimes
    Said(
        "between {} and {}, the open dots of cloning at or right of them, the farthest at {}",
        lambda: tuple(f"{x:.2f}" for x in (min(with_gap("td3")), max(with_gap("td3")), max(with_gap("bc")))),
    ),
    Said(
        "Nowhere does TD3 lose more by a steep slope than the clone",
        lambda: all(regimes("td3")[name] <= lost for name, lost in regimes("bc").items()),
    ),
    Said("the open one at {}", lambda: f"{regimes('bc')['actor rate 1e-3']:.2f}"),
    Said(
        "loses nearly twice what steep TD3 loses",
        lambda: 1.8 < regimes("bc")["as it is"] / regimes("td3")["as it is"] < 2,
    ),
    Said("Two more layers widen the gap of TD3", lambda: regimes("td3")["5 layers"] > 1.5 * regimes("td3")["as it is"]),
    Said("the preference of TD3 for shallow slopes is gone", lambda: abs(regimes("td3")["actor rate 1e-3"]) < 0.01),
    Said(
        "neither TD3 nor the clone loses anything by $k=100$",
        lambda: max(regimes(learner)["the authors' network"] for learner in ("bc", "td3")) < 0.005,
    ),
    Said(
        "a steep clone does not arrive, unless the rate is high or the authors' network has it awake",
        lambda: min(with_gap("bc", "final")) > 0.5,
    ),
    Said("the open dot of cloning at {}", lambda: f"{regimes('bc', 'final')['as it is']:.2f}"),
    Said(
        "with SGD both lie near 0.8",
        lambda: all(
            abs(regimes(learner, "final")[name] - 0.8) < 0.05
            for learner in ("bc", "td3")
            for name in ("5 layers", "SGD")
        ),
    ),
    # Gain and epsilon
    Said("k = 2 lies near 0.62", lambda: all(abs(corner(1.0, eps, 2.0) - 0.62) < 0.02 for eps in (1e-12, 1e-8))),
    Said("and drops to {} at the largest epsilon; k = 100 falls", lambda: f"{corner(1.0, 1e-4, 2.0):.2f}"),
    Said(
        "k = 100 falls from {} over {} to {}",
        lambda: tuple(f"{corner(1.0, eps, 100.0):.2f}" for eps in (1e-12, 1e-8, 1e-4)),
    ),
    Said(
        "k = 2 is level at 0.62",
        lambda: all(abs(corner(3.0, eps, 2.0) - 0.62) < 0.01 for eps in (1e-12, 1e-8, 1e-4)),
    ),
    Said("lies little lower and drops to {} at the largest epsilon", lambda: f"{corner(3.0, 1e-4, 100.0):.2f}"),
    Said("$k=100$ loses {} of the highest return", lambda: f"{corner(3.0, 1e-8):.2f}"),
    Said("and nothing of the final one", lambda: corner(3.0, 1e-8, outcome="final") < 0.01),
    Said("it never gets off the ground", lambda: corner(1.0, 1e-4, 100.0, "final") < 0.25),
    Said("repairs half of the gap", lambda: 0.4 < 1 - corner(1.0, 1e-12) / corner(1.0, 1e-8) < 0.6),
    # Inside
    Said(
        "Shallow slopes wake most of them within 6,000 steps",
        lambda: all((silent("td3", layer).loc[6000, :10] < 0.31).all() for layer in (1, 2)),
    ),
    Said(
        "k = 100 leaves half of the second layer asleep to the end",
        lambda: abs(silent("td3", 1)[100.0].iloc[-1] - 0.5) < 0.03,
    ),
    Said("In layer 0 all lines stay below 0.2", lambda: bool((silent("td3", 0) < 0.2).all(axis=None))),
    Said("{} in layer 1 and {} in layer 2", lambda: tuple(f"{silent('td3', x)[100.0].iloc[-1]:.1f}" for x in (1, 2))),
    Said("four fifths of the third layer are silent at every slope", lambda: silent("td3", 2).iloc[0].min() > 0.79),
    Said("nearly all at $k=100$", lambda: silent("td3", 2)[100.0].iloc[0] > 0.95),
    Said("half of the second sleeps through it", lambda: abs(silent("td3", 1)[100.0].iloc[-1] - 0.5) < 0.03),
    Said(
        "ten thousand times smaller than that of k = 1, and more",
        lambda: bool((norm("td3", 0)[1.0] / norm("td3", 0)[100.0]).min() > 10_000),
    ),
    Said("k = 1 lies near {}", lambda: f"{norm('td3', 0)[1.0].median():.2f}"),
    Said(
        "more than four decades below",
        lambda: bool((norm("td3", 0)[1.0] / norm("td3", 0)[100.0]).min() > 10_000),
    ),
    # Causes
    Said(
        "own, data of the other, fixed buffer and parameter noise lie near 0.38",
        lambda: near(0.38, 100.0, "own", "data of the other", "fixed buffer", "parameter noise"),
    ),
    Said(
        "gradient noise at {}; length of k = 2 at {}",
        lambda: tuple(f"{iqm(treated(name)[100.0]):.2f}" for name in ("gradient noise", "length of k=2")),
    ),
    Said("direction of k = 2 and awake near 0.58", lambda: near(0.58, 100.0, "direction of k=2", "awake")),
    Said("own, fixed buffer and awake near 0.62", lambda: near(0.62, 2.0, "own", "fixed buffer", "awake", apart=0.015)),
    Said(
        "no exploration noise at {}, data of the other at {}",
        lambda: tuple(f"{iqm(treated(name)[2.0]):.2f}" for name in ("no exploration noise", "data of the other")),
    ),
    Said("the gap between $k=2$ and $k=100$ is {} of the highest return", lambda: f"{still_ahead('own'):.2f}"),
    Said("Gradient noise of the matching angle *costs* {}", lambda: f"{-change('gradient noise'):.2f}"),
    Said("noise on the parameters changes next to nothing", lambda: abs(change("parameter noise")) < 0.02),
    Said("without any exploration noise loses little", lambda: 0 < -change("no exploration noise", 2.0) < 0.05),
    Said("$k=2$ is still ahead by {}", lambda: f"{still_ahead('fixed buffer'):.2f}"),
    Said("with its own length, gains {}", lambda: f"{change('direction of k=2'):.2f}"),
    Said("the reverse gains far less", lambda: change("length of k=2") < change("direction of k=2") / 3),
    Said("the steep learner gains {};", lambda: f"{change('awake'):.2f}"),
    Said("little of the gap is left", lambda: still_ahead("awake") < still_ahead("own") / 4),
    Said("both of its intervals stay below a fifth of the gap", lambda: set(outcomes("S6")) == {"excluded"}),
    Said("the steep learner gains nothing", lambda: change("data of the other") <= 0),
    Said("the experience of its steep twin *loses* {}", lambda: f"{-change('data of the other', 2.0):.2f}"),
    # The reset
    Said(
        "all three end near 190",
        lambda: all(abs(200 * share - 190) < 4 for share in reset("td3", "final")),
    ),
    Said(
        "differ by a thousand steps or so on the way up",
        lambda: 500 < reset("td3", "speed").max() - reset("td3", "speed").min() < 1700,
    ),
    Said(
        "Stack and reset passes the threshold first, the reset next, the carried state shortly after",
        lambda: list(reset("td3", "speed").sort_values().index) == ["stack and reset", "reset", "carried state"],
    ),
    Said("all four intervals lie above the margin of −0.05", lambda: outcomes("S12") == 4 * ["supported"]),
    Said(
        "the largest {} of the highest return",
        lambda: f"{max(found.estimate for found in results('S12').values()):.2f}",
    ),
    Said("the carried state is even ahead at that rate", ahead_with_mended_targets),
    Said(
        "a rate of $10^{{-3}}$ takes it from {} to {}",
        lambda: tuple(f"{searched('bc', 'carried state', rate):.2f}" for rate in (1e-4, 1e-3)),
    ),
)

SET = (
    "at a rate of $10^{-4}$",
    "the middle half of the runs",
    "over 32 runs",
    "three times the hidden weights",
    "Adam at $10^{-3}$",
    "Give the actor $10^{-3}$",
    "ten times the rate",
    "This is half an answer",
    "The other half",
    "two halves",
    "an actor rate of 1e-3",
    "15 seeds",
    "15 paired seeds",
    "hidden layers of 256 and 128",
    "a threshold below 0.05",
    "2,100 updates",
    "from 1e-12 to 1e-4",
    "hidden weights three times larger",
    "epsilon to $10^{-4}$",
    "epsilon to $10^{-12}$",
    "epsilon of $10^{-8}$",
    "over 18,000 steps",
    "the slow actor, $10^{-4}$",
    "a slope between 1 and 10",
    "after 300 updates",
    "slope 2 minus slope 100",
)
