"""What the claims on schedules measure, seed by seed: runs under schedules beside runs with fixed slopes.

"The best fixed slope" of a seed is the one that is best on average over all other seeds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnsg_book.regime import Regime
from snnsg_book.studies.control.outcomes import outcomes

from .comparisons import best_fixed, picked_by_one_pilot, with_arm

if TYPE_CHECKING:
    import pandas as pd


def arms(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of `outcomes`: a row for each seed, a column for each arm."""
    runs = outcomes(with_arm(rows), ["arm", "seed"])
    return runs.pivot(index="seed", columns="arm", values=column)


def ratio(wide: pd.DataFrame, first: str, second: str) -> pd.Series:
    """The first arm over the second, for the seeds that both have."""
    both = wide.reindex(columns=[first, second]).dropna()
    return both[first] / both[second]


def steep_over_interval(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the linear interval schedule."""
    return ratio(arms(rows, "speed"), "k = 100", "interval, linear")


def kept_by_the_reward(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: the adaptive schedule minus that whose weight on the reward is 0."""
    final = arms(rows, "final").reindex(columns=["meant", "meant, change alone"]).dropna()
    return final["meant"] - final["meant, change alone"]


def steep_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the adaptive schedule."""
    return ratio(arms(rows, "speed"), "k = 100", "meant")


def final_difference(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: adaptive minus best fixed slope, as a share of the latter."""
    final = arms(rows, "final")
    best = best_fixed(final, largest=True)
    return ((final["meant"] - best) / best).dropna()


def share_of_best(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve, adaptive over best fixed slope, of the learner that the regime names."""
    learner = "bc" if regime.name.endswith("cloning") else "td3"
    auc = arms(rows[rows["table"].str.contains(learner)], "auc")
    return (auc["meant"] / best_fixed(auc, largest=True)).dropna()


def best_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: best fixed slope over the adaptive schedule."""
    speed = arms(rows, "speed")
    return (best_fixed(speed, largest=False) / speed["meant"]).dropna()


def linear_over_rescaled(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: the linear interval schedule as it is, over that whose moments follow the slope."""
    return ratio(arms(rows, "speed"), "interval, linear", "interval, rescaled")


def gain_of_rescaling(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Final return: the adaptive schedule whose moments follow the slope, minus that as it is."""
    final = arms(rows, "final").reindex(columns=["meant, rescaled", "meant"]).dropna()
    return final["meant, rescaled"] - final["meant"]


def gain_of_the_floor(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: the adaptive schedule that counts from a crash over that which counts from 0."""
    return ratio(arms(rows, "auc"), "meant", "adaptive")


def gain_of_one_change(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: the adaptive schedule with the change that names the regime over that without."""
    return ratio(arms(rows, "auc"), regime.name.rpartition(", ")[2], "adaptive")


def gain_of_following_moments(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: the schedule as meant with moments that follow, over that as it is."""
    return ratio(arms(rows, "auc"), "meant, rescaled", "meant")


def steep_over_coded(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: k=100 over the schedule as coded, without its trend or, if the regime says so, with."""
    return ratio(arms(rows, "speed"), "k = 100", "coded, with trend" if regime.name.endswith("trend") else "coded")


def found_over_known(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Area under the learning curve: what the search found, over the adaptive schedule or the best fixed slope."""
    role = "initialisation" if "initialisation" in regime.name else "schedule"
    found = rows[(rows["table"] == "schedules_confirm") & (rows["role"] == role)].assign(schedule="found")
    known = rows[rows["table"] != "schedules_confirm"]
    auc, won = arms(known, "auc"), arms(found, "auc")["found"]
    against = auc["adaptive"] if "adaptive" in regime.name else best_fixed(auc, largest=True)
    return (won / against).dropna()


def picked_over_adaptive(rows: pd.DataFrame, regime: Regime) -> pd.Series:
    """Steps to the threshold: the slope that a sweep of one seed picks, over the adaptive schedule."""
    speed = arms(rows, "speed")
    return (picked_by_one_pilot(speed) / speed["meant"]).dropna()
