"""What every system is made with: the interface, sources of events, shared recipe sections."""
