"""The two published architectures."""
