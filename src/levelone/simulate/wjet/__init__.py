"""Jet images of W bosons and of quarks and gluons: Pythia 8 and FastJet; needs the extra [sim]."""
