"""An agent on streams: it translates a letter as it comes, and stops the model at the first word it may not say.

Record it against its own scripted model and replay it, from the root of the repository::

    harness run examples.letters:main --model-script examples.letters:policy --trace letters.mat.jsonl
    harness replay letters.mat.jsonl --verify 3

A trace keeps a stream as one observation with the pieces it came in and their times, and where it was broken off.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openai import OpenAI

import harness
from harness.testing.model_server import ModelRequest, Reply, say, slow

app = harness.Harness()

LETTER = ["Dear Ms Lovelace,", "the engine is ready.", "Our address is a secret.", "Yours, C. Babbage"]


@app.tool(effect="write", idempotent=True)
def save_line(number: int, text: str) -> int:
    """Keep one translated line; gives its length."""
    return len(text)


def translated(client: Any, line: str) -> Iterator[str]:
    """Have the model translate a line, piece by piece."""
    messages = [{"role": "system", "content": "Translate into French."}, {"role": "user", "content": line}]
    with client.chat.completions.create(model="gpt-4o", messages=messages, stream=True) as stream:
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content


@app.agent
def main(letter: list[str] = LETTER) -> list[str]:
    """Translate a letter line by line, blacking out a line that begins to tell a secret."""
    lines: list[str] = []
    with app.wrap(OpenAI()) as client:
        for number, line in enumerate(letter):
            text = ""
            pieces = translated(client, line)
            for piece in pieces:
                text += piece
                if "secr" in text:
                    text = "(a line was left out)"
                    pieces.close()  # type: ignore[attr-defined]  # breaks the stream off
                    break
            save_line(number, text)
            lines.append(text)
    return lines


FRENCH = {
    LETTER[0]: "Chère Madame Lovelace,",
    LETTER[1]: "la machine est prête, et nous vous attendons avec impatience.",
    LETTER[2]: "Notre adresse est secrète : 1, Dorset Street, Marylebone, au fond de la cour.",
    LETTER[3]: "Votre C. Babbage",
}


def policy(request: ModelRequest) -> Reply:
    """Translate what it knows by heart: a scripted model."""
    return slow(say(FRENCH[request.text]), chunk_ms=1)
