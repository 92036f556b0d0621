"""What every calorimeter shares: electromagnetic and hadronic showers, and cells that read them."""
