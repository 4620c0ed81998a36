"""Agents of the ``agents`` package (openai-agents): their model, tools, handoffs and MCP servers pass the door.

Theory of operation. A wrapped agent stays the object it was, of a subclass that passes the door, and so do the agents
it can hand over to, their handoffs and their MCP servers: whoever holds them already passes the door too. A run of such
an agent goes through the SDK's default runner, which is replaced by one that passes everything on; inside a session it
puts the models that the run asks for over a client that is wrapped, and it adopts agents that are run inside the run
(tools made from agents, guardrails). Outside a session nothing of this does anything.

Private names of the package that are used, because it offers no public way: ``_invoke_tool_impl`` of a function tool's
invoker (below the SDK's own handling of errors, so that a failure is recorded as one), ``_is_agent_tool`` and
``_agent_instance`` of tools made from agents, ``_agent_ref`` of handoffs, ``_client`` of its OpenAI models, and
``set_default_agent_runner``, which the package calls experimental.

Not covered: the realtime and voice agents, models that are not OpenAI's (LiteLLM and the like), the Responses API over
a web socket, computers, and the SDK's sessions.
"""

from __future__ import annotations

from harness.adapters.openai_agents.agents import covered, wrap_agent

__all__ = ["covered", "wrap_agent"]
