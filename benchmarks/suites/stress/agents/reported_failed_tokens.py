"""Calls of a model that fail are paid for, and are not counted.

Family: budget overrun
Reported: https://github.com/perminder-klair/subwave/issues/1195 -- the daily cap counts the usage of calls that
succeed; one that throws was billed all the same, so that retries on a flaky model go past the cap. This reproduces the
mechanism, not the app's code.
"""

from __future__ import annotations

from harness import Harness
from harness.registry.load import load

RULES = """
registry: spend
version: 1.0.0
default: allow
unknown: allow
parameters:
  cap: {value: 4, unit: "1", source: "plan of the account"}
invariants:
  - id: UNDER-THE-CAP
    title: The model is called no more often than is paid for
    on: action
    tool: ask_model
    require: count(action, call.tool == "ask_model") < params.cap
    severity: high
    otherwise: observe
    says: The cap of {params.cap} calls is reached.
"""
APP = Harness(load(RULES, "spend.yaml"))
CAP = 4
SHOWN: list[str] = []


def fresh() -> None:
    """Put the world back."""
    SHOWN.clear()


@APP.tool(effect="read")
def ask_model(song: str) -> str:
    """Introduce a song, for money."""
    return f"And now: {song}."


@APP.tool(effect="write")
def speak(text: str) -> str:
    """Say something on air."""
    SHOWN.append(text)
    return "said"


def on_air(song: str, text: str | None) -> None:
    """Say what the model says, or what is always right."""
    speak(text if isinstance(text, str) else f"{song}.")


@APP.agent
def agent(songs: list[str]) -> int:
    """Introduce songs, each with up to three tries, and stop where the cap is reached."""
    spent = 0
    for song in songs:
        text = None
        for _ in range(3):
            if spent == CAP:
                break
            try:
                text = ask_model(song)
            except Exception:  # the provider is flaky
                continue
            spent += 1
            break
        on_air(song, text)
    return spent


@APP.agent
def mended(songs: list[str]) -> int:
    """Introduce songs; what is asked for counts, whatever comes of it."""
    spent = 0
    for song in songs:
        text = None
        for _ in range(3):
            if spent == CAP:
                break
            spent += 1
            try:
                text = ask_model(song)
            except Exception:  # the provider is flaky
                continue
            break
        on_air(song, text)
    return spent


INPUT = {"songs": ["Heroes", "Vogue", "Creep"]}
RULE = "UNDER-THE-CAP"
WITNESS = {
    "inject": [{"fault": "timeout", "tool": "ask_model", "nth": 1}, {"fault": "error", "tool": "ask_model", "nth": 3}]
}
CAUSE = {"tool": "ask_model", "nth": 1}
