"""Small agents, one construct each, recorded under load and replayed many times."""
