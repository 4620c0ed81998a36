"""A line: a planner, a worker and a writer, each of whom hands on what it made; there is no way back.

Run it on its scripted model, from the root of the repository, or on any model by OPENAI_BASE_URL::

    harness run examples.teams.linear:main --model-script examples.teams.policies:policy
"""

from __future__ import annotations

from openai import OpenAI

from .desk import FILE, LETTER, LOOK, app, spoken_to, work

PLAN = "Say in one line what is to be done for whom, and in one line each what has to be looked up, and how many."
LOOK_UP = "Look up what the plan says with your tools, and report each thing in one line with what you have found."
WRITE = "Work out from the report what is to be filed, and file it with your tool."


@app.agent
def main(letter: str = "Bill Baker for 3 mug, 2 lamp.") -> str:
    """Do what a letter asks for, one after another; what the writer says at the end is given."""
    LETTER[0] = letter
    team = app.session()
    with app.wrap(OpenAI()) as client:
        with team.acting("planner"):
            team.send("worker", work(client, spoken_to("planner", PLAN, letter), ()))
        with team.acting("worker"):
            team.send("writer", work(client, spoken_to("worker", LOOK_UP, _mail()), LOOK))
        with team.acting("writer"):
            return work(client, spoken_to("writer", WRITE, _mail()), FILE)


def _mail() -> str:
    return "\n".join(str(one.content) for one in app.session().mail())
