"""Where no artifact fits: what would do, a choice that somebody makes, and the registry settled by it."""
