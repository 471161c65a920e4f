"""What `cloning` says in numbers, from the table `bc_slopes`."""

from saying import WORDS, Said, results

from snnsg_lib.statistics import iqm

from ._control import between_shallow, middles, runs, silent

SHORT_OF_TIME = ("slow_actor", "crazyflie")


def soon():
    """Updates to the threshold, slope 100 over slope 2 (claim S4), by setting."""
    return {name: found.parts[1].estimate for name, found in results("S4").items()}


def end_alike(setting, slopes, within):
    """Whether the final returns of these slopes spread by less than a share of the highest, seed by seed."""
    finals = runs("bc", setting).pivot(index="seed", columns="slope", values="final")[slopes]
    return bool(iqm(finals.max(axis=1) - finals.min(axis=1)) < within)


def level_to_ten():
    """Whether the updates to the threshold vary by at most a fifth up to slope 10."""
    to_ten = [middles("bc", name, "speed")[:10.0] for name in ("default", *SHORT_OF_TIME)]
    return all(speed.max() <= 1.201 * speed.min() for speed in to_ten)


def one_after_the_other():
    """Whether slopes 1, 10, 50 and 100 pass the threshold in this order, the first two within a tenth."""
    first, second, third, last = middles("bc", "default", "speed")[[1.0, 10.0, 50.0, 100.0]]
    return bool(first < second < 1.1 * first < third < last)


def final(setting):
    """Final return of slope 100."""
    return middles("bc", setting, "final")[100.0]


UP_TO_25 = [1.0, 2.0, 5.0, 10.0, 25.0]

SAID = (
    Said("first and together, then 50, then 100", one_after_the_other),
    Said("k = 50 late", lambda: middles("bc", "crazyflie", "speed")[50.0] > 1200),
    Said(
        "in a run {} times as long as k = 10 needs",
        lambda: WORDS[round(2400 / middles("bc", "crazyflie", "speed")[10.0])],
    ),
    Said("every slope arrives, the steepest last", lambda: bool(runs("bc", "default").reached.all())),
    Said("Level up to about k = 10, then ever longer", level_to_ten),
    Said("level from k = 1 to about k = 10", level_to_ten),
    Said(
        "fall at k = 100, to {} with the slow actor and {} on CrazyflieHover",
        lambda: (f"{final('slow_actor'):.1f}", f"{final('crazyflie'):.1f}"),
    ),
    Said("by a factor of {} and more", lambda: WORDS[int(min(soon().values()))]),
    Said("the {} is only a lower bound", lambda: WORDS[round(soon()["CrazyflieHover"])]),
    Said(
        "no run of $k = 100$ ever reached the threshold",
        lambda: not runs("bc", "crazyflie").query("slope == 100").reached.any(),
    ),
    Said(
        "the best and the worst slope hardly differ",
        lambda: results("S4")["PlanarHover, default rates"].parts[0].high < 0.005,
    ),
    Said(
        "In the other two settings the interval excludes it",
        lambda: [found.outcome for found in results("S4").values()] == ["excluded", "supported", "excluded"],
    ),
    Said(
        "up to $k = 25$ all end alike and $k = 50$ nearly so",
        lambda: all(
            end_alike(name, UP_TO_25, 0.002) and end_alike(name, [*UP_TO_25, 50.0], 0.01) for name in SHORT_OF_TIME
        ),
    ),
    Said("with the slow actor at {} of the highest return", lambda: f"{final('slow_actor'):.2f}"),
    Said("they stop at a third", lambda: abs(final("crazyflie") - 1 / 3) < 0.02),
    Said(
        "no two slopes from 1 to 10 differ by more than {} of the highest return",
        lambda: f"{between_shallow('bc'):.2f}",
    ),
    Said(
        "With $k = 2$ the sleepers of the third layer are awake by the end",
        lambda: silent("bc", 2)[2.0].iloc[-1] < 0.06,
    ),
    Said("with $k = 100$ most of them sleep on", lambda: silent("bc", 2)[100.0].iloc[-1] > 0.6),
    Said("up to about 10 nearly alike", level_to_ten),
    Said("at 100 {} times as many updates and more", lambda: WORDS[int(min(soon().values()))]),
)

SET = (
    "fifty times a second",
    "with a slope of 2 and one with 100",
    "20 ms",
    "0.6 m from the middle",
    "A flight of 200 steps is worth 200",
    "a *return of 100*",
    "from 0 to 1 in quarters",
    "250 updates on 32 pairs each",
    "the middle half of the runs",
    "its 95 % band",
    "it stops at 250 updates",
    "a learning rate of $10^{-3}$ (`default`) and at $10^{-4}$",
    "spread by more than 0.05 of the highest",
    "at least 1.25 times the updates",
    "Both halves",
    "one hidden layer of 64 neurons",
)
