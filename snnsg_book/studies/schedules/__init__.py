"""Slopes that change while training."""

# Table: the module that makes it.
EXPERIMENTS = {
    "schedules_ablation": "ablation",
    "schedules_bc": "bc",
    "schedules_confirm": "confirm",
    "schedules_meant_bc": "meant_bc",
    "schedules_meant_td3": "meant_td3",
    "schedules_normalisation": "normalisation",
    "schedules_search": "search",
    "schedules_td3": "td3",
}
