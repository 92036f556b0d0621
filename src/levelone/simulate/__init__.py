"""Event generators: a package per detector, and what several of them share."""
