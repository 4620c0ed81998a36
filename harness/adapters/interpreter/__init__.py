"""The interpreter as a neighbour: its clocks, chance, environment, and the doors that no trace can hold."""
