"""Legal histories that lead to an illegal action."""
