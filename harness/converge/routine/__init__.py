"""A plan that is given as named steps, each a call of a tool, and linted before it runs."""
