"""Figures of merit with uncertainties: plain functions from arrays to JSON, without torch."""
