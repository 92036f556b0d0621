"""Voxel events of single particles in a linear-collider calorimeter."""
