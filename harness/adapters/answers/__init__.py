"""The tool calls in a model's answers, judged before whoever asked sees them.

In reading order: ``asked`` (the values), ``sse`` (streams as events that keep their bytes), ``shape`` (what an API has
to be known for) and its dialects ``chat``, ``responses`` and ``messages``, ``answer`` and ``course`` (the machine,
without I/O), ``door`` (its drivers and the state of a run, for whoever stands between a client and a model), ``client``
(the transports of a wrapped client).
"""
