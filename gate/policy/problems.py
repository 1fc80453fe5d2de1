"""What is wrong with a policy file, said as `file:line:column: key: expected, received`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gate.core.errors import PolicyError
from gate.core.text import printable

Position = tuple[int, int]
KeyPath = tuple[str | int, ...]

START: Position = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing to mend in a policy file.

    Attributes:
        position: Line and column, from 1.
        path: Keys that lead to it; () for the file itself.
        text: Expected and received.
    """

    position: Position = START
    path: KeyPath = ()
    text: str


_HINT = "`backdoor-gate policy schema` prints every key and its values (waivers, baseline: name it)."


class Refusal(PolicyError):
    """The error that lists all problems of one file.

    Args:
        label: Name of the file as the user knows it.
        problems: At least one; kept top to bottom.
        hint: How to mend them.
    """

    def __init__(self, label: str, problems: Iterable[Problem], hint: str = _HINT) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: each.position))
        super().__init__("\n".join(_line(label, problem) for problem in self.problems), hint=hint)


def spell(value: object) -> str:
    """Return a value as an error message shows it: on one line, short, in YAML's words."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f"'{printable(value, 60)}'"
        case Mapping():
            return "a mapping"
        case list():
            return f"a list of {len(value)}"
        case _:
            return printable(str(value), 60)


def _line(label: str, problem: Problem) -> str:
    line, column = problem.position
    where = f"{printable(label)}:{line}:{column}: "
    return where + (f"{_dotted(problem.path)}: " if problem.path else "") + problem.text


def _dotted(path: KeyPath) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{printable(step, 60)}" for step in path)
    return "".join(steps).removeprefix(".")
