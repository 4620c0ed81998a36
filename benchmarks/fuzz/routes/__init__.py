"""Random tool graphs with random failures: the router, and an oracle that shares no line with it, must agree."""
