"""The studies of the book, one folder a subject: experiments, claims, figures, and the tables in `data/`."""

from snnsg_lib.extras import extra

with extra("experiments"):  # what every study needs, asked for once
    import matplotlib  # noqa: F401
    import pandas  # noqa: F401
