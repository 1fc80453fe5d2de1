"""Write the files of a new detector: `make new-detector NAME=my-idea`. docs/develop/add-a-detector.md says what comes next."""

from __future__ import annotations

import keyword
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = Path(__file__).with_name("new-detector")
POLICY = Path("policies", "default.yaml")
# Longer names do not fit into a line of the table of detectors.
LONGEST_NAME = 30
# From here on the rules of the policy begin.
_FIRST_OF_POLICY = 190
_EXPECTED = f"expected words in kebab-case, such as my-idea, at most {LONGEST_NAME} characters"


class BadName(ValueError):
    """The name cannot be that of a detector."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the templates are filled with.

    Attributes:
        id: Name in kebab-case.
        rule: Id of the rule.
    """

    id: str
    rule: str

    @property
    def module(self) -> str:
        """Name of the file."""
        return self.id.replace("-", "_")

    @property
    def cls(self) -> str:
        """Name of the class."""
        return "".join(word.capitalize() for word in self.id.split("-"))

    def filled(self, template: str) -> str:
        """Return a template with everything filled in."""
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        title = self.id.replace("-", " ").capitalize()
        return Template(text).substitute(
            id=self.id, rule=self.rule, module=self.module, cls=self.cls, title=title
        )


def draft(name: str, root: Path) -> Draft:
    """Return what a detector of this name is to be filled with.

    Raises:
        BadName: The name is none, or taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
        raise BadName(f"NAME: received {name!r}, {_EXPECTED}")
    found = Draft(id=name, rule=next_rule(root))
    if keyword.iskeyword(found.module):
        raise BadName(f"NAME: received {name!r}, a word of Python's own; {_EXPECTED}")
    taken = _taken_by(found, root)
    if taken:
        raise BadName(f"NAME: received {name!r}, expected a name that is free; it is taken by {taken}")
    return found


def _taken_by(found: Draft, root: Path) -> str:
    """Return what bears the name already; "" if nothing does."""
    folder = root / "gate" / "detectors"
    files = [
        *(folder / found.module, folder / f"{found.module}.py"),
        *(root / "tests").rglob(f"test_{found.module}.py"),
    ]
    if lying := next((file for file in files if file.exists()), None):
        return lying.relative_to(root).as_posix()
    if f'name="anomalous-{found.id}"' in _sources(root):
        return f"the rule anomalous-{found.id}"
    imported = re.findall(r"^from .* import (.*)$", found.filled("detector.txt"), re.MULTILINE)
    is_imported = any(found.cls in names.split(", ") for names in imported)
    return f"the class {found.cls}, which a detector's file imports" if is_imported else ""


def next_rule(root: Path) -> str:
    """Return the id after the last of a detector's rule; the numbers of rules that are gone stay free.

    Raises:
        BadName: There is none left.
    """
    numbers = [int(number) for number in re.findall(r'\bid="BD(1\d\d)"', _sources(root))]
    number = max(each for each in numbers if each < _FIRST_OF_POLICY) + 1
    if number == _FIRST_OF_POLICY:
        raise BadName(f"expected a free rule below BD{_FIRST_OF_POLICY}, received none")
    return f"BD{number}"


def _sources(root: Path) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in sorted((root / "gate").rglob("*.py")))


def with_block(policy: str, block: str) -> str:
    """Return a policy with one block more at the end of its detectors.

    Raises:
        ValueError: It has no `detectors`.
    """
    lines = policy.splitlines()
    if "detectors:" not in lines:
        raise ValueError(f"{POLICY}: expected a line 'detectors:', received none")
    begin = lines.index("detectors:") + 1
    after = (number for number, line in enumerate(lines) if number >= begin and line[:1].strip())
    end = next(after, len(lines))
    while not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], "", *block.rstrip().splitlines(), *lines[end:]]) + "\n"


def write(found: Draft, root: Path) -> list[Path]:
    """Write detector, test and policy block, and the pages that are made of them; return the files."""
    policy = root / POLICY
    texts = {
        root / "gate" / "detectors" / f"{found.module}.py": found.filled("detector.txt"),
        root / "tests" / "detectors" / f"test_{found.module}.py": found.filled("test.txt"),
        policy: with_block(policy.read_text(encoding="utf-8"), found.filled("policy.txt")),
    }
    for file, text in texts.items():
        file.write_text(text, encoding="utf-8")
    pages = subprocess.run(
        [sys.executable, "docs/build.py"], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False
    )
    if pages.returncode:
        raise ValueError("docs/build.py failed; the files are written, run it again: python docs/build.py")
    return [*texts, root / "docs" / "rules.md", root / "docs" / "detection.md"]


def main(words: Sequence[str]) -> int:
    """Write the files of one detector; return 2 if that cannot be."""
    try:
        if len(words) != 1:
            raise BadName(f"NAME: received {len(words)} words, expected one; such as NAME=my-idea")
        found = draft(words[0], ROOT)
        files = write(found, ROOT)
    except ValueError as error:
        sys.stderr.write(f"new-detector: {error}\n")
        return 2
    for file in files:
        sys.stdout.write(f"wrote {file.relative_to(ROOT)}\n")
    sys.stdout.write(
        f"{found.id} has the rule {found.rule}. Go on with docs/develop/add-a-detector.md, step 2.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
