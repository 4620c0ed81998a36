"""Public agent frameworks and projects, recorded as they are, inside a web server under load too, and replayed."""
