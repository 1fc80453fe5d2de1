"""Do images made without data wake the backdoor as real ones do?

For each network whose backdoor works: the success of its true trigger on real test images (from the truth
table), on each family of the probe pools, refined to class impressions, and on plain noise; and which family the gate chooses without
data. The number to raise is the chosen family's share of the real rate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.attacks.attack import Attack
from benchmarks.networks import truth
from benchmarks.networks.opened import open_network
from gate.models.classifier import Classifier
from gate.models.numerics.arrays import Images
from gate.models.surrogates.families import FAMILIES
from gate.models.surrogates.impressions import refine
from gate.models.surrogates.selection import probes, ranked_families

_IMAGES = 96
_WORKS = 0.9
_SHARE = 0.9


def rows(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the success of the true trigger on each kind of images, a network at a time."""
    for truth_file in sorted(folder.glob("*.truth.json")):
        recipe, found = truth.read(truth_file)
        if not recipe.attack or (found.success or 0.0) < _WORKS:
            continue
        classifier = open_network(folder / f"{recipe.name}.keras", found.limits)
        attack = truth.attack_of(recipe, found)
        rates = {family: _on_family(classifier, attack, family) for family in FAMILIES}
        noise = probes("noise", classifier.input_shape, 0, _IMAGES)
        yield {
            "name": recipe.name,
            "attack": recipe.attack,
            "real": found.success,
            "chosen": ranked_families(classifier, 0)[0][0],
            "rates": rates,
            "plain noise": success(classifier, attack, noise),
        }


def success(classifier: Classifier, attack: Attack, images: Images) -> float | None:
    """Return the share of the attack's victims among the images that the trigger turns; None without victims."""
    labels = classifier.predict(images).argmax(axis=1)
    victims = attack.victims(labels, classifier.num_classes)
    if not victims.any():
        return None
    answers = classifier.predict(attack.mark(images[victims])).argmax(axis=1)
    wanted = attack.relabel(labels, classifier.num_classes)[victims]
    return round(float((answers == wanted).mean()), 3)


def _on_family(classifier: Classifier, attack: Attack, family: str) -> float | None:
    images = probes(family, classifier.input_shape, 0, _IMAGES)
    labels = (np.arange(len(images)) % classifier.num_classes).astype(np.int32)
    return success(classifier, attack, refine(classifier, images, labels))


def table(found: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the mean success per attack and kind of images, and the share of networks where the chosen family serves."""
    kinds = ("real", "chosen family", *FAMILIES, "plain noise")
    yield "| attack | n | " + " | ".join(kinds) + f" | chosen >= {_SHARE:.0%} of real |"
    yield "|---|---:|" + "---:|" * (len(kinds) + 1)
    for attack in (*sorted({row["attack"] for row in found}), "all"):
        members = [row for row in found if attack in (row["attack"], "all")]
        columns = [[_rate(row, kind) for row in members] for kind in kinds]
        served = sum((_rate(row, "chosen family") or 0.0) >= _SHARE * row["real"] for row in members)
        means = " | ".join(_mean(column) for column in columns)
        yield f"| {attack} | {len(members)} | {means} | {served}/{len(members)} |"


def _rate(row: dict[str, Any], kind: str) -> float | None:
    if kind in ("real", "plain noise"):
        rate: float | None = row[kind]
    else:
        rate = row["rates"][row["chosen"] if kind == "chosen family" else kind]
    return rate


def _mean(rates: list[float | None]) -> str:
    known = [rate for rate in rates if rate is not None]
    return f"{np.mean(known):.2f}" if known else "-"


def main(words: Sequence[str]) -> None:
    """Measure, print each network as a line of JSON, then the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks report surrogates", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of networks")
    found = []
    for row in rows(parser.parse_args(words).out):
        print(json.dumps(row), file=sys.stderr, flush=True)
        found.append(row)
    print(*table(found), sep="\n")
