"""`python -m benchmarks [TRUTH] [--speed MODEL LOW,HIGH]`: verdicts over a truth table, and speed against a peer."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import speed, verdicts

_EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("truth", nargs="?", type=Path, default=_EXAMPLES / "truth.json")
    parser.add_argument("--speed", nargs=2, metavar=("MODEL", "LOW,HIGH"))
    arguments = parser.parse_args()
    model, span = arguments.speed or (_EXAMPLES / "models" / "clean.keras", "0,1")
    low, high = map(float, span.split(","))
    verdicts.print_table(arguments.truth)
    print(flush=True)
    speed.print_table(Path(model), (low, high))


if __name__ == "__main__":
    main()
