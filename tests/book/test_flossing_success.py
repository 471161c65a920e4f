"""The claims on flossing count networks that solve a task, and ask who solves it first."""

from html import escape

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch

from snnsg_book.claim import AFTER, Claim
from snnsg_book.claims import CLAIMS, RETIRED, retired
from snnsg_book.regime import Regime
from snnsg_book.studies.flossing import figures, published, published_forms
from snnsg_book.studies.flossing.claims import RETIRED as FLOSSING_RETIRED
from snnsg_book.studies.flossing.claims.success import shares, solved_alone, solved_sooner
from snnsg_book.studies.flossing.figures.lines import middles, solved_shares
from snnsg_book.studies.flossing.sharpness import FORMS
from snnsg_lib.statistics import iqm, paired_shares, success_rate_interval

mpl.use("Agg")
CLAIM = {claim.id: claim for claim in CLAIMS}
SETUP = {"task": "copy", "delay": 45, "slope": 5.0, "learning_rate": 5e-4, "steps": 400, "rate": 0.1, "exponent": -0.3}
COUNTED = ("L4", "T31", "T32", "T33", "T34", "T43", "T44", "T74", "T75", "T76")


def runs(solved_at, seconds=1e-3):
    """Runs of arms by seed: solved_at[arm] lists the step at which each seed's network has learned it, or None."""
    rows = []
    for arm, steps in solved_at.items():
        for seed, at in enumerate(steps):
            for step in range(0, 401, 25):
                flossed = min(step, 60) if arm == "before" else 0
                clock = seconds * (step + flossed)  # a flossing step takes twice as long as a training step
                right = 1.0 if at is not None and step >= at else 0.5
                rows.append(SETUP | {"arm": arm, "seed": seed, "step": step, "seconds": clock, "accuracy": right})
    return pd.DataFrame(rows)


def test_a_quarter_of_the_networks_is_seen_that_an_interquartile_mean_misses():
    table = runs({"none": [None] * 20, "before": [100] * 5 + [None] * 15})
    ends = table[(table.step == 400) & (table.arm == "before")].accuracy
    assert iqm(ends) == 0.5
    assert shares(solved_alone(table, "before", "none"))[0] == 0.25


@pytest.mark.parametrize("name", COUNTED)
def test_claims_on_success_have_exact_intervals_in_shares_of_networks(name):
    results = CLAIM[name].results(stored(CLAIM[name]))
    for found in [part for result in results for part in result.parts or (result,)]:
        assert found.n == 20
        assert found.estimate * 20 == pytest.approx(round(found.estimate * 20))


def stored(claim):
    from snnsg_book.results import load_results

    names = (claim.table, *claim.beside)
    return pd.concat([load_results(name).assign(table=name) for name in names], ignore_index=True)


def test_claims_that_changed_their_statistic_say_so():
    for name in ("L3", "L4", "T31", "T32", "T33", "T34", "T43", "T44", "T46"):
        assert CLAIM[name].notes[0].startswith("Changed after its table")
    for name in ("T74", "T75", "T76"):
        assert CLAIM[name].notes == (AFTER,)


@pytest.mark.parametrize("seeds", [20, 200])
def test_nothing_serves_as_well_as_flossing_where_neither_solves_a_task(seeds):
    table = runs({"slope": [None] * seeds, "before": [None] * seeds, "none": [None] * seeds})
    assert CLAIM["T34"].results(table)[0].outcome in ("undecided", "excluded")
    solved = runs({"slope": [100] * 40, "before": [100] * 40, "none": [None] * 40})
    assert CLAIM["T34"].results(solved)[0].outcome == "supported"


def test_who_solves_a_task_first_is_asked_with_those_who_never_do_as_last():
    table = runs({"before": [100, 200, None, 100, None], "none": [200, 100, 100, None, None]})
    assert solved_sooner(table, "before", "none", "steps").tolist() == [1, -1, -1, 1, 0]


def test_sooner_in_steps_may_be_later_in_time():
    table = runs({"before": [150] * 2, "none": [175] * 2})  # 150 steps take as long as 210 without flossing
    assert solved_sooner(table, "before", "none", "steps").tolist() == [1, 1]
    assert solved_sooner(table, "before", "none", "time").tolist() == [-1, -1]


def test_a_task_solved_after_the_time_of_the_others_does_not_count():
    table = runs({"before": [375] * 2, "none": [None] * 2})  # at a cost of 435 of 400
    assert solved_sooner(table, "before", "none", "time").tolist() == [0, 0]
    assert solved_alone(table, "before", "none", "time").tolist() == [0, 0]
    assert solved_alone(table, "before", "none").tolist() == [1, 1]


def test_a_claim_may_bring_its_own_interval():
    rows = pd.DataFrame({"seed": range(20), "sign": [1] * 8 + [0] * 12})
    claim = Claim("T0", "x", "x", "x", (Regime("all", 0.1),), "none", measure=lambda some, _: some.sign)
    exact = Claim(
        "T0", "x", "x", "x", (Regime("all", 0.1),), "none", measure=lambda some, _: some.sign, estimator=shares
    )
    assert claim.results(rows)[0].estimate == iqm(rows.sign)
    assert exact.results(rows)[0][1:4] == tuple(paired_shares(rows.sign))


