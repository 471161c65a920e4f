"""What `direction` says in numbers, from the table `direction`."""

from saying import Said, table

from snnsg_book.studies.depth.direction import noise_free_cosine


def cosine(slope, layer):
    """Cosine with the k = 100 gradient of the same batch, controlled rate, mean over seeds."""
    rows = table("direction")
    return rows[(rows.slope == slope) & (rows.layer == layer) & (rows.setup == "controlled")].cosine.mean()


def unbiased(setup):
    """Cosine between the expected gradients of each slope and of k = 100 in the hidden layers: a row a layer."""
    found = noise_free_cosine(table("direction"))
    found = found[(found.setup == setup) & (found.layer < 4)]
    return found.pivot(index="layer", columns="slope", values="mean")


SAID = (
    Said("near zero in the first panel and about {} in the last", lambda: f"{cosine(1, 3):.1f}"),
    Said("stays above {} at every slope", lambda: f"{unbiased('controlled').min().min():.1f}"),
    Said("The black line is missing in the first panel", lambda: 0 not in unbiased("authors").index),
    Said("begins between 0.6 and 0.8 at k = 1", lambda: bool(unbiased("authors")[1.0].between(0.6, 0.8).all())),
    Said("reaches one between k = 5 and 25", lambda: bool((unbiased("authors")[25.0] > 0.99).all())),
)

SET = (
    "mean over 20 seeds",
    "1 for the same direction, 0 for unrelated ones",
    "two halves",
    "each half",
    "the halves",
    "48 batches and 20 seeds",
    "at 16 layers",
    "1, 5, 10, 25 and 100, from left to right",
    "a step of 5 %",
    "agree to 0.5",
    "for 200 updates",
    "a cosine of 0.2",
)
