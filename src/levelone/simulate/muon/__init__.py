"""Voxel events of muons in lead tungstate: their losses, passage and showers."""
