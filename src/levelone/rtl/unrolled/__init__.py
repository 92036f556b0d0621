"""The whole network as one pipeline that takes an event per clock: adders, comparators, wires."""
