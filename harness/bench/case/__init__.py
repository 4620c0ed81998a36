"""Assurance cases: an argument in GSN, what it rests on looked at again, and drawn for those who have to believe it."""
