"""What reaches each layer, and how well it points.

`layer_gradients` takes the weight gradient of every layer of any module; the other functions measure such a dictionary
{0: first hidden layer, ..., L: output layer}, whose `names` say what the module calls each layer. A gradient is
(in, out), or (R, in, out) with a leading replica axis; a measure is then a float, or a tensor of shape (R,), for each
layer. `expected_gradient` is the true gradient that surrogate gradients are held against.
"""

from .expected import ExpectedGradient, expected_gradient, expected_surrogate_gradient
from .layerwise import gradient_reliability, layer_gradients
from .measures import (
    Gradients,
    Loss,
    Measure,
    active_share,
    cosine_similarity,
    expected_product,
    gradient_norms,
)

__all__ = [
    "ExpectedGradient",
    "Gradients",
    "Loss",
    "Measure",
    "active_share",
    "cosine_similarity",
    "expected_gradient",
    "expected_product",
    "expected_surrogate_gradient",
    "gradient_norms",
    "gradient_reliability",
    "layer_gradients",
]
