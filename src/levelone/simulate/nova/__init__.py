"""Neutrinos in a segmented scintillator detector like NOvA's, seen from above and from the side."""
