"""Votes over canonical answers: a race that ends by its lead, replies that do not count, and what votes are worth."""
