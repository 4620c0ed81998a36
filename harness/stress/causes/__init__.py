"""What a violation hangs on, and what leads to what: found by running again with one thing changed."""
