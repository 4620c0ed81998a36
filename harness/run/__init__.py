"""One run of one agent: a machine without I/O, short drivers for it, and the two worlds it can live in."""
