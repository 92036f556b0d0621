"""Pixel doublets: collisions from Pythia 8 through ACTS; needs the extra [sim]."""
