"""Errors that the user can mend. Everything else is a bug and shows its traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gate.core.report import ExitCode, Gap


class GateError(Exception):
    """Something is wrong that the user can mend.

    Args:
        message: What, where, expected, received.
        hint: The command or edit that mends it.
    """

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(GateError):
    """An option or argument makes no sense."""


@contextmanager
def usable(file: str, hint: str) -> Iterator[None]:
    """Say that a file cannot be used where the operating system refuses it.

    Args:
        file: Its name, and what cannot be done, such as "--key: a.pem cannot be read".
        hint: What to do instead.

    Raises:
        UsageError: It does.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}.", hint=hint) from error


class PolicyError(GateError):
    """A policy file cannot be used; the message begins with file:line:column."""


class DataError(GateError):
    """A data set cannot be used with this model."""

    exit_code = ExitCode.INCOMPLETE


class IncompleteError(GateError):
    """The run or one model cannot be scanned in full.

    Args:
        rule: Id of the rule that names the problem.
        message: What, where, expected, received.
        hint: The command or edit that mends it.
    """

    exit_code = ExitCode.INCOMPLETE

    def __init__(self, rule: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.rule = rule

    @property
    def gap(self) -> Gap:
        """The same as a record for the report."""
        return Gap(rule=self.rule, message=f"{self} {self.hint}".rstrip())
