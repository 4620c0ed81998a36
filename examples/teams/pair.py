"""A pair: a seller, who has the letter and files, and a keeper, who can look things up; they talk until it is done.

Run it on its scripted model, from the root of the repository, or on any model by OPENAI_BASE_URL::

    harness run examples.teams.pair:main --model-script examples.teams.policies:policy
"""

from __future__ import annotations

from openai import OpenAI

from .desk import FILE, LETTER, LOOK, app, heard, spoken_to, tell, work

ROUNDS = 4
SELL = "Tell the keeper what is to be done and what you have to know. When you know it, file, and say Done."
KEEP = "Look up what the seller wants to know with your tools, and say each thing in one line with what you have found."


@app.agent
def main(letter: str = "Bill Baker for 3 mug, 2 lamp.") -> str:
    """Do what a letter asks for; what the seller says at the end is given."""
    LETTER[0] = letter
    team = app.session()
    selling, keeping = spoken_to("seller", SELL, letter), spoken_to("keeper", KEEP, "")[:1]
    with app.wrap(OpenAI()) as client:
        for _ in range(ROUNDS):
            with team.acting("seller"):
                said = work(client, selling, FILE)
                if said.strip().startswith("Done"):
                    break
                tell("keeper", said)
            with team.acting("keeper"):
                keeping.append({"role": "user", "content": heard()})
                tell("seller", work(client, keeping, LOOK))
            with team.acting("seller"):
                selling.append({"role": "user", "content": heard()})
    return said
