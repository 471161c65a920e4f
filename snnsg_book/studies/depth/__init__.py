"""What the slope does to gradients in depth."""

# Table: the module that makes it.
EXPERIMENTS = {
    "depth": "layers",
    "depth_conditions": "conditions",
    "direction": "direction",
    "downhill": "downhill",
    "widths": "widths",
}
