"""A table in the shape of `flossing_epochs`: flossed exponents rise and fall again, and accuracy comes late."""

import numpy as np
import pandas as pd

from snnsg_book.studies.flossing.epochs import ARMS, CHECKPOINTS, DELAYS, NUM_EXPONENTS, SLOPES
from snnsg_book.studies.flossing.tasks import STEPS


def flossing_table() -> pd.DataFrame:
    """Return the table: two tasks, five arms, three slopes, four seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for task, delay in DELAYS.items():
        steps = np.array([step for step in CHECKPOINTS if step <= STEPS[task]])
        for arm, (_, count) in ARMS.items():
            for slope in SLOPES:
                for seed in range(4):
                    start = rng.uniform(100, 300)
                    accuracy = 0.5 + 0.5 / (1 + np.exp((start - steps) / 25)) + rng.normal(0, 0.02, len(steps))
                    exponents = _spectra(rng, steps, arm, slope, count)
                    rows += [
                        {"task": task, "arm": arm, "slope": slope, "seed": seed, "steps": STEPS[task], "delay": delay}
                        | {"step": int(step), "accuracy": round(float(share), 5), "rate": 0.12}
                        | {f"exponent_{m + 1}": round(float(value), 5) for m, value in enumerate(spectrum)}
                        for step, share, spectrum in zip(steps, accuracy.clip(0.3, 1), exponents, strict=True)
                    ]
    return pd.DataFrame(rows)


def _spectra(rng: np.random.Generator, steps: np.ndarray, arm: str, slope: float, count: int) -> np.ndarray:
    """Exponents (checkpoints, 32), nearly in order, as a finite time leaves them."""
    numbers = np.arange(NUM_EXPONENTS)
    highest = {1.0: -0.1, 5.0: -0.3, 25.0: -0.44}[slope] + 0.15 * (arm == "gain")
    rest = highest - (0.5 + highest) * (numbers / 32) + rng.normal(0, 0.01, (len(steps), NUM_EXPONENTS))
    rest = rest + 0.2 * (slope == 1) * (steps / 400)[:, None]
    if arm in ("before", "before 16", "during"):
        lifted = np.exp(-(((steps - 70) / 60) ** 2)) * 0.9 / np.sqrt(count)
        rest[:, :count] *= 1 - lifted[:, None]
    return rest
