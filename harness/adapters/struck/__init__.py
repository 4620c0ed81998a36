"""Calls of models that faults strike, in what is asked, in what is answered, and in whether an answer comes at all.

In reading order: ``dialect`` (what an API has to be known for) and its dialects ``chat``, ``responses`` and
``messages``, ``exchange`` (one struck call, without I/O, for the transports of ``adapters.transport``).
"""
