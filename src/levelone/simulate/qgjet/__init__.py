"""Jet images of quarks and gluons in three colours: Pythia 8 and FastJet; needs the extra [sim]."""
