"""Hostile registries and expressions: nothing may crash, hang or reach out of the language."""
