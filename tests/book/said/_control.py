"""What the chapters on control share: outcomes of the runs of `bc_slopes` and `td3_slopes`, and their middles."""

import functools
import itertools

from saying import table

from snnsg_book.studies.control.outcomes import lead_of_shallow, outcomes
from snnsg_lib.statistics import iqm

SETTINGS = ("default", "slow_actor", "crazyflie")
SHALLOW = (1.0, 2.0, 5.0, 10.0)


@functools.cache
def runs(learner, setting):
    """One row for each run of "bc" or "td3"."""
    rows = table(f"{learner}_slopes")
    return outcomes(rows[rows.setting == setting], ["slope", "seed"])


def middles(learner, setting, outcome):
    """Interquartile mean over seeds, by slope, as the figures draw it."""
    return runs(learner, setting).groupby("slope")[outcome].apply(iqm)


def spread(learner, setting):
    """Standard deviation of the final return over seeds, by slope."""
    return runs(learner, setting).groupby("slope").final.std(ddof=0)


def between_shallow(learner):
    """Largest difference in mean return between two slopes up to 10, seed by seed, in any setting."""
    return max(
        abs(iqm(wide[one] - other_runs))
        for setting in SETTINGS
        for wide in [runs(learner, setting).pivot(index="seed", columns="slope", values="auc")]
        for one, two in itertools.combinations(SHALLOW, 2)
        for other_runs in [wide[two]]
    )


def gap(rows, outcome="auc"):
    """Lead of slope 2 over slope 100, seed by seed: interquartile mean."""
    return iqm(lead_of_shallow(rows, outcome))


def silent(learner, layer):
    """Median share of silent neurons with the slow rate: a row a step, a column a slope."""
    return _median(learner, f"dead_{layer}")


def norm(learner, layer):
    """Median norm of the gradient with the slow rate: a row a step, a column a slope."""
    return _median(learner, f"norm_{layer}")


def _median(learner, column):
    rows = table(f"{learner}_slopes")
    rows = rows[(rows.setting == "slow_actor") & rows[column].notna()]
    return rows.groupby(["step", "slope"])[column].median().unstack()
