"""Suites that ``harness bench run NAME`` finds; each is a package of its own, which travels with harness."""
