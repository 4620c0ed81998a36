"""The composition root for Python: where ports meet adapters and users meet harness."""
