"""What the shipped registries find in recorded conversations; each module prints a table, or one JSON object."""
