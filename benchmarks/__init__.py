"""Benchmarks: ``python -m benchmarks.NAME [--json]``. Every comparison is made within one run; quote the ratios."""
