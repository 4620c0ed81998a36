"""The ``graph:`` of a registry: which facts tools need and give, read from a document, checked, and held as a value."""