def test_gradients_of_slope_one_must_last_longer_than_they_did_before():
    rows = [
        {"measure": "log_gradient", "stage": stage, "seed": seed, "value": value}
        for stage, value in (("before", -4.0), ("after", -4.0))
        for seed in range(10)
    ]
    same = CLAIM["L3"].measure(pd.DataFrame(rows), CLAIM["L3"].regimes[1])
    assert same.tolist() == [0.0] * 10  # six time constants long, before flossing and after it
    rows = [row | {"value": -2.0 if row["stage"] == "after" else -24.0} for row in rows]
    assert CLAIM["L3"].measure(pd.DataFrame(rows), CLAIM["L3"].regimes[0]).tolist() == [(24 - 2) / 2] * 10


def test_figures_draw_the_statistics_of_the_claims():
    table = runs({"none": [100] * 5 + [None] * 15})
    last = table[table.step == 400].assign(solved=lambda some: some.accuracy >= 0.9)
    share = solved_shares(last, ["arm"]).loc["none"]
    assert share.tolist() == pytest.approx([0.25, *success_rate_interval(5, 20)])
    assert middles(last, ["arm"], "accuracy").loc["none"].middle == iqm(last.accuracy)
    (ax,) = figures.plot_training(table, ["none"])
    assert ax.lines[0].get_ydata()[-1] == 0.25


def figure_one():
    """Two networks of each cell: exponents that rise to zero in 10 steps or 110, and a plateau of those flossed."""
    rows = []
    for form in ("fast sigmoid", "arctangent", "tanh"):
        for sharpness, count in ((0.5, 1), (1.0, 1), (1.0, 16), (1.0, 32)):
            begin, arrival = {0.5: (-0.22, 10), 1.0: (-0.49, 110)}[sharpness]
            cell = {"form": form, "sharpness": sharpness, "num_exponents": count}
            for seed in range(12):
                for step in (*range(21), *range(25, 500, 5)):
                    value = begin * max(0.0, 1 - step / arrival)
                    rows.append(cell | {"seed": seed, "measure": "epochs", "index": step, "value": value})
                for index in range(1, 41):
                    steep = begin - 0.01 * index
                    flossed = -0.001 * index if index <= count else steep
                    rows.append(cell | {"seed": seed, "measure": "before", "index": index, "value": steep})
                    rows.append(cell | {"seed": seed, "measure": "after", "index": index, "value": flossed})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", ["T70", "T71", "T72", "T73"])
def test_a_table_that_is_as_published_supports_every_claim_on_figure_one(name):
    assert {result.outcome for result in CLAIM[name].results(figure_one())} == {"supported"}


def test_a_path_that_never_arrives_is_not_as_published():
    table = figure_one()
    table.loc[table.measure == "epochs", "value"] = -0.4
    results = CLAIM["T71"].results(table)
    assert {result.outcome for result in results} == {"excluded"}
    assert results[1].estimate == pytest.approx(np.log2(495 / 110))


def test_published_numbers_are_drawn_as_stars_beside_our_paths():
    axes = figures.plot_published_figure(figure_one())
    for ax, ends in zip(axes, ([(0, -0.22), (10, 0)], [(0, -0.49), (110, 0)]), strict=False):
        (stars,) = [line for line in ax.lines if line.get_marker() == "*"]
        assert stars.get_xydata().tolist() == [list(point) for point in ends]
        assert len(ax.lines) == 5  # zero, three forms, the stars
    assert [text.get_text() for text in axes[2].get_legend().get_texts()] == ["1 flossed", "16 flossed", "32 flossed"]


def test_what_was_given_up_is_told_with_its_reason():
    html = retired().to_html()
    for entry in FLOSSING_RETIRED:
        assert entry in RETIRED
        assert escape(entry.reason) in html


def test_surrogates_of_the_published_sharpness_have_height_one_and_become_steeper():
    u = torch.linspace(-2, 2, 41)
    for form, surrogate in FORMS.items():
        shallow, steep = surrogate(0.5).derivative(u), surrogate(1.0).derivative(u)
        assert shallow[20] == steep[20] == 1, form
        assert (steep[:20] < shallow[:20]).all()
    torch.testing.assert_close(FORMS["tanh"](0.5).derivative(u), 1 / torch.cosh(u / 2) ** 2)
    torch.testing.assert_close(FORMS["arctangent"](0.5).derivative(u), 1 / (1 + (np.pi * u / 4) ** 2))


def test_networks_of_the_pending_test_differ_from_the_published_ones_in_their_surrogate_alone():
    rows = published_forms.run(published_forms.configs(quick=True)[2:])
    flossed = published.run(published.configs(quick=True)[2:])
    assert rows[0][0]["accuracy"] == flossed[0][0]["accuracy"]
    assert rows[0][0]["exponent"] > flossed[0][0]["exponent"] + 0.2
