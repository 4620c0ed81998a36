"""Between HTTP clients of a model and the model's service: every conversation is a session of its own."""
