"""Interactions of neutrinos of some GeV with nucleons: published cross sections, simple final states."""
