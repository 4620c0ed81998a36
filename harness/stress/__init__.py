"""Looking for what breaks an agent: schedules, the search for one that does, making it small, and what caused it.

What it does not hold: how a run is made. Whoever searches is handed a function from a schedule to what was seen.
"""
