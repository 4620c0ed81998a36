"""A loop: a maker does the work, a critic reads letter and files and says what is wrong, until nothing is.

Run it on its scripted model, from the root of the repository, or on any model by OPENAI_BASE_URL::

    harness run examples.teams.iterative:main --model-script examples.teams.policies:policy
"""

from __future__ import annotations

from openai import OpenAI

from .desk import FILE, LETTER, LOOK, app, heard, spoken_to, tell, work

ROUNDS = 4
MAKE = "Look up what you have to know, file what the letter asks for, and report what you did. Put right what is wrong."
CHECK = "Read the letter and what is filed, and look things up. Say OK if it is right, or else what is wrong with it."


@app.agent
def main(letter: str = "Bill Baker for 3 mug, 2 lamp.") -> str:
    """Do what a letter asks for until the critic finds nothing wrong; what the critic said last is given."""
    LETTER[0] = letter
    team = app.session()
    making = spoken_to("maker", MAKE, letter)
    with app.wrap(OpenAI()) as client:
        for _ in range(ROUNDS):
            with team.acting("maker"):
                tell("critic", work(client, making, (*LOOK, *FILE)))
            with team.acting("critic"):
                said = work(client, spoken_to("critic", CHECK, heard()), (*LOOK, "read_letter", "read_back"))
                if said.strip().startswith("OK"):
                    break
                tell("maker", said)
            with team.acting("maker"):
                making.append({"role": "user", "content": heard()})
    return said
