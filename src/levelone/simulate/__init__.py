"""Event generators, one module per detector system; they need the optional extra ``levelone[sim]``."""
