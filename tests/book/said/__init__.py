"""The measured numbers of each chapter: see `saying`."""
