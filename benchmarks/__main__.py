"""The one door to the benchmarks: `python -m benchmarks COMMAND`, each with `--help`; README.md beside this file tells more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

_PROGRAM = "python -m benchmarks"
# A command's module, whose `main` takes the words that follow, and what it does.
COMMANDS = {
    "fetch": ("networks.fetch", "write the data set that npm has"),
    "train": ("networks.train_many", "train networks by the recipe"),
    "train-large": ("networks.large", "train a backbone of large pictures, with a patch or without"),
    "scan": ("scans.networks", "scan trained networks"),
    "scan-public": ("scans.public", "scan networks by other authors, and write their evidence"),
    "scan-seeds": ("scans.seeds", "scan again with other seeds"),
    "scan-real-images": ("scans.real_images", "scan again with real images as trusted data"),
    "scan-memory": ("scans.memory", "ask with real images what networks remember of their training set"),
    "scan-updates": (
        "scans.updates",
        "change clean networks honestly and by poison, and compare them with what they were",
    ),
    "peers": ("evaluation.baselines", "measure what other methods say of the networks"),
    "collect": ("evaluation.evidence", "join truths, scans and peers to a file of evidence"),
    "rescan": ("scans.rescan", "run one detector anew on networks of such a file"),
    "calibrate score": ("calibration.fit_score", "fit what joins the detectors to one score"),
    "calibrate meta": ("calibration.fit_meta", "fit the meta-model that comes with the gate"),
    "calibrate table": ("calibration.table", "print every tuned number beside what evidence gives"),
    "calibrate surveys": ("calibration.surveys", "tabulate how far patches make classes lead"),
    "report tables": ("evaluation.tables", "print how well backdoors are detected"),
    "report pages": ("evaluation.pages", "write the tables and curves of docs/"),
    "report engines": ("evaluation.engines", "compare what two engines say of the same networks"),
    "report surrogates": ("evaluation.surrogates", "print whether drawn images wake backdoors"),
    "report training-sets": ("training_sets.poisoned_table", "print how well poisoned sets are detected"),
    "training-sets": ("training_sets.poisoned_sets", "make poisoned and clean training sets"),
    "verdicts": ("scans.verdicts", "scan and print the models of a truth table"),
    "speed": ("performance.speed", "time Neural Cleanse, ours and IBM ART's"),
    "budgets": ("performance.budgets", "measure what budgets promise and what scans take"),
    "start-up": ("performance.start_up", "measure what the fork server saves"),
    "hostile": ("hostile", "meet the hostile corpus, beside other scanners"),
}


def main(words: Sequence[str]) -> int:
    """Run the command that the words name; return the exit code."""
    heads: dict[str, list[str]] = {}
    for name in COMMANDS:
        heads.setdefault(name.partition(" ")[0], []).append(name)
    head = _chosen(_PROGRAM, {first: _told(names) for first, names in heads.items()}, words[:1])
    command, rest = head, words[1:]
    if command not in COMMANDS:
        parts = {name.partition(" ")[2]: COMMANDS[name][1] for name in heads[head]}
        command = f"{head} {_chosen(f'{_PROGRAM} {head}', parts, rest[:1])}"
        rest = rest[1:]
    return import_module(f"benchmarks.{COMMANDS[command][0]}").main(rest) or 0


def _told(names: Sequence[str]) -> str:
    """Return what a first word stands for: a command, or several."""
    if len(names) == 1:
        return COMMANDS[names[0]][1]
    return " | ".join(name.partition(" ")[2] for name in names)


def _chosen(program: str, choices: Mapping[str, str], words: Sequence[str]) -> str:
    """Return the one word that was given; end with a message if it is none of the choices."""
    parser = argparse.ArgumentParser(
        prog=program,
        usage=f"{program} COMMAND ... [--help]",
        epilog="\n".join(f"  {name:<17} {told}" for name, told in choices.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=choices, metavar="COMMAND", help="one of these:")
    return str(parser.parse_args(words).command)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
