"""The one way to ask whether a step, or a whole trace, keeps the rules."""
