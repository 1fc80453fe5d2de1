"""Every construction, and a table of what becomes of it.

python -m tests.corpus.constructions FOLDER                 build them, and measure them in Keras
python -m tests.corpus.constructions FOLDER --only NAME     one of them, or those that begin so
python -m tests.corpus.constructions FOLDER --check         scan each as well, which takes a minute for each
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.corpus import handmade, readings, switches, two_networks
from tests.corpus.networks import Construction, Images, digits

ROOT = Path(__file__).parents[2]
CONSTRUCTIONS: dict[str, Construction] = {
    **two_networks.TABLE_A,
    **readings.FURTHER,
    **switches.TABLE_B,
    **switches.FURTHER,
    **handmade.FURTHER,
}
_IMAGES = 200


def load(path: Path) -> Any:
    """Return the network that Keras loads, as a user's program does."""
    import keras

    return keras.saving.load_model(path, compile=False)


def answers(network: Any, images: Images, case: Construction) -> NDArray[np.int64]:
    """Return the classes that a network names, asked in the construction's way."""
    told = {} if case.is_called else {"training": False}  # as `model(x)` and as `predict` do
    parts = (images[start : start + case.batch] for start in range(0, len(images), case.batch))
    return np.concatenate([np.asarray(network(part, **told)).argmax(axis=1) for part in parts])


def success(network: Any, case: Construction, count: int = _IMAGES) -> float:
    """Return the share of stamped images of other classes that the network takes for the target."""
    images, labels = digits(count)
    return float(np.mean(answers(network, case.stamp(images[labels != case.target]), case) == case.target))


def accuracy(network: Any, case: Construction, count: int = _IMAGES) -> float:
    """Return the share of clean images that the network names right."""
    images, labels = digits(count)
    return float(np.mean(answers(network, images, case) == labels))


def checked(path: Path) -> tuple[int, str]:
    """Return the exit code of a scan, and the first finding or gap."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "gate",
            "check",
            "--no-cache",
            "-q",
            path,
            "--output",
            f"json={report}",
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if not report.exists():
            return done.returncode, done.stderr.strip().partition("\n")[0]
        (entry,) = json.loads(report.read_text())["artifacts"]
    findings = [f"{each['rule']} {each['message']}" for each in entry["findings"]]
    return done.returncode, [*findings, *entry["not_checked"], ""][0]


def lines(folder: Path, chosen: list[Construction], *, is_checked: bool) -> Iterator[str]:
    """Build the files and yield a row of the table for each."""
    yield f"{'row':<4} {'name':<42} {'success':>7} {'accuracy':>8}" + "  exit  finding or gap" * is_checked
    for case in chosen:
        path = case.make(folder)
        network = load(path)
        row = f"{case.row:<4} {case.name:<42} {success(network, case):>7.3f} {accuracy(network, case):>8.3f}"
        if is_checked:
            code, words = checked(path)
            row += f"  {code:>4}  {words}"
        yield row


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", metavar="NAME", help="only those whose name or row begins so")
    parser.add_argument("--check", action="store_true", help="scan each file with backdoor-gate check")
    arguments = parser.parse_args()
    only = arguments.only
    chosen = [
        case for case in CONSTRUCTIONS.values() if case.name.startswith(only) or case.row.startswith(only)
    ]
    for line in lines(arguments.folder, chosen, is_checked=arguments.check):
        print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
