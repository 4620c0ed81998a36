"""One agent alone: a clerk looks up, files and reports, with the tools of a whole team and nobody to hand on to.

It is what teams are compared with. Run it on its scripted model, from the root of the repository, or on any model by
OPENAI_BASE_URL::

    harness run examples.teams.single:main --model-script examples.teams.policies:policy
"""

from __future__ import annotations

from openai import OpenAI

from .desk import FILE, LETTER, LOOK, app, spoken_to, work

DO = "Look up what you have to know, file what the letter asks for, and report what you did."


@app.agent
def main(letter: str = "Bill Baker for 3 mug, 2 lamp.") -> str:
    """Do what a letter asks for; what the clerk says at the end is given."""
    LETTER[0] = letter
    with app.wrap(OpenAI()) as client, app.session().acting("clerk"):
        return work(client, spoken_to("clerk", DO, letter), (*LOOK, *FILE))
