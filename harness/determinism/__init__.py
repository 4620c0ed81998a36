"""Canonical bytes, named randomness, logical time: what makes equal runs equal."""
