"""Check one policy file against the schema, and say at which line and column it departs from it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from typing import Any

from gate.policy.problems import KeyPath, Position, Problem, Refusal, spell
from gate.policy.schema import Schema
from gate.policy.yaml_source import Source

# jsonschema types what an error holds as "perhaps unset", which no error that it yields is.
_Error = Any

_PLURALS = {"number": "numbers", "string": "strings", "object": "mappings"}


def check(source: Source, schema: Schema) -> None:
    """Check everything in the file.

    Raises:
        PolicyError: Lists all problems of the file, top to bottom.
    """
    # The first to speak of a place wins: where YAML is at fault already, the schema only sees a placeholder.
    found: dict[tuple[Position, KeyPath], Problem] = {}
    for problem in (*source.problems, *_schema_problems(source, schema)):
        found.setdefault((problem.position, problem.path), problem)
    if found:
        raise Refusal(source.label, found.values())


def unknown(name: str, known: Collection[str]) -> str:
    """Return words for a name that is not known: the closest one that is, else all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"expected one of {', '.join(sorted(known))}"


def _schema_problems(source: Source, schema: Schema) -> Iterator[Problem]:
    for error in _errors(source.value, schema):
        path = tuple(error.absolute_path)
        match error.validator:
            case "additionalProperties":
                yield from _unknown_keys(source, path, error)
            case "required" | "dependentRequired":
                yield from _missing_keys(source, path, error)
            case "x-ascending":
                low, high = error.instance
                text = f"expected the lower bound first, received {spell(low)}, {spell(high)}"
                yield Problem(position=source.values[path], path=path, text=text)
            case _:
                text = f"expected {_expected(error.schema)}, received {spell(error.instance)}"
                yield Problem(position=source.values[path], path=path, text=text)


def _errors(value: Any, schema: Schema) -> Iterator[_Error]:
    from jsonschema import Draft202012Validator, validators

    # JSON takes 2.0 for an integer; range() does not.
    types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, number: type(number) is int)
    keywords = {"x-ascending": _ascending}
    extend: Callable[..., Any] = validators.extend  # The stubs leave it untyped.
    yield from extend(Draft202012Validator, keywords, type_checker=types)(schema).iter_errors(value)


def _ascending(_validator: Any, _wanted: Any, value: Any, _schema: Any) -> Iterator[_Error]:
    """Check what no standard keyword can say: that the first number is the smaller one."""
    from jsonschema.exceptions import ValidationError

    match value:
        case [int() | float() as low, int() | float() as high] if low >= high:
            yield ValidationError("not ascending")


def _unknown_keys(source: Source, path: KeyPath, error: _Error) -> Iterator[Problem]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key not in known:
            here = (*path, key)
            yield Problem(position=source.keys[here], path=here, text=f"unknown key, {unknown(key, known)}")


def _missing_keys(source: Source, path: KeyPath, error: _Error) -> Iterator[Problem]:
    if error.validator == "required":
        wanted = [(key, "missing") for key in error.validator_value]
    else:
        wanted = [
            (key, f"missing beside '{trigger}'")
            for trigger, keys in error.validator_value.items()
            if trigger in error.instance
            for key in keys
        ]
    for key, missing in wanted:
        if key not in error.instance:
            expected = _expected(error.schema["properties"][key])
            yield Problem(
                position=source.values[path], path=(*path, key), text=f"{missing}, expected {expected}"
            )


def _expected(schema: Schema) -> str:
    if "const" in schema:
        return spell(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join("null" if word is None else word for word in schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(_kind(kind, schema) for kind in kinds)


def _kind(kind: str, schema: Schema) -> str:
    match kind:
        case "boolean":
            return "true or false"
        case "object":
            return "a mapping"
        case "array":
            count = f"{schema['minItems']} " if "minItems" in schema else ""
            return f"a list of {count}{_PLURALS[schema['items'].get('type', 'object')]}"
        case "string":
            return f"a string such as '{schema['examples'][0]}'" if "minLength" in schema else "a string"
        case "integer":
            return "an integer" + _bounds(schema)
        case "number":
            return "a number" + _bounds(schema)
        case _:
            return kind


def _bounds(schema: Schema) -> str:
    if "exclusiveMinimum" in schema:
        return f" > {schema['exclusiveMinimum']}"
    return f" from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""
