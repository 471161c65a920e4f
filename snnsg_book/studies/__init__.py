"""The studies of the book, one folder a subject: experiments, claims, figures, and the tables in `data/`."""
