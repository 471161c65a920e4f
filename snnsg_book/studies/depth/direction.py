"""Figure 3: where the gradient of each slope points, seen from the k = 100 gradient, and how noisy both are.

`cosine`: with the k = 100 gradient of the same batch. `reliability`: between two batches at the same slope.
`other_batch`: with the k = 100 gradient of another batch. `product` and `signal`: unbiased inner product with the
expected k = 100 gradient, and squared norm of the expected gradient, from which the cosine without noise follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from snnsg_book.replicas import by_network
from snnsg_lib.gradients import cosine_similarity, expected_product

from . import networks

CHUNK_SIZE = len(networks.SLOPES)


@dataclass(frozen=True)
class Config:
    """One slope in one network."""

    setup: str = "controlled"
    num_batches: int = 48
    seed: int = 0
    slope: float = 25.0


def configs(quick: bool = False) -> list[Config]:
    """Slopes x 20 seeds x set-ups; three slopes, two seeds and eight batches if quick."""
    slopes, seeds, batches = ((1.0, 10.0, 100.0), range(2), 8) if quick else (networks.SLOPES, range(20), 48)
    return [Config(setup, batches, seed, slope) for setup in networks.SETUPS for seed in seeds for slope in slopes]


def run(configs: Sequence[Config]) -> list[list[dict]]:
    """Rows for each config, one per layer, with the columns that the module describes."""
    return by_network(configs, _run)


def _run(config: Config, slopes: list[float]) -> list[list[dict]]:
    network = networks.NETWORKS[config.setup]
    grads, reference = networks.with_reference(network, config.seed, slopes, config.num_batches)
    pairs = range(0, config.num_batches, 2)
    return networks.rows_by_slope(
        {
            "cosine": networks.mean_over_batches(
                [cosine_similarity(*pair) for pair in zip(grads, reference, strict=True)]
            ),
            "reliability": networks.mean_over_batches([cosine_similarity(grads[i], grads[i + 1]) for i in pairs]),
            "other_batch": networks.mean_over_batches([cosine_similarity(grads[i], reference[i + 1]) for i in pairs]),
            "product": expected_product(grads, reference),
            "signal": expected_product(grads),
        }
    )


def noise_free_cosine(table: pd.DataFrame) -> pd.DataFrame:
    """Cosine between the expected gradients of each slope and of k = 100, pooled over seeds, with a 95 % interval.

    Parameters
    ----------
    table : DataFrame
        The table of this experiment.

    Returns
    -------
    DataFrame
        setup, layer, slope, mean, low, high (jackknife over seeds). Layers whose expected k = 100 gradient cannot be
        told from zero are left out: nobody can say where it points. What noise lifts above 1 is set to 1.
    """
    rows = []
    for (setup, layer), part in table.groupby(["setup", "layer"]):
        product, signal = (part.pivot(index="seed", columns="slope", values=name) for name in ("product", "signal"))
        reference = signal[networks.REFERENCE]
        if reference.mean() < 2 * reference.std() / len(reference) ** 0.5:
            continue
        for slope in product:
            mean, error = _jackknife(product[slope], signal[slope], reference)
            interval = (min(value, 1.0) for value in (mean, mean - 2.1 * error, mean + 2.1 * error))
            rows.append((setup, layer, slope, *interval))
    return pd.DataFrame(rows, columns=["setup", "layer", "slope", "mean", "low", "high"])


def _jackknife(product: pd.Series, signal: pd.Series, reference: pd.Series) -> tuple[float, float]:
    """Ratio of the sums over seeds, and its standard error from leaving out one seed at a time."""

    def cosine(a: pd.Series, b: pd.Series, c: pd.Series) -> pd.Series:
        return a / (b * c) ** 0.5

    without = cosine(product.sum() - product, signal.sum() - signal, reference.sum() - reference)
    error = (len(product) - 1) ** 0.5 * without.std(ddof=0)
    return cosine(product.sum(), signal.sum(), reference.sum()), error


def agrees(quick: pd.DataFrame, stored: pd.DataFrame) -> bool:
    """Whether layers and slopes fall in the same order of their cosine with the k = 100 gradient."""
    return all(_falls_far_from_the_output(table) and _rises_with_the_slope(table) for table in (quick, stored))


def _falls_far_from_the_output(table: pd.DataFrame) -> bool:
    cosine = table[table.slope == 1].groupby(["setup", "layer"]).cosine.mean().unstack()
    return bool((cosine[0] < cosine[3]).all())


def _rises_with_the_slope(table: pd.DataFrame) -> bool:
    cosine = table[table.layer == 0].groupby(["setup", "slope"]).cosine.mean().unstack()
    return bool((cosine[1.0] < cosine[10.0]).all() and (cosine[10.0] < cosine[100.0]).all())
