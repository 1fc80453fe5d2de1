"""Make the hostile corpus: `python -m tests.corpus.build FOLDER`. Nothing in it runs unless somebody loads it.

Beside the files lie traps: modules that hostile files name, which leave the marker when they are imported.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.corpus import code_cases, file_cases, graph_cases, hdf5_cases, zip_cases
from tests.corpus.parts import Case

CASES: dict[str, Case] = {
    **code_cases.CASES,
    **hdf5_cases.CASES,
    **zip_cases.CASES,
    **graph_cases.CASES,
    **file_cases.CASES,
}
TRAPS = ("keras_hub/__init__.py", "keras_hub/evil.py", "evil.py", "sitecustomize.py")


def build(folder: Path, marker: Path) -> None:
    """Write every file of the table and the traps.

    Args:
        folder: Where; made if it is missing.
        marker: What code in the files would leave.
    """
    for name, case in CASES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(case.make(marker))
    for name in TRAPS:
        trap = folder / name
        trap.parent.mkdir(parents=True, exist_ok=True)
        trap.write_text(f"open({str(marker)!r}, 'w').close()\n")


def main() -> None:
    """Build into the folder that is named, and list what must come of each file."""
    folder = Path(sys.argv[1])
    build(folder, folder.resolve() / "EXECUTED")
    for name, case in sorted(CASES.items()):
        print(f"{case.code}  {case.rule}  {name}")


if __name__ == "__main__":
    main()
