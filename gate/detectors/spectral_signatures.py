"""Spectral Signatures: poison pulls one class far out in a direction in which its peers hardly vary."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gate.core.evidence import Evidence
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.shared.constants import real, record
from gate.detectors.shared.contract import Context, skipped
from gate.detectors.training_set.blame import Examined, blame, missing
from gate.detectors.training_set.neighbours import Neighbours
from gate.detectors.training_set.peers import PeerScale, peer_indices
from gate.detectors.training_set.two_means import BELL, best_cut, principal
from gate.detectors.training_set.whitening import Frame, frames
from gate.models.datasets.dataset import FEWEST
from gate.models.features.activations import ClassSample

_SCALE = PeerScale(**record("spectral-signatures.scale"))
_CLEARLY = real("spectral-signatures.clearly")

_RULE = Rule(
    id="BD103",
    name="spectral-signature",
    summary="The training samples of one class vary strongly in a direction that the other classes do not know.",
    page=f"""\
## Looks for
The trace that poison leaves in the covariance of a class: its samples share a feature, the trigger's, that the
class's real samples lack. Seen from the other classes, the class is stretched in that direction, and in two parts.

## Needs
A labelled training set: `--data FILE_OR_DIR` (role `train`, the default), two classes of {FEWEST} samples or more.

## Decides by
Per class: the network's activations, centred, in units of how much the other classes vary in each direction; the
largest variance in any direction, divided by what noise alone reaches for that many samples (Marchenko and Pastur),
times how far the best cut in that direction separates (Otsu). The logarithm is compared with that of the other
classes, and scaled so that {LIMIT} is where clean training sets end. The samples beyond the cut are listed.

## If it fires
Look at the listed samples and the contact sheet. Remove those that carry a pattern, and train again.

## Known limits
Poison of less than about 3 % of its class, and faint patterns that do not become the class's strongest direction, may
stay unseen. A class that alone has two kinds of members can be blamed. A set of which most classes are poisoned has no
peers to compare with. The paper removes a fixed share of every class and has no verdict on the whole; this is ours.

## Paper
Tran et al., *Spectral Signatures in Backdoor Attacks*, NeurIPS 2018.
""",
    severity=Severity.HIGH,
    cwe=(506,),
    atlas=("AML.T0020",),
)

_NAME = "spectral-signatures"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch(Examined):
    """How far one class is stretched; the axis is the direction of the largest variance.

    Attributes:
        variance: In that direction, in units of the other classes' and of what noise reaches.
        separation: Of the best cut, above that of one bell-shaped cloud.
    """

    variance: float
    separation: float

    @property
    def statistic(self) -> float:
        """Log of variance times separation."""
        return float(np.log(self.variance)) + self.separation

    @property
    def numbers(self) -> dict[str, float]:
        return {"relative_variance": self.variance, "separation": self.separation}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectralSignatures:
    """Compare how far the classes of the training set are stretched.

    Attributes:
        layer: Name of the layer whose output to examine; "" for the input of the last layer with weights.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    layer: str = ""

    def run(self, context: Context) -> Evidence:
        """Measure, if there is a labelled training set."""
        reason = missing(context)
        if reason:
            return skipped(_NAME, _RULE.id, reason)
        assert context.representations is not None
        context.progress("spectral signatures", 0, 1, "")
        samples = context.representations.samples(self.layer)
        stretches = measure(samples)
        indices = peer_indices(np.array([each.statistic for each in stretches]), _SCALE)
        neighbours = Neighbours(samples)
        turned = [
            _turned(each, neighbours) if index > LIMIT else each
            for each, index in zip(stretches, indices, strict=True)
        ]
        return blame(context, _NAME, _RULE.id, turned, indices, self.layer)


DETECTOR = SpectralSignatures


def measure(samples: Sequence[ClassSample]) -> list[_Stretch]:
    """Return how far each class of enough samples is stretched; two of them at least."""
    from threadpoolctl import threadpool_limits

    # One thread: sums stay the same on every machine, and small problems are faster so.
    with threadpool_limits(1):
        examined = [sample for sample in samples if sample.is_enough]
        views = frames([sample.activations for sample in examined])
        return [_stretch(sample, view) for sample, view in zip(examined, views, strict=True)]


def _stretch(sample: ClassSample, frame: Frame) -> _Stretch:
    points = frame.see(sample.activations)
    coordinates, directions, variances = principal(points, 1)
    cut = best_cut(coordinates[:, 0])
    beyond = coordinates[:, 0] > cut.threshold
    sign = 1.0 if beyond.mean() <= 0.5 else -1.0
    # The points are centred in the frame, so that thresholds need no shift.
    noise = (1.0 + np.sqrt(points.shape[1] / len(points))) ** 2
    return _Stretch(
        sample=sample,
        frame=frame,
        axis=sign * directions[:, 0],
        threshold=sign * cut.threshold,
        variance=max(float(variances[0]) / noise, 1e-12),
        separation=cut.separation - BELL,
        share=float(min(beyond.mean(), 1 - beyond.mean())),
    )


def _turned(stretch: _Stretch, neighbours: Neighbours) -> _Stretch:
    """Suspect the larger part, if it is that which looks like other classes: poison can be most of its class."""
    asked, votes = neighbours.own_votes(stretch.sample)
    is_suspect = stretch.score(stretch.sample.activations[asked]) > 0
    if not is_suspect.any() or votes[is_suspect].mean() <= votes[~is_suspect].mean() + _CLEARLY:
        return stretch
    share = 1.0 - stretch.share
    return dataclasses.replace(stretch, axis=-stretch.axis, threshold=-stretch.threshold, share=share)
