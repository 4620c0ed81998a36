"""Small agents: each is one source of nondeterminism or one construct of concurrency, and returns what it saw of it."""
