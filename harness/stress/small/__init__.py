"""Making a counterexample small, and a test of it."""
