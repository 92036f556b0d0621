"""Benchmarks: ``python -m benchmarks.NAME [--json]``. Comparisons are made within one run: quote ratios."""
