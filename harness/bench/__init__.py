"""Suites of tasks, run cell by cell, and the one shape in which every measurement is told.

What it does not hold: how a suite does its work. A suite is a package of its own under ``benchmarks/suites``.
"""
