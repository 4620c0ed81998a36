"""Agents of public projects; what each module adds to the project is the wrapped client and ``@app.agent``."""
