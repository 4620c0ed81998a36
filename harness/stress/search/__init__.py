"""Searching schedules for one that breaks a rule, under a budget."""
