"""Measuring and fitting: datasets, the evaluation and its baselines; nothing here runs in `scan` or `run`."""
