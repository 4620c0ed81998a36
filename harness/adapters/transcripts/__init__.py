"""Recorded conversations of others as traces, and traces as such conversations: one file per form."""
