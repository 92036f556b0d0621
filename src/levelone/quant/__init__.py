"""Quantised layers with power-of-two scales, and how the scales are chosen."""
