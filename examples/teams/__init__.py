"""Three teams that do the same work in three ways, a line, a loop and a pair, and one agent that does it alone.

``desk.py`` holds what they work with, ``tasks.py`` what there is to do and whether it was done, ``policies.py`` the
scripted model that they run on where no real one is at hand.
"""
