"""Event files on disk, and readers of the experiments' own formats, as batches of arrays."""
