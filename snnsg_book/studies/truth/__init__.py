"""The surrogate gradient against the gradient that it stands for."""

# Table: the module that makes it.
EXPERIMENTS = {
    "truth": "stages",
    "truth_batches": "batches",
    "truth_conditions": "conditions",
    "truth_learning": "learning",
    "truth_noise": "noise",
    "truth_steps": "steps",
}
