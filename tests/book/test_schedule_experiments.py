"""The experiments on schedules: what they train, what they are compared with, and what their claims read."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from snnsg_book.claims import CLAIMS, verdicts
from snnsg_book.studies.control import bc_slopes, td3_slopes, training
from snnsg_book.studies.schedules import (
    ablation,
    arms,
    bc,
    confirm,
    figures,
    meant_bc,
    meant_td3,
    normalisation,
    published,
    search,
    td3,
)
from snnsg_book.studies.schedules.comparisons import (
    arrivals,
    best_fixed,
    picked_by_one_pilot,
    price_of_a_sweep,
    slope_of,
    together,
)
from snnsg_lib.schedulers import TargetSlope
from snnsg_lib.statistics import survival
from snnsg_lib.store import freeze
from snnsg_lib.surrogates import FastSigmoid

mpl.use("Agg")
CLAIM = {claim.id: claim for claim in CLAIMS}
SLOPES = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
STEPS = range(1000, 18_001, 1000)


def curves(starts, seeds=20, setting="slow_actor", **columns):
    """Learning curves that jump to 190 at the step that `starts` gives for each arm, spread over the seeds."""
    rows = []
    for arm, start in starts.items():
        name = {"slope": arm} if isinstance(arm, float) else {"schedule": arm}
        for seed in range(seeds):
            arrival = start + 500 * (seed % 5)
            for step in STEPS:
                row = {"step": step, "episode_return": 190.0 if step >= arrival else 30.0, "current_slope": step / 200}
                rows.append({"setting": setting, **name, "seed": seed, **row, **columns})
    return pd.DataFrame(rows)


FIXED = curves({k: 6000 + 80 * k for k in SLOPES})
SCHEDULED = curves(
    {
        "interval, linear": 17_000,
        "interval, geometric": 9000,
        "interval, rescaled": 8500,
        "adaptive": 7500,
        "adaptive, rescaled": 7400,
        "reversed": 15_000,
    }
)
EVERY_SETTING = tuple(training.SETTINGS)


def in_every_setting(table):
    return pd.concat([table.assign(setting=setting) for setting in EVERY_SETTING])


@pytest.mark.parametrize(("ours", "theirs"), [(td3, td3_slopes), (bc, bc_slopes)])
def test_schedules_have_the_budgets_and_seeds_of_the_fixed_slopes(ours, theirs):
    def of(configs, kind):
        amount = "steps" if kind is td3_slopes else "updates"
        return {(c.setting, c.seed, getattr(c, amount)) for c in configs}

    configs = ours.configs()
    assert of(configs, theirs) <= of(theirs.configs(), theirs)
    assert {c.schedule for c in configs} == set(arms.ONLINE if ours is td3 else arms.CLONED)
    seeds = {setting: len({c.seed for c in configs if c.setting == setting}) for setting in EVERY_SETTING}
    assert min(seeds.values()) >= 20
    if ours is td3:
        assert seeds == {"slow_actor": 32, "default": 30, "crazyflie": 20}


@pytest.mark.parametrize("experiment", [td3, bc, ablation, search])
def test_every_chunk_trains_as_one_network_and_holds_all_schedules_of_its_seeds(experiment):
    configs = experiment.configs()
    assert len(set(configs)) == len(configs)
    kinds = getattr(experiment, "ARMS", arms.SCHEDULES)
    sizes = []
    for start in range(0, len(configs), experiment.CHUNK_SIZE):
        chunk = configs[start : start + experiment.CHUNK_SIZE]
        groups = {}
        for config in chunk:
            groups.setdefault((config.setting, repr(kinds[config.schedule].changes)), []).append(config)
        sizes += [len(group) for group in groups.values()]
    assert np.mean(sizes) >= 10  # small groups waste the batched products


def test_a_search_never_sees_the_seeds_of_the_record():
    searched = {config.seed for config in search.configs()}
    recorded = {config.seed for config in td3.configs()} | {c.seed for c in td3_slopes.configs()}
    assert not searched & recorded
    assert min(searched) >= 1000


def test_winners_are_the_best_of_each_role():
    starts = dict.fromkeys(search.ARMS, 9000)
    table = curves({**starts, "wake, then steep": 6000, "gain 2, k = 10": 7000, "adaptive": 3000}, seeds=4)
    assert confirm.winners(table) == {"schedule": "wake, then steep", "initialisation": "gain 2, k = 10"}


@pytest.mark.parametrize(("setting", "evaluations"), [("slow_actor", 18), ("crazyflie", 20), ("slow_actor", 30)])
@pytest.mark.parametrize("name", ["interval, linear", "interval, geometric", "interval, rescaled", "reversed"])
def test_interval_schedules_spread_over_the_training_and_end_with_it(name, setting, evaluations):
    scheduler = arms.factory(arms.SCHEDULES[name], setting, evaluations)(FastSigmoid())
    slopes = [scheduler.get_last_slope()]
    for _ in range(evaluations):
        scheduler.step()
        slopes.append(scheduler.get_last_slope())
    assert {slopes[0], slopes[-1]} == {1.0, 100.0}
    assert len(set(slopes)) == arms.CHANGES + 1
    assert slopes[evaluations - 4] != slopes[-1]


def test_every_arm_makes_a_schedule_or_a_slope():
    for arm in {**search.ARMS, **ablation.ARMS}.values():
        made = arms.factory(arm, "slow_actor", 18)
        assert isinstance(made, float) or 1.0 <= made(FastSigmoid()).get_last_slope() <= 100.0


def test_a_target_schedule_is_fed_with_the_share_of_dead_neurons_and_others_with_the_return():
    small = {"hidden": (8, 8), "critic_hidden": (8,), "start_steps": 40, "batch_size": 8}
    target, adaptive = (arms.Arm(kind) for kind in ("target", "adaptive"))
    target = arms.Arm("target", {"target": 0.5})
    slopes = [arms.factory(arm, "slow_actor", 2) for arm in (target, adaptive)]
    td3 = arms.FedTD3(slopes=slopes, seeds=[1000, 1000], paired=True, **small)
    td3.learn(40, evaluate_every=1000, episodes=1)
    dead = arms.dead_share(td3)
    assert ((dead >= 0) & (dead <= 1)).all()
    fed = td3.schedule_input(np.array([55.0, 66.0]))
    assert isinstance(td3.replicas.schedules[0], TargetSlope)
    assert fed.tolist() == [dead[0], 66.0]


def test_rows_of_a_run_hold_return_and_slope():
    configs = [bc.Config("default", name, 1000, 100) for name in ("adaptive", "interval, linear")]
    first, second = bc.run(configs)
    assert [row["step"] for row in first] == [50, 100]
    assert set(first[0]) == {"step", "episode_return", "current_slope"}
    assert [row["current_slope"] for row in second] == [12.0, 23.0]


def test_runs_of_both_tables_come_together_under_the_names_of_their_arms():
    runs = together(SCHEDULED, FIXED)
    assert set(runs["arm"]) == set(arms.SCHEDULES) | {f"k = {k:g}" for k in SLOPES}
    assert len(runs) == 13 * 20
    assert runs.loc[runs["arm"] == "adaptive", "speed"].min() == 8000
    assert slope_of("k = 2.5") == 2.5
    assert slope_of("adaptive") is slope_of("k = 2, short memory") is None


def test_arrivals_count_a_run_that_never_arrives_with_its_budget():
    runs = together(curves({"adaptive": 4000, "interval, linear": 17_000}), curves({2.0: 6000}))
    table = arrivals(runs).set_index("arm")
    assert list(table.index) == ["adaptive", "k = 2", "interval, linear"]
    assert table["arrived"].to_dict() == {"adaptive": 20, "k = 2": 20, "interval, linear": 12}
    assert table.loc["adaptive", "steps"] == pytest.approx(5300)  # 4, 5 and 6 thousand, in the shares 1, 2, 2
    assert (table["low"] <= table["steps"]).all()
    assert (table["steps"] <= table["high"]).all()
    assert table["high"].max() <= 18_000
    assert table["epochs"].to_numpy() == pytest.approx(table["steps"].to_numpy() / 1000)


def test_the_best_fixed_slope_of_a_seed_is_chosen_on_the_others():
    """At seed 0 slope 2 wins by far, at all other seeds slope 1."""
    values = pd.DataFrame({"k = 1": [10.0, 5.0, 5.0, 5.0], "k = 2": [1.0, 6.0, 6.0, 6.0], "adaptive": [0.0] * 4})
    assert best_fixed(values, largest=False).tolist() == [10.0, 6.0, 6.0, 6.0]
    assert best_fixed(values, largest=True).tolist() == [1.0, 5.0, 5.0, 5.0]


def test_price_of_a_sweep_counts_every_pilot_run():
    speeds = pd.DataFrame({"k = 1": [4.0] * 6, "k = 2": [2.0] * 6, "adaptive": [3.0] * 6})
    price = price_of_a_sweep(speeds, pilots=(1, 2), num_resamples=100).set_index("plan")
    assert price.loc["adaptive", ["cost", "steps"]].tolist() == [0, 3]
    assert price.loc["a slope drawn blindly", "steps"] == 3
    assert price.loc["sweep, 1 seed a slope", ["cost", "steps", "low", "high"]].tolist() == [6, 2, 2, 2]
    assert price.loc["sweep, 2 seeds a slope", "cost"] == 12
    with pytest.raises(ValueError, match="pilots"):
        price_of_a_sweep(speeds, pilots=(6,))


def test_survival_equals_the_product_of_kaplan_and_meier():
    times, arrived = [1.0, 2.0, 2.0, 3.0, 4.0, 4.0], [True, True, False, True, False, False]
    curve = survival(times, arrived)
    by_hand = dict(zip(curve.times.tolist(), curve.share.tolist(), strict=True))
    assert by_hand[0.0] == 1.0
    assert by_hand[1.0] == pytest.approx(5 / 6)
    assert by_hand[2.0] == pytest.approx(5 / 6 * 4 / 5)
    assert by_hand[3.0] == pytest.approx(5 / 6 * 4 / 5 * 2 / 3)
    assert curve.share[-1] == by_hand[3.0]  # the censored runs stay
    assert (curve.low <= curve.share).all()
    assert (curve.share <= curve.high).all()


def test_survival_interval_covers_the_true_share_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(300):
        times = rng.exponential(1.0, 40)
        curve = survival(np.minimum(times, 2.0), times < 2.0)
        place = np.searchsorted(curve.times, 1.0) - 1
        covered.append(curve.low[place] <= np.exp(-1.0) <= curve.high[place])
    assert stats.binomtest(sum(covered), 300, 0.95).pvalue > 0.001


@pytest.mark.parametrize(("times", "arrived"), [([1.0, 2.0], [True]), ([np.nan, 1.0], [True, True])])
def test_bad_survival_times_are_refused(times, arrived):
    with pytest.raises(ValueError, match=r"times|arrived"):
        survival(times, arrived)


def frozen(directory, **tables):
    for name, table in tables.items():
        freeze(name, table, directory=directory)


def test_claims_are_decided_by_schedules_and_fixed_slopes_together(tmp_path):
    scheduled, fixed = in_every_setting(SCHEDULED), in_every_setting(FIXED)
    meant = curves({"meant": 7500, "meant, change alone": 19_000, "meant, rescaled": 7400})
    frozen(tmp_path, schedules_td3=scheduled, td3_slopes=fixed, schedules_bc=scheduled, bc_slopes=fixed)
    frozen(tmp_path, schedules_meant_td3=in_every_setting(meant), schedules_meant_bc=in_every_setting(meant))
    found = curves({"gain 2, k = 10": 3000}, role="initialisation")
    found = in_every_setting(pd.concat([found, curves({"wake, then steep": 9000}, role="schedule")]))
    frozen(tmp_path, schedules_confirm=found)
    expected = {
        "S7": "not reproduced",
        "S8": "reproduced",
        "S9": "reproduced",
        "S10": "reproduced",
        "S11": "reproduced",
        "S19": "not reproduced",
        "T21": "refuted",
        "T22": "held",
        "T23": "refuted",
        "T24": "held",
        "T25": "refuted",
    }
    table = verdicts([CLAIM[name] for name in expected], tmp_path)
    assert table.set_index("id")["verdict"].to_dict() == expected


def test_a_sweep_of_one_seed_is_judged_on_the_other_seeds():
    speeds = pd.DataFrame({"k = 1": [1.0, 5.0, 6.0], "k = 2": [2.0, 3.0, 4.0], "adaptive": [0.0, 0.0, 0.0]})
    # Seed 0 picks k = 1, the others k = 2.
    assert picked_by_one_pilot(speeds).tolist() == [2.0, (5.0 + 3.0) / 2, (6.0 + 4.0) / 2]


def test_a_claim_is_pending_until_every_table_it_needs_is_there(tmp_path):
    frozen(tmp_path, schedules_meant_td3=SCHEDULED)
    assert verdicts([CLAIM["S9"]], tmp_path)["verdict"].tolist() == ["pending"]


def test_a_claim_has_the_seeds_it_asks_for():
    experiments = {
        "schedules_td3": td3,
        "schedules_meant_td3": meant_td3,
        "schedules_meant_bc": meant_bc,
        "schedules_normalisation": normalisation,
    }
    for claim in CLAIMS:
        for part in (p for regime in claim.regimes for p in regime.parts) if claim.table in experiments else ():
            wanted = dict(part.where)
            configs = experiments[claim.table].configs()
            seeds = {c.seed for c in configs if all(getattr(c, name) == v for name, v in wanted.items())}
            assert len(seeds) >= claim.seeds, claim.id
    assert min(len(seeds) for seeds in confirm.SEEDS.values()) >= CLAIM["T23"].seeds


def test_survival_figure_shows_every_arm_and_the_epoch():
    ax = figures.plot_survival(SCHEDULED, FIXED)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(figures.ARMS)
    assert "an epoch is 1,000" in ax.get_xlabel()


def test_schedules_never_look_like_fixed_slopes():
    fixed = {figures.arm_style(f"k = {k:g}")["color"] for k in SLOPES}
    for name in arms.SCHEDULES:
        assert figures.arm_style(name)["color"] not in fixed
    looks = [tuple(sorted((k, str(v)) for k, v in figures.arm_style(n).items())) for n in arms.SCHEDULES]
    assert len(set(looks)) == len(looks)


def test_figures_of_outcomes_name_every_arm():
    ax = figures.plot_arms(SCHEDULED, FIXED, "speed")
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[-7:] == [f"k = {k:g}" for k in reversed(SLOPES)]
    assert set(labels[:-7]) == set(arms.SCHEDULES)
    gains = figures.plot_gains(SCHEDULED, FIXED)
    assert {label.get_text() for label in gains.get_yticklabels()} == set(arms.SCHEDULES)


def test_paths_and_price_are_drawn_from_their_tables():
    paths = figures.plot_slope_paths(SCHEDULED, arms=("adaptive", "interval, linear"))
    assert paths.get_lines()[0].get_ydata()[-1] == 90.0
    speed = together(SCHEDULED, FIXED).pivot(index="seed", columns="arm", values="speed")
    price = price_of_a_sweep(speed, num_resamples=100)
    drawn = figures.plot_price_of_a_sweep(price)
    assert len(drawn.get_lines()) == len(price)
    assert (np.diff(drawn.get_lines()[-1].get_ydata()) < 0).all()


def test_bars_of_the_paper_stand_beside_ours_counted_in_the_same_way():
    columns = ["setting", "slope", "seed", "step", "episode_return"]
    fixed = FIXED[FIXED.slope.isin([2.0, 50.0, 100.0])][columns]
    scheduled = curves({"interval, linear": 17_000, "meant": 7500, "coded": 6200})
    table = published.beside_the_published(fixed, scheduled).set_index(["arm", "measure"])
    assert (table.loc["k = 2", ["published", "here"]] == 1).all(axis=None)
    assert table.loc[("k = 100", "time"), "published"] == pytest.approx(41.9 / 22.5)
    assert table.loc[("interval, linear", "time"), "here"] > 2
    assert table.loc[("coded", "best"), "here"] == pytest.approx(1)  # all fly equally well in the end
    axes = figures.plot_beside_the_published(table.reset_index())
    assert [label.get_text() for label in axes[0].get_yticklabels()][-1] == "k = 2"


def test_cubic_slope_is_fed_as_its_authors_coded_it():
    coded = arms.factory(arms.MEANT["coded"], "slow_actor", 18)(FastSigmoid())
    for reward in (arms.CRASH["planar"], 0.95 * 200):
        coded.step(reward)
    assert coded.get_last_slope() == pytest.approx(101.0)
    meant = arms.factory(arms.MEANT["meant"], "slow_actor", 18)(FastSigmoid())
    meant.step(arms.CRASH["planar"])
    assert meant.get_last_slope() == 1.0
