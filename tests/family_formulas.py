"""The test vector of each family: h(x) for k = 1 and its integral, in float64 and written apart from the library."""

import math

import numpy as np

FORMULAS = {
    "FastSigmoid": (lambda x: 1 / (1 + np.abs(x)) ** 2, 2.0),
    "ATan": (lambda x: 1 / (1 + (math.pi * x / 2) ** 2), 2.0),
    "Sigmoid": (lambda x: 1 / np.cosh(np.minimum(np.abs(x) / 2, 300.0)) ** 2, 4.0),
    "Triangular": (lambda x: np.maximum(0.0, 1 - np.abs(x)), 1.0),
}
