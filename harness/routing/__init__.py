"""Tool calls over a weighted graph that heals itself: a machine that proposes, and never performs."""
