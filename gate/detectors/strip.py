"""STRIP: whatever is laid on a poisoned image, the network sees only its trigger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement, Status, Suspects
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.shared.constants import integers, reals, record
from gate.detectors.shared.contract import Context, skipped
from gate.detectors.training_set.blending import blend_entropy
from gate.detectors.training_set.peers import PeerScale, peer_indices
from gate.detectors.training_set.suspects import suspects
from gate.models.datasets.dataset import FEWEST
from gate.models.numerics.arrays import Floats
from gate.models.numerics.streams import Stream, random_numbers

Positions = NDArray[np.int64]

_NOTHING, _LOW, _HIGH, _FALSE_REJECTIONS = reals("strip", "nothing", "low", "high", "false-rejections")
_IMAGES, _OVERLAYS, _FEWEST_OF_A_CLASS = integers("strip", "images", "overlays", "fewest-of-a-class")
_LISTED_FROM, _USUAL = integers("strip", "listed-from", "usual")
_SCALE = PeerScale(**record("strip.scale"))

_RULE = Rule(
    id="BD104",
    name="dominant-feature",
    summary="Images of one class keep the network certain whatever other images are laid over them.",
    page=f"""\
## Looks for
Images that hold something that rules the network's answer: with other pictures added to them, a clean image's answer
becomes uncertain, that of an image with a trigger does not.

## Needs
Suspect images: `--data FILE_OR_DIR` of role `train`, with or without labels; without, the network's answers stand in.
Two classes of {FEWEST} images or more.

## Decides by
For a sample of each class, the entropy of the network's answers to every image with {_OVERLAYS} others added to it. How far the
lowest tenth of a class lies below its highest tenth, as a ratio, is compared with the other classes and scaled so that
{LIMIT} is where clean training sets end. `paper_statistic` is the share of the leading class below the paper's
boundary, which {100 * _FALSE_REJECTIONS:.0f} % of the other classes' images are expected to pass.

## If it fires
Look at the listed images and the contact sheet. Remove those that carry a pattern, and train again.

## Known limits
Poison of less than about a tenth of its class lies outside of what is compared. Large, faint and warped triggers are
diluted by what is laid over them, and stay unseen. A class that is easily recognised can be blamed.

## Paper
Gao et al., *STRIP: A Defence Against Trojan Attacks on Deep Neural Networks*, ACSAC 2019.
""",
    severity=Severity.HIGH,
    cwe=(506,),
    atlas=("AML.T0018", "AML.T0020"),
)

_NAME = "strip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Lay other images over a sample of each class, and ask how certain the network stays.

    Attributes:
        images: Looked at in all; some of each class at least.
        overlays: Laid over each of them.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    images: int = _IMAGES
    overlays: int = _OVERLAYS

    def run(self, context: Context) -> Evidence:
        """Measure, if there are suspect images."""
        if context.dataset is None:
            return skipped(_NAME, _RULE.id, "Needs suspect images; give the training set with --data.")
        if context.dataset.role != "train":
            return skipped(_NAME, _RULE.id, "Needs suspect images; the data set given is a clean one.")
        labels = _labels(context)
        classes = np.flatnonzero(np.bincount(labels) >= FEWEST)
        if len(classes) < 2:
            return skipped(_NAME, _RULE.id, f"Needs two classes of {FEWEST} images or more, to compare them.")
        rng = random_numbers(context.seed, Stream.STRIP_SAMPLES)
        overlays = context.dataset.images[np.sort(rng.permutation(len(labels))[: self.overlays])]
        each = max(self.images // len(classes), _FEWEST_OF_A_CLASS)
        chosen = [np.sort(rng.permutation(np.flatnonzero(labels == label))[:each]) for label in classes]
        entropies = []
        for done, positions in enumerate(chosen):
            context.progress("laying images over images", done, len(chosen), f"class {classes[done]}")
            entropies.append(blend_entropy(context.classifier, context.dataset.images[positions], overlays))
        return _evidence(
            classes,
            entropies,
            lambda label, limit: _suspects(context, labels, label, overlays, limit),
        )


DETECTOR = Strip


def _labels(context: Context) -> Positions:
    assert context.dataset is not None
    if context.dataset.labels is not None:
        return context.dataset.labels
    images = context.dataset.images
    batches = images.stream(np.arange(len(images)))
    return np.concatenate([context.classifier.predict(batch).argmax(axis=1) for batch in batches])


def boundary(entropies: Floats) -> float:
    """Return the entropy that few clean images are expected to fall short of, by the paper's normal fit; >= 0."""
    fit = NormalDist(float(entropies.mean()), max(float(entropies.std()), 1e-9))
    return max(fit.inv_cdf(_FALSE_REJECTIONS), 0.0)


def _evidence(
    classes: Positions, entropies: list[Floats], find: Callable[[int, float], Suspects | None]
) -> Evidence:
    """Compare the classes; `find` lists what lies below a boundary in one class."""
    low, high = (np.array([np.quantile(each, share) for each in entropies]) for share in (_LOW, _HIGH))
    indices = peer_indices(np.log((high + _NOTHING) / (low + _NOTHING)), _SCALE)
    order = np.lexsort((np.arange(len(indices)), -indices))
    worst = int(order[0])
    limit = boundary(np.concatenate([each for i, each in enumerate(entropies) if i != worst]))
    blamed = tuple(int(classes[i]) for i in order if indices[i] > LIMIT)
    return Evidence(
        detector=_NAME,
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=float(indices[worst]),
        paper_statistic=float((entropies[worst] < limit).mean()),
        target_labels=blamed or (int(classes[worst]),),
        measurements=(
            Measurement(name="boundary", value=limit, unit="bits"),
            *(
                Measurement(name=name, value=float(value), label=int(label))
                for label, *values in zip(classes, low, high, indices, strict=True)
                for name, value in zip(("low_entropy", "high_entropy", "index"), values, strict=True)
            ),
        ),
        suspects=find(blamed[0], max(limit, _NOTHING)) if blamed else None,
    )


def _suspects(
    context: Context, labels: Positions, label: int, overlays: NDArray[np.float32], limit: float
) -> Suspects | None:
    """List the members of a class below the boundary, of some at most."""
    assert context.dataset is not None
    rng = random_numbers(context.seed, Stream.STRIP_BLENDS)
    asked = np.sort(rng.permutation(np.flatnonzero(labels == label))[:_LISTED_FROM])
    batches = context.dataset.images.stream(asked)
    entropies = np.concatenate([blend_entropy(context.classifier, batch, overlays) for batch in batches])
    is_low = entropies < limit
    if not is_low.any():
        return None
    usual = asked[np.argsort(-entropies, kind="stable")[:_USUAL]]
    return suspects(context.dataset, labels, asked[is_low], limit - entropies[is_low], usual)
