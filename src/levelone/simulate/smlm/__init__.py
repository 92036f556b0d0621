"""Frames of single-molecule localisation microscopy."""
