"""`python -m benchmarks [TRUTH] [--speed MODEL LOW,HIGH] [--hostile]`: verdicts over a truth table, and against peers.

With `--hostile`, other scanners and ours meet the hostile corpus instead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import hostile, speed, verdicts

_EXAMPLES = Path(__file__).parents[1] / "examples"


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("truth", nargs="?", type=Path, default=_EXAMPLES / "truth.json")
    parser.add_argument("--speed", nargs=2, metavar=("MODEL", "LOW,HIGH"))
    parser.add_argument("--hostile", action="store_true", help="the hostile corpus, against other scanners")
    arguments = parser.parse_args()
    if arguments.hostile:
        hostile.print_table()
        return
    model, span = arguments.speed or (_EXAMPLES / "models" / "clean.keras", "0,1")
    low, high = map(float, span.split(","))
    verdicts.print_table(arguments.truth)
    print(flush=True)
    speed.print_table(Path(model), (low, high))


if __name__ == "__main__":
    main()
