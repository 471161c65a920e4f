"""What `trying` says in numbers, from the tables `td3_slopes` and `td3_oracle`."""

import functools

import numpy as np
from saying import Said, outcomes, results, table

from snnsg_book.studies.control.buffer import buffer_contents
from snnsg_book.style import middle_and_interval
from snnsg_lib.statistics import iqm

from ._control import SETTINGS, between_shallow, middles, runs, spread

DRAWN = [1.0, 10.0, 100.0]


def apart():
    """Return of the learner here minus that of the other library, mean over seeds."""
    wide = table("td3_oracle").pivot(index="seed", columns="learner", values="episode_return")
    return (wide["snnsg_lib"] - wide["stable_baselines3"]).mean()


def behind(first, second, setting="crazyflie"):
    """By how much mean return the first slope is behind the second, seed by seed."""
    wide = runs("td3", setting).pivot(index="seed", columns="slope", values="auc")
    return iqm(wide[second] - wide[first])


def two_and_ten_alike():
    """Whether the interval of the difference in mean return between slopes 2 and 10 with the slow actor holds zero."""
    wide = runs("td3", "slow_actor").pivot(index="seed", columns="slope", values="auc")
    _, low, high = middle_and_interval(wide[2.0] - wide[10.0])
    later = wide[[2.0, 10.0]].min(axis=1)
    return low < 0 < high and all(iqm(later - wide[slope]) > 0.05 for slope in (50.0, 100.0))


def in_order_to_190():
    """Whether slopes 10, 50 and 100 pass the threshold in this order with the slow actor and end near 190."""
    first, second, third = middles("td3", "slow_actor", "speed")[[10.0, 50.0, 100.0]]
    return first < second < third and bool((200 * middles("td3", "slow_actor", "final") - 190).abs().max() < 4)


@functools.cache
def at_the_end(setting):
    """What bad episodes have left in the buffer at the end: interquartile means, a row a slope."""
    rows = table("td3_slopes")
    contents = buffer_contents(rows[rows.setting == setting])
    last = contents[contents.step == contents.step.max()].groupby("slope")
    return last[["low_share", "buffer_share", "buffer_age"]].agg(iqm)


def holds_about(setting, slopes, share, apart=0.06):
    """Whether the buffers of these slopes end with about this share of bad transitions."""
    return bool((at_the_end(setting).buffer_share[slopes] - share).abs().max() < apart)


def steepest_varies_most():
    """Whether slope 100 has the largest standard deviation with the slow actor, by far."""
    found = spread("td3", "slow_actor")
    return found[100.0] > 2 * found[:50.0].max()


def none_stands_out():
    """Whether on CrazyflieHover no standard deviation is large, and the interval of slope 100 holds the typical one."""
    found = spread("td3", "crazyflie")
    steepest = runs("td3", "crazyflie").query("slope == 100").final
    _, low, high = middle_and_interval(steepest, np.std)
    return found.max() < 0.06 and bool(low < found.drop(100.0).median() < high)


SAID = (
    Said("All twenty runs end with the pendulum up", lambda: table("td3_oracle").episode_return.min() > -250),
    Said("the two learners are {} apart, in favour of ours", lambda: f"{apart():.0f}"),
    # Shallow against steep
    Said("Slopes of 2 and 10 cannot be told apart; 50 and 100 come later", two_and_ten_alike),
    Said("then k = 50, then k = 100; all end near 190", in_order_to_190),
    Said("in two settings of three", lambda: outcomes("S5") == ["supported", "excluded", "supported"]),
    Said("about a third more return", lambda: abs(results("S5")["PlanarHover, slow actor"].estimate - 4 / 3) < 0.03),
    Said("about a seventh more", lambda: abs(results("S5")["CrazyflieHover"].estimate - 8 / 7) < 0.02),
    Said("is {} of the highest return, by which $k = 1$ is behind", lambda: f"{between_shallow('td3'):.2f}"),
    Said("by which $k = 1$ is behind $k = 5$", lambda: round(behind(1.0, 5.0), 3) == round(between_shallow("td3"), 3)),
    Said(
        "it ends where all others end",
        lambda: middles("td3", "crazyflie", "final").agg(lambda ends: ends.max() - ends.min()) < 0.02,
    ),
    Said("with the slow actor every run passes the threshold", lambda: bool(runs("td3", "slow_actor").reached.all())),
    Said(
        "at about half of the highest return, whatever the slope",
        lambda: bool((middles("td3", "default", "final") - 0.5).abs().max() < 0.05),
    ),
    Said("In two of three settings", lambda: outcomes("S5").count("supported") == 2),
    Said("Between 1 and 10 it hardly matters anywhere", lambda: between_shallow("td3") < 0.05),
    # Variability
    Said(
        "at most {} up to k = 50 and {} at k = 100",
        lambda: (f"{spread('td3', 'slow_actor')[:50.0].max():.2f}", f"{spread('td3', 'slow_actor')[100.0]:.2f}"),
    ),
    Said("about 0.2 throughout", lambda: bool((spread("td3", "default") - 0.2).abs().max() < 0.05)),
    Said("it stays near 0.03", lambda: bool((spread("td3", "crazyflie") - 0.03).abs().max() < 0.025)),
    Said("it is the steepest that varies most", steepest_varies_most),
    Said("all vary little and none stands out", none_stands_out),
    Said(
        "the runs differ far more from one another",
        lambda: (
            spread("td3", "default").min() > max(spread("td3", name).max() for name in SETTINGS if name != "default")
        ),
    ),
    # The buffer
    Said(
        "With the slow actor the steep run holds the most of them",
        lambda: at_the_end("slow_actor").buffer_share.idxmax() == 100,
    ),
    Said("fall together to one third", lambda: holds_about("slow_actor", [1.0, 10.0], 1 / 3, 0.03)),
    Said("stays above one half", lambda: at_the_end("slow_actor").buffer_share[100.0] > 0.5),
    Said("the three fall together, to about two thirds", lambda: holds_about("default", DRAWN, 2 / 3, 0.07)),
    Said(
        "the bad part of every buffer is older than the rest",
        lambda: bool((at_the_end("slow_actor").buffer_age > 12_000).all()),
    ),
    Said(
        "about one new transition in eight still comes from one",
        lambda: bool((at_the_end("default").low_share[DRAWN] - 1 / 8).abs().max() < 0.02),
    ),
)

SET = (
    "about $1/(1-\\gamma) = 50$ steps",
    "of standard deviation 0.2",
    "is 0 after a crash, which has no future, and 1 otherwise",
    "for 10,000 steps",
    "of the middle half of the runs",
    "Two bundles of three curves",
    "400 transitions",
    "at 10000 steps",
    "1,600 more steps",
    "the 1,600 transitions",
    "left of 8,000, from before most of them could fly, is five times as much",
    "by default $10^{-8}$",
    "the runs 20,000 steps long",
    "the 30 that had been set",
    "a rate of $10^{-4}$",
    "Adam at 1e-3",
    "the threshold of 100",
    "beyond 25 or so",
    "a quarter of the updates",
    "less than half of the threshold",
    "is 9,000 steps old on average",
    "a hundred times longer",
    "3 seeds each",
    "a difference of 0.05",
)
