"""Particles in liquid argon, as the wires of a time-projection chamber see them."""
