"""Whether the statistics of harness are as right as they say: every procedure, on data whose truth is known."""
