"""Public help for tests of agents: a pytest plugin, and a scripted model server over real HTTP."""
