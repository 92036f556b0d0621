"""levelone: quantised compact CNNs for detector triggers, exact to the last integer."""

__version__ = "0.1.0"
