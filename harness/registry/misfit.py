"""Where a document is not of its format, in the reader's language: registries, plans, suites and cases alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from harness.errors import Mistake
from harness.registry.complaint import nearest
from harness.registry.document import Written
from harness.registry.rollout import SHARE
from harness.registry.schema import PLACE

_SPOKEN: Final = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def mistakes_in(document: Written, form: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Mistake]]:
    """Yield where a document is not of a format: the path of what cannot be used because of it, and the mistake.

    The path is empty where the rest of the document can be read all the same.
    """
    from jsonschema import Draft202012Validator  # imported here: 80 ms that only loading a registry needs

    for error in Draft202012Validator(form).iter_errors(document.plain()):
        path = list(error.absolute_path)
        depth = 1 if path[:1] == ["graph"] else 2  # a graph with an unknown policy or monitor cannot be assembled
        spared = error.validator == "additionalProperties" and len(path) <= depth
        for mistake in _worded(document.find(path), error):
            yield (() if spared else tuple(path)), mistake


def _worded(node: Written, error: Any) -> Iterator[Mistake]:
    says = _WORDINGS.get(error.validator)
    return says(node, error) if says else iter([node.mistake(error.message)])


def _unknown_key(node: Written, error: Any) -> Iterator[Mistake]:
    known = error.schema["properties"]
    for key, place in node.keys.items():
        if key not in known:
            cure = nearest(key, known) or f"known keys: {', '.join(known)}"
            yield place.mistake(f"unknown key {key!r}", cure)


def _missing_key(node: Written, error: Any) -> Iterator[Mistake]:
    for key in error.validator_value:
        if key not in (node.entries or {}) and f"{key!r} is a required" in error.message:
            yield node.mistake(f"the key {key!r} is missing", _MISSING.get(key, ""))


def _wrong_type(node: Written, error: Any) -> Iterator[Mistake]:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    expected = " or ".join(_SPOKEN[kind] for kind in wanted)
    yield node.mistake(f"{_path(error)}: expected {expected}, got {_got(error.instance)}", _type_cure(error))


def _wrong_word(node: Written, error: Any) -> Iterator[Mistake]:
    words = error.validator_value
    cure = nearest(str(error.instance), words)
    yield node.mistake(f"{_path(error)}: expected {' or '.join(words)}, got {_got(error.instance)}", cure)


def _exactly_one(node: Written, _: Any) -> Iterator[Mistake]:
    if node.entries is not None:
        stated = "both" if "require" in node.entries else "neither"
        yield node.mistake(f"an invariant states exactly one of 'require' and 'schema'; this one states {stated}")


def _wrong_form(node: Written, error: Any) -> Iterator[Mistake]:
    what, cure = "not a name", "a name is a letter, then letters, digits and _ (an id may hold . / - too)"
    if error.validator_value == PLACE:
        what, cure = "no argument", "write args.NAME: expression"
    elif error.validator_value == SHARE:
        what, cure = "no share", "write a percentage, such as 10 %"
    yield node.mistake(f"{_path(error)}: {_got(error.instance)} is {what}", cure)


def _too_short(node: Written, error: Any) -> Iterator[Mistake]:
    yield node.mistake(f"{_path(error)}: empty" if not error.instance else f"{_path(error)}: {_counts(error)}")


def _too_long(node: Written, error: Any) -> Iterator[Mistake]:
    yield node.mistake(f"{_path(error)}: {_counts(error)}")


def _counts(error: Any) -> str:
    return f"expected {error.validator_value} items, got {len(error.instance)}"


def _path(error: Any) -> str:
    path = [step for step in error.absolute_path if type(step) is str]
    return path[-1] if path else "registry"


def _got(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _type_cure(error: Any) -> str:
    if error.validator_value == "boolean" and error.instance in ("yes", "no", "on", "off"):
        return "write true or false"
    if error.validator_value == "string" and not isinstance(error.instance, dict | list):
        return "quote it"
    return ""


_MISSING: Final = {
    "default": "write 'default: refuse' or 'default: allow': what happens to calls of tools that no rule speaks of",
    "on": "write on: action, result, message, artifact or end",
    "schema": "write schema: {type: object, properties: {…}}",
    "version": "write a version, such as version: 1.0.0",
    "registry": "write the name of the registry, such as registry: airline",
}

_WORDINGS: Final[dict[str, Any]] = {
    "additionalProperties": _unknown_key,
    "required": _missing_key,
    "type": _wrong_type,
    "enum": _wrong_word,
    "oneOf": _exactly_one,
    "pattern": _wrong_form,
    "minLength": _too_short,
    "minItems": _too_short,
    "maxItems": _too_long,
    "minProperties": _too_short,
}
