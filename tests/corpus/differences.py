"""Look for files of which Keras and the gate make two networks: `make fuzz-differences`.

Every case comes from one number: a tiny network around one layer of the allow-list, saved by Keras, then changed in one
place. `python -m tests.corpus.differences --seed N` shows one case. What must never happen:

- the gate rebuilds a network, Keras loads another one (`different`),
- the change alters Keras' answers, and the description of what Keras loaded does not show it (`blind`),
- two files have one content digest, and Keras answers differently (`one digest`).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from gate.core.content import Content
from gate.core.errors import GateError
from gate.core.keras_load import LoadedNetwork
from gate.models.proof.comparison import difference
from tests.corpus.layer_cases import LAYERS, network
from tests.corpus.mutations import mutate
from tests.corpus.stored_models import FORMATS, Stored, objects, read

# Cases that share one saved network; the first of them is not changed.
OF_ONE = 16
# Not wrong, for the gate judges one of the two only; worth to be seen.
_REFUSED_TWIN = "one digest, refused"
WRONG = ("different", "crashed", "blind", "one digest")
_CHANGED = 1e-4
_MOST_SHOWN = 40
_TRIES = 10
_SHAPE = (8, 8, 3)
# Of the fixed images: a drawn one, noise, a frame, black, white, and one in 0..255.
_IMAGES = [0, 6, 8, 10, 11, 15]


@dataclass(frozen=True)
class Case:
    """What became of one file.

    Attributes:
        seed: What it was made from.
        about: Layer, format and change.
        ended: "equal", "different", "refused by the gate", "refused by Keras", "crashed".
        detail: The difference, or why it was refused.
        digest: Content digest; "" if there is none.
        keras: What Keras loaded, if it did.
    """

    seed: int
    about: str
    ended: str
    detail: str = ""
    digest: str = ""
    keras: LoadedNetwork | None = None

    def __str__(self) -> str:
        return f"{self.seed} {self.about}: {self.ended}{': ' if self.detail else ''}{self.detail}"


@dataclass
class Summary:
    """What a run found."""

    ended: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def add(self, case: Case, also: dict[str, str]) -> None:
        """Count a case, and what is wrong about it beside its end."""
        self.ended[case.ended] += 1
        if case.ended.startswith("refused"):
            self.refusals[case.detail[:60]] += 1
        told = {case.ended: str(case)} | {kind: f"{case}: {detail}" for kind, detail in also.items()}
        for kind in also:
            self.ended[kind] += 1
        self.wrong += [(kind, text) for kind, text in told.items() if kind in WRONG]
        self.noted += [text for kind, text in told.items() if kind == _REFUSED_TWIN]

    def __str__(self) -> str:
        total = sum(
            number
            for kind, number in self.ended.items()
            if kind not in ("blind", "one digest", _REFUSED_TWIN)
        )
        counted = ", ".join(f"{number} {kind}" for kind, number in self.ended.most_common())
        return f"{total} cases: {counted}"


def base_of(seed: int, folder: Path) -> Stored:
    """Return the file as Keras saves it that a case is made from."""
    import keras

    number = seed // OF_ONE
    rng = np.random.default_rng([number, 0])
    keras.utils.clear_session(free_memory=False)  # names are counted anew
    stored = _saved(rng, LAYERS[number % len(LAYERS)], folder)
    # Keras says of nearly every type that it is one object: a change of one alone would be refused each time.
    for entry in objects(stored.config) if rng.random() < 0.8 else ():
        if entry["class_name"] == "DTypePolicy":
            entry.pop("shared_object_id", None)
    return stored


def _saved(rng: np.random.Generator, kind: str, folder: Path) -> Stored:
    """Return a file with a random network around a layer; another one if Keras cannot save the first."""
    import keras

    for _ in range(_TRIES):
        made = network(rng, kind)
        # Into HDF5 Keras writes operations without their modules, and cannot read them back.
        has_operations = any(not isinstance(part, keras.Layer) for part in getattr(made, "operations", ()))
        path = folder / f"base{'.keras' if has_operations or rng.random() < 0.5 else '.h5'}"
        with contextlib.suppress(TypeError):  # a mask that one layer hands to the next
            made.save(path)
            return replace(read(path), focus=kind)
    raise RuntimeError(f"no network around {kind} could be saved")


def changed(seed: int, base: Stored, only: str = "") -> tuple[Stored, str]:
    """Return the file of a case, and what was changed in it."""
    layer, place = LAYERS[seed // OF_ONE % len(LAYERS)], seed % OF_ONE
    stored = base.copied()
    about = f"{layer} {base.suffix}"
    if not place:
        return stored, f"{about} unchanged"
    rng = np.random.default_rng([seed, 1])
    told = [mutate(rng, stored, only)]
    if place > OF_ONE - 3:  # some changes show only together
        told.append(mutate(rng, stored, only))
    return stored, f"{about} [{'; '.join(told)}]"


def judged(
    seed: int, stored: Stored, about: str, folder: Path, digests: frozenset[str] = frozenset()
) -> Case:
    """Load a file as the gate and as Keras do, and hold both against each other.

    Args:
        seed: Number of the case.
        stored: The file.
        about: What it is.
        folder: Where to write it.
        digests: Content digests of which the answers count, even if the gate refuses the file.
    """
    path = stored.write(folder)
    try:
        return _judged(seed, path, about, digests)
    except Exception as error:
        traceback.print_exc()
        return Case(seed, about, "crashed", f"{type(error).__name__}: {error}"[:300])


def _judged(seed: int, path: Path, about: str, digests: frozenset[str]) -> Case:
    from gate.models.loading import load
    from gate.triage.inspection import inspect

    kind = FORMATS[path.suffix]
    try:
        inspection = inspect(path, kind)
    except GateError as error:
        return Case(seed, about, "refused by the gate", f"unreadable: {error}")
    if inspection.stored is None:
        return Case(seed, about, "refused by the gate", f"finding: {inspection.findings[0].message}")
    digest = _digest(path, inspection.stored)
    try:
        ours = described(load(path, kind, inspection.stored.config, inspection.stored.keras_version))
    except GateError as error:
        loaded, _ = _by_keras(path) if digest in digests else (None, "")
        return Case(seed, about, "refused by the gate", str(error), digest, loaded)
    theirs, refusal = _by_keras(path)
    if theirs is None:
        return Case(seed, about, "refused by Keras", refusal, digest)
    told = difference(ours, theirs)
    return Case(seed, about, "different" if told else "equal", told, digest, theirs)


def described(model: Any) -> LoadedNetwork:
    """Return a network as `gate.models.proof.description.describe` does, with its answers to fewer images."""
    from gate.models.proof.description import raw_images, structure
    from gate.models.rebuild.problems import attempt

    images = raw_images(_SHAPE)[_IMAGES]

    def asked(given: Any) -> bytes:
        answers = keras.tree.flatten(model(given, training=False))
        return np.concatenate([np.asarray(answer, "<f4").reshape(-1) for answer in answers]).tobytes()

    import keras

    together, alone = (attempt("The network", asked, given) for given in (images, images[:1]))
    return replace(structure(model), together=together, alone=alone)


def _by_keras(path: Path) -> tuple[LoadedNetwork | None, str]:
    """Return what Keras loads, or why it does not."""
    from gate.models.proof.keras_loading import network_by_keras
    from gate.models.rebuild.problems import cause

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return described(network_by_keras(path)), ""
        except GateError as error:
            return None, str(error)
        except Exception as error:
            return None, cause(error)


def _digest(path: Path, stored: Any) -> str:
    from gate.triage.content import content

    found: Content | None = content(path, FORMATS[path.suffix], stored)
    return found.sha256 if found else ""


def blindness(base: Case, case: Case) -> str:
    """Return how far Keras' answers moved though what it built is described in the same words; "" if it is not."""
    if base.keras is None or case.keras is None:
        return ""
    if (base.keras.layers, base.keras.outputs) != (case.keras.layers, case.keras.outputs):
        return ""
    return _moved(base.keras, case.keras)


