"""Registries judged against stored traces."""
