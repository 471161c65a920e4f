"""Tables in the shape of `td3_slopes` and `bc_slopes`, of runs that learn the later the steeper their slope."""

import numpy as np
import pandas as pd

from snnsg_book.studies.control.training import SETTINGS, SLOPES
from snnsg_book.studies.schedules.arms import ONLINE


def learning_table(learner: str, seeds: int = 32) -> pd.DataFrame:
    """Return the table of one learner; on CrazyflieHover a quarter of the runs of slope 100 never learns."""
    rng = np.random.default_rng(0)
    rows = []
    for name, setting in SETTINGS.items():
        last, every = (
            (setting.steps, setting.evaluate_every) if learner == "td3" else (setting.updates, setting.evaluate_at)
        )
        steps = np.arange(every, last + 1, every)
        top = 146 if name == "crazyflie" else 192
        for slope in SLOPES:
            for seed in range(min(seeds, 20) if name == "crazyflie" else seeds):
                start = last * (0.3 + 0.1 * rng.random() + 0.1 * np.log(slope))
                never = slope == 100 and name == "crazyflie" and seed % 4 == 0
                level = 20 if never else 20 + (top - 20) / (1 + np.exp((start - steps) / (0.04 * last)))
                returns = np.minimum(level + rng.normal(0, 4, len(steps)), top)
                rows += [
                    {"setting": name, "slope": slope, "seed": seed, "step": step, "episode_return": value}
                    for step, value in zip(steps.tolist(), returns.tolist(), strict=True)
                ]
    return pd.DataFrame(rows)


def schedule_table(seeds: int = 32) -> pd.DataFrame:
    """Return a table in the shape of `schedules_td3`, of runs that learn the later the earlier in the list."""
    rng = np.random.default_rng(1)
    steps = np.arange(1000, 18_001, 1000)
    rows = []
    for place, arm in enumerate(ONLINE):
        for seed in range(seeds):
            start = 12_000 - 1500 * place + rng.uniform(0, 4000)
            returns = np.clip(
                20 + 170 / (1 + np.exp((start - steps) / 1200)) + rng.normal(0, 10, len(steps)), 0.05, 196
            )
            rows += [
                {
                    "setting": "slow_actor",
                    "schedule": arm,
                    "seed": seed,
                    "step": step,
                    "episode_return": round(value, 2),
                }
                for step, value in zip(steps.tolist(), returns.tolist(), strict=True)
            ]
    return pd.DataFrame(rows)