def _moved(one: LoadedNetwork, other: LoadedNetwork) -> str:
    """Return by how much the answers of two networks differ; "" if by next to nothing."""
    if len(one.together) != len(other.together):
        return "another number of answers"
    first, second = (np.frombuffer(each.together + each.alone, "<f4") for each in (one, other))
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    scale = max(1.0, float(np.abs(first[np.isfinite(first)]).max(initial=0.0)))
    with np.errstate(invalid="ignore"):
        near = same | (np.abs(first - second) <= _CHANGED * scale)
    return "" if near.all() else f"answers differ by up to {np.nanmax(np.abs(first - second)):.3g}"


def twins(earlier: list[Case], case: Case) -> dict[str, str]:
    """Return which earlier case has the same content digest and other answers."""
    for other in earlier:
        if not case.digest or case.digest != other.digest or case.keras is None or other.keras is None:
            continue
        moved = _moved(other.keras, case.keras)
        if moved:
            is_refused = "refused by the gate" in (case.ended, other.ended)
            return {_REFUSED_TWIN if is_refused else "one digest": f"as {other.about}: {moved}"}
    return {}


def run(
    seeds: Iterable[int],
    seconds: float = float("inf"),
    log: TextIO | None = None,
    *,
    shows_all: bool = False,
    only: str = "",
    alone: bool = False,
) -> Summary:
    """Judge one case after the other.

    Args:
        seeds: Numbers of the cases; those of one saved network stand together.
        seconds: When to stop, at the latest.
        log: Text stream for what is wrong, as it is found.
        shows_all: Whether all other cases are written there, too.
        only: Name of the one kind of change to make; "" for any.
        alone: Whether the unchanged files are not looked at, which takes half as long.
    """
    found, until = Summary(), time.monotonic() + seconds
    of_base: tuple[int, Stored] | None = None
    earlier: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="differences-") as name:
        for seed in seeds:
            if time.monotonic() > until:
                break
            if of_base is None or of_base[0] != seed // OF_ONE:
                of_base = (seed // OF_ONE, base_of(seed, Path(name)))
                unchanged = of_base[1].copied()
                earlier = [] if alone else [judged(seed, unchanged, "unchanged", Path(name))]
            known = frozenset(case.digest for case in earlier) - {""}
            case = judged(seed, *changed(seed, of_base[1], only), Path(name), known)
            also = twins(earlier, case)
            blind = blindness(earlier[0], case) if earlier else ""
            before = len(found.wrong)
            found.add(case, also | ({"blind": blind} if blind else {}))
            earlier.append(case)
            told = [f"{kind}: {text}" for kind, text in found.wrong[before:]]
            for line in told or [str(case)] * shows_all:
                print(line, file=log, flush=True) if log else None
    return found


def from_number(first: int) -> Iterator[int]:
    """Yield all numbers from the first."""
    while True:
        yield first
        first += 1


def main() -> int:
    """Look for differences as the command line says; return 1 if one was found."""
    from gate.worker.scanning import start_engine

    parser = argparse.ArgumentParser(prog="python -m tests.corpus.differences", description=__doc__)
    default = float(os.environ.get("DIFFERENCES_SECONDS", "1800"))
    parser.add_argument("--seconds", type=float, default=default)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seed", type=int, nargs="+", help="only these cases, with what became of them")
    parser.add_argument("--only", default="", help="name of a change in tests/corpus/mutations.py")
    parser.add_argument("--all", action="store_true", help="show every case, not only what is wrong")
    arguments = parser.parse_args()
    start_engine(0)
    if arguments.seed:
        found = run(arguments.seed, log=sys.stdout, shows_all=True, only=arguments.only)
        print(found)
        return int(bool(found.wrong))
    found = run(
        from_number(arguments.first),
        arguments.seconds,
        sys.stdout,
        shows_all=arguments.all,
        only=arguments.only,
    )
    print(found)
    for reason, number in found.refusals.most_common(_MOST_SHOWN):
        print(f"{number:6} {reason}")
    for text in (*found.noted, *(f"{kind}: {text}" for kind, text in found.wrong)):
        print(text)
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
