"""Voxel events of electrons in a high-pressure xenon chamber."""
