"""How fast perturbations, and with them gradients, grow or die: Lyapunov exponents, and flossing them towards 0.

`lyapunov_spectrum` takes any differentiable map. `surrogate_lyapunov_spectrum` takes a `RecurrentLIF`, whose spikes
have no derivative: the Jacobian holds that of the surrogate instead. Its exponents are differentiable, so that
`flossing_loss` can push them to a target and `floss` do so before and during training.
"""

from .floss import FlossEpoch, floss, flossing_loss
from .spectrum import LyapunovError, lyapunov_spectrum
from .surrogate import surrogate_lyapunov_spectrum

__all__ = [
    "FlossEpoch",
    "LyapunovError",
    "floss",
    "flossing_loss",
    "lyapunov_spectrum",
    "surrogate_lyapunov_spectrum",
]
