"""What was said and done, as frozen values: events, outcomes, verdicts, and the bytes they become."""
