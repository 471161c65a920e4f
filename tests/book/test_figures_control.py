"""What the figures on control say about the replay buffer follows from what was collected."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from snnsg_book.studies.control.buffer import buffer_contents
from snnsg_book.studies.control.figures import plot_buffer
from snnsg_book.style import middle_and_interval, middles_and_intervals
from snnsg_lib.learning import TD3
from snnsg_lib.learning.settings import CRAZYFLIE_HOVER

mpl.use("Agg")


def run(shares, slope=2.0, seed=0):
    steps = 1000 * np.arange(1, len(shares) + 1)
    return pd.DataFrame({"slope": slope, "seed": seed, "step": steps, "low_share": shares})


def test_a_bad_beginning_is_diluted_and_ages():
    found = buffer_contents(run([1.0, 0.0, 0.0, 0.0]))
    assert found["buffer_share"].tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])
    assert found["buffer_age"].tolist() == [500, 1500, 2500, 3500]


def test_bad_flights_that_go_on_keep_the_age_at_that_of_the_whole_buffer():
    found = buffer_contents(run([0.3] * 6))
    assert found["buffer_share"].tolist() == pytest.approx([0.3] * 6)
    assert found["buffer_age"].tolist() == pytest.approx((found["step"] / 2).tolist())


def test_a_buffer_without_bad_flights_has_no_age_for_them():
    found = buffer_contents(run([0.0, 0.0, 1.0]))
    assert found["buffer_age"].isna().tolist() == [True, True, False]
    assert found["buffer_age"].iloc[-1] == 500


def test_a_period_without_finished_episodes_does_not_count():
    found = buffer_contents(run([0.5, 0.5, np.nan]))
    assert found["buffer_share"].iloc[-1] == pytest.approx(0.5)


def test_contents_agree_with_a_count_of_every_transition():
    rng = np.random.default_rng(0)
    chance = np.repeat(rng.random(12), 1000)
    bad = rng.random(12_000) < chance
    found = buffer_contents(run(bad.reshape(12, 1000).mean(axis=1)))
    for row in found.itertuples():
        collected = np.flatnonzero(bad[: row.step])
        assert row.buffer_share == pytest.approx(len(collected) / row.step)
        assert row.buffer_age == pytest.approx((row.step - collected).mean(), abs=20)


def test_runs_are_kept_apart():
    both = pd.concat([run([1.0, 0.0], seed=0), run([0.0, 1.0], seed=1)])
    last = buffer_contents(both.sample(frac=1, random_state=0)).query("step == 2000").set_index("seed")
    assert last["buffer_share"].to_dict() == {0: 0.5, 1: 0.5}
    assert last["buffer_age"].to_dict() == {0: 1500, 1: 500}


def test_the_buffer_keeps_every_transition_of_a_run_for_the_record():
    for settings, steps in (({}, 18_000), (CRAZYFLIE_HOVER, 40_000)):
        td3 = TD3(slopes=[10.0], seeds=[0], **settings)
        assert td3.buffer.rows.shape[1] * td3.num_envs >= steps


@pytest.mark.parametrize("measure", ["low_share", "buffer_share", "buffer_age"])
def test_each_measure_of_the_buffer_has_a_line_and_a_label_per_slope(measure):
    table = pd.concat(run([1.0, 0.6, 0.2], slope, seed) for slope in (2.0, 100.0) for seed in range(4))
    ax = plot_buffer(buffer_contents(table), measure, slopes=(2.0, 100.0))
    words = {text.get_text() for text in ax.texts}
    assert {"k = 2", "k = 100"} <= words
    assert ("everything" in words) == (measure == "buffer_age")
    plt.close(ax.figure)


def test_many_points_get_the_intervals_that_each_has_alone():
    runs = np.random.default_rng(0).normal(size=(4, 20))
    runs[1, 3] = np.nan
    for rows in (runs, runs[2:]):
        alone = [middle_and_interval(row[~np.isnan(row)]) for row in rows]
        np.testing.assert_allclose(middles_and_intervals(rows), alone, rtol=1e-12)


def test_an_unknown_measure_of_the_buffer_is_refused():
    with pytest.raises(ValueError, match="measure must be one of"):
        plot_buffer(run([0.5]), "smell")
