"""Read a policy file into plain data that remembers where everything stands."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from gate.core.errors import PolicyError
from gate.policy.problems import START, KeyPath, Position, Problem, Refusal, spell
from gate.policy.store import Store, WorkingTree

_MAX_BYTES = 1 << 20
_MAX_DEPTH = 20
_MAX_DIGITS = 32

# YAML 1.2's core schema without octal and hexadecimal numbers. Whatever YAML 1.1 would make of `on`, `no`,
# `1:30`, `1_000`, `010` or `2024-01-01`, it is text here, and the schema refuses text where it wants a number.
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The content of one policy file.

    Attributes:
        label: Name of the file as messages show it.
        value: Nested dicts, lists and scalars; all keys are text.
        keys: Where the key of each path stands.
        values: Where the value of each path begins.
        problems: What YAML allows and a policy does not: duplicate keys, tags, aliases, infinite numbers.
        sha256: Digest of the file's bytes, 64 hex digits; "" if it was not read from one.
    """

    label: str
    value: object
    keys: Mapping[KeyPath, Position]
    values: Mapping[KeyPath, Position]
    problems: tuple[Problem, ...] = ()
    sha256: str = ""


def read(
    path: Path, label: str, store: Store | None = None, kind: str = "policy", *, may_quote: bool = True
) -> Source:
    """Read and parse a policy file, or another one that is written by the same rules.

    Args:
        path: Where it is, absolute.
        label: Name of the file as messages show it.
        store: Who reads it; None for the working tree.
        kind: What sort of file is expected, for messages.
        may_quote: Whether messages may quote a file that says no `version`: the one who names it may have no right to
            know what it holds.

    Raises:
        PolicyError: It cannot be read, is no UTF-8 text, is larger than 1 MiB, or is not YAML.
    """
    try:
        content = (store or WorkingTree(root=path.parent)).read(path, _MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        # ValueError: no file can have this name.
        reason = error.strerror if isinstance(error, OSError) else "no valid file name"
        raise Refusal(label, [Problem(text=f"expected a {kind} file, received: {reason}")]) from error
    if len(content) > _MAX_BYTES:
        raise Refusal(label, [Problem(text=f"expected a file of at most {_MAX_BYTES} bytes, received more")])
    try:
        source = parse(_decode(content, label), label, hashlib.sha256(content).hexdigest())
    except Refusal as error:
        if may_quote:
            raise
        raise _foreign(label, kind, error.problems[0].position) from None
    if not may_quote and not _says_version(source):
        raise _foreign(label, kind, START)
    return source


def _says_version(source: Source) -> bool:
    return isinstance(source.value, dict) and type(source.value.get("version")) is int


def _foreign(label: str, kind: str, position: Position) -> Refusal:
    text = f"expected a {kind} file, which says `version: 1`, received something else"
    return Refusal(label, [Problem(position=position, text=text)])


def parse(text: str, label: str, sha256: str = "") -> Source:
    """Parse the text of a policy; `sha256` is the digest of the file that it was read from.

    Raises:
        PolicyError: It is not YAML, is empty, or is nested too deep to be a policy.
    """
    builder = _Builder(_events(text, label), label)
    return Source(
        label=label,
        value=builder.document(),
        keys=builder.keys,
        values=builder.values,
        problems=tuple(builder.problems),
        sha256=sha256,
    )


def _decode(content: bytes, label: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        position = (before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        received = f"the byte 0x{content[error.start]:02x}"
        raise Refusal(
            label, [Problem(position=position, text=f"expected UTF-8 text, received {received}")]
        ) from error


def _events(text: str, label: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = (mark.line + 1, mark.column + 1) if mark else START
        raise Refusal(label, [Problem(position=position, text=f"not YAML: {error.problem}")]) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        position = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise Refusal(label, [Problem(position=position, text="not YAML: a control character")]) from error
    except (ValueError, OverflowError) as error:
        # PyYAML lets "\UFFFFFFFF" and endless version numbers fall through to Python.
        raise Refusal(label, [Problem(text="not YAML: an escape or number out of range")]) from error


class _Builder:
    """Makes plain data of parser events; no tag is ever understood, so none can construct anything."""

    def __init__(self, events: Iterator[yaml.Event], label: str) -> None:
        self.keys: dict[KeyPath, Position] = {}
        self.values: dict[KeyPath, Position] = {}
        self.problems: list[Problem] = []
        self._events = events
        self._label = label

    def document(self) -> object:
        """Return the content of the only document."""
        next(self._events)  # The stream's start.
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise self._stop(START, (), "expected a mapping with 'version: 1', received an empty file")
        value = self._node(next(self._events), ())
        next(self._events)  # The document's end.
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._stop(_position(after), (), "expected one document, received a second one")
        return value

    def _node(self, event: yaml.Event, path: KeyPath) -> object:
        self.values[path] = _position(event)
        self._refuse_extras(event, path)
        if len(path) > _MAX_DEPTH:
            raise self._stop(_position(event), (), f"expected at most {_MAX_DEPTH} levels, received more")
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path)
            case yaml.SequenceStartEvent():
                return self._sequence(path)
            case yaml.ScalarEvent():
                return self._scalar(event, path)
            case _:  # An alias, complained of above.
                return None

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        items: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(_position(event), path, "expected a plain key")
            here = (*path, event.value)
            self._refuse_extras(event, here)
            if event.value in items:
                first, _ = self.keys[here]
                self._complain(_position(event), here, f"duplicate key, first seen in line {first}")
            self.keys[here] = _position(event)
            items[event.value] = self._node(next(self._events), here)
        return items

    def _sequence(self, path: KeyPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> object:
        text: str = event.value
        if event.style is not None:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        value = _number(text)
        if isinstance(value, float) and not math.isfinite(value):
            self._complain(_position(event), path, f"expected a finite number, received {spell(text)}")
            return None
        return value

    def _refuse_extras(self, event: yaml.Event, path: KeyPath) -> None:
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            self._complain(_position(event), path, "anchors and aliases are not allowed, write the value out")
        tag = getattr(event, "tag", None)  # An alias has none.
        if tag is not None:
            self._complain(_position(event), path, f"tags are not allowed, received {spell(tag)}")

    def _complain(self, position: Position, path: KeyPath, text: str) -> None:
        self.problems.append(Problem(position=position, path=path, text=text))

    def _stop(self, position: Position, path: KeyPath, text: str) -> PolicyError:
        self._complain(position, path, text)
        return Refusal(self._label, self.problems)


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    assert mark is not None  # Only hand-made events have none.
    return mark.line + 1, mark.column + 1


def _number(text: str) -> int | float | str:
    if _NOT_FINITE.fullmatch(text):
        return math.inf
    if not _FLOAT.fullmatch(text):
        return text
    if len(text) > _MAX_DIGITS:
        return math.inf
    return int(text) if _INTEGER.fullmatch(text) else float(text)
