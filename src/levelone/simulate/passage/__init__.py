"""Particles of MeV to GeV on their way through any one matter: tracks, showers, and the signal they leave."""
