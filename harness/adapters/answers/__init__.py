"""The tool calls in a model's answers, judged before whoever asked sees them.

In reading order: ``asked`` (the values, and what a dialect is), ``sse`` (streams as events that keep their bytes),
``chat``, ``responses`` and ``messages`` (the three dialects), ``streamed`` and ``course`` (the machine, without I/O),
``door`` (its drivers and the state of a run: what the proxy and wrapped clients use).
"""
