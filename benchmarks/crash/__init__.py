"""Agents that are really killed, and what a ledger says of them afterwards."""
