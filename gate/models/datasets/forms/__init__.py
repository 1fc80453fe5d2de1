"""One file per form in which a data set may come: a file or folder goes in, images come out; forms are found by their files."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from pathlib import Path
from typing import Protocol, cast

from gate.core.errors import DataError
from gate.core.text import printable
from gate.models.datasets.contract import Opened, Wanted


class Form(Protocol):
    """A module of this package.

    Attributes:
        FORM: What it is, for people, as in "Give ...".
        IS_LAST: Whether it takes what no other form knows.
    """

    FORM: str
    IS_LAST: bool

    def is_mine(self, path: Path) -> bool:
        """Return whether a file or folder that exists is of this form, by its name or by the names in it."""

    def opened(self, path: Path, wanted: Wanted) -> Opened:
        """Open it.

        Raises:
            DataError: It is damaged, or does not fit; without a hint where another form would be the remedy.
        """


@functools.cache
def _forms() -> tuple[Form, ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    forms = [cast("Form", importlib.import_module(f"{__name__}.{name}")) for name in names]
    return tuple(sorted(forms, key=lambda form: form.IS_LAST))


def opened(path: Path, wanted: Wanted) -> Opened:
    """Open a data set of whatever form.

    Raises:
        DataError: Anything that does not fit, with what was expected and received.
    """
    form = next((form for form in _forms() if form.is_mine(path)), None)
    if form is None:
        raise DataError(f"{printable(str(path))}: no such file or folder of images.", hint=_hint())
    try:
        return form.opened(path, wanted)
    except DataError as error:
        error.hint = error.hint or _hint()
        raise


def _hint() -> str:
    *others, last = (form.FORM for form in sorted(_forms(), key=lambda form: not form.IS_LAST))
    return f"Give {', '.join(others)}, or {last}."
