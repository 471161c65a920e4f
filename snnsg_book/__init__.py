"""The book on surrogate gradients: studies by subject, their claims and stored results, figures and explorers."""

from snnsg_book.results import load_results

__all__ = ["load_results"]
