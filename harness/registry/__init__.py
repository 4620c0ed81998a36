"""Registries of invariants: the file format, the expression language, and the functions it is compiled to."""
