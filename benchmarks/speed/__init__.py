"""What harness costs: time, bytes, and the start of Python. Each module prints a table, or one JSON object."""
