"""Faults as values: which, where, how strong; and what each makes of a call, an answer or a delivery."""
