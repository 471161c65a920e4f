"""Cloning an expert and reinforcement learning, at every slope."""

# Table: the module that makes it.
EXPERIMENTS = {
    "bc_slopes": "bc_slopes",
    "control_causes": "causes",
    "control_map": "map",
    "control_regimes": "regimes",
    "control_reset": "reset",
    "control_reset_search": "reset_search",
    "control_tandem": "tandem",
    "flights": "flights",
    "td3_every_step": "every_step",
    "td3_oracle": "td3_oracle",
    "td3_slopes": "td3_slopes",
}
