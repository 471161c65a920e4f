"""How figures name the families of surrogates."""

FAMILY_NAMES = {"FastSigmoid": "fast sigmoid", "ATan": "arctangent", "Sigmoid": "sigmoid", "Triangular": "triangle"}
