"""Surrogate Lyapunov exponents and flossing."""

# Table: the module that makes it.
EXPERIMENTS = {
    "flossing_controls": "controls",
    "flossing_epochs": "epochs",
    "flossing_figure": "sharpness",
    "flossing_memory": "memory",
    "flossing_published": "published",
    "flossing_published_forms": "published_forms",
    "flossing_spectra": "spectra",
    "flossing_stream": "stream",
    "flossing_tasks": "tasks",
    "lyapunov_gradient": "gradient",
    "lyapunov_slopes": "slopes",
}
