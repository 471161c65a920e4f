"""L1 to L4: surrogate Lyapunov exponents and flossing (the second seed)."""

from __future__ import annotations

from .claim import Claim, Regime

FLOSSING_CLAIMS = (
    Claim(
        id="L1",
        sentence="The largest surrogate Lyapunov exponent predicts how large an error gradient is after a long time.",
        source="Second seed, abstract",
        statistic="R^2 of ln |dL/dh0| against exponent times duration, over the networks of one seed",
        regimes=(
            Regime("untrained networks", margin=0.9),
            Regime("during training", margin=0.9),
            Regime("trained networks", margin=0.9),
        ),
        table="lyapunov_gradient",
    ),
    Claim(
        id="L2",
        sentence="Flossing, a penalty on the exponents through a differentiable QR, brings them to zero.",
        source="Second seed, abstract",
        statistic="absolute largest exponent after flossing over that before, as a ratio",
        regimes=(
            Regime("one exponent", margin=0.2, direction="below"),
            Regime("16 exponents", margin=0.2, direction="below"),
        ),
        table="flossing_spectra",
    ),
    Claim(
        id="L3",
        sentence="Flossed networks carry gradients over times longer than the time constants of their neurons.",
        source="Second seed, abstract",
        statistic="time scale of the slowest tangent mode after flossing over the longest time constant of a neuron",
        regimes=(Regime("slope 5", margin=2.0), Regime("slope 1", margin=2.0)),
        table="flossing_spectra",
    ),
    Claim(
        id="L4",
        sentence="Flossing makes tasks with long delays learnable, and faster.",
        source="Second seed, abstract",
        statistic="final accuracy with flossing minus that without, at equal wall-clock time",
        regimes=(Regime("copy, long delay", margin=0.1), Regime("XOR, long delay", margin=0.1)),
        table="flossing_tasks",
        seeds=20,
    ),
)
