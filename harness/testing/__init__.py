"""Public help for tests of agents: a scripted model server over real HTTP."""
