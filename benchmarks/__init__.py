"""Measurements of harness against its bars; each module runs as ``python -m benchmarks.…``."""
