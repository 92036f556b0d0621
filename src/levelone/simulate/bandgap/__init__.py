"""Images of a scanning tunnelling microscope, and maps of the band gap of the same area."""
