"""Harness before other people's MCP servers."""
