"""Activation Clustering: poisoned samples of a class sit apart from the real ones in the last hidden layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence
from gate.core.rule import Rule, Severity
from gate.core.scale import LIMIT
from gate.detectors.shared.constants import integers, real, record
from gate.detectors.shared.contract import Context, skipped
from gate.detectors.training_set.blame import Examined, blame, missing
from gate.detectors.training_set.neighbours import Neighbours
from gate.detectors.training_set.peers import PeerScale, peer_indices
from gate.detectors.training_set.two_means import BELL, best_cut, principal
from gate.detectors.training_set.whitening import Frame, frames
from gate.models.datasets.dataset import FEWEST
from gate.models.features.activations import ClassSample
from gate.models.numerics.arrays import Floats

_GRANTED = real("activation-clustering.granted")
_COMPONENTS, _SILHOUETTE_SAMPLES = integers("activation-clustering", "components", "silhouette-samples")
_SCALE = PeerScale(**record("activation-clustering.scale"))

_RULE = Rule(
    id="BD102",
    name="split-activations",
    summary="The training samples of one class fall into two groups, of which one looks like other classes.",
    page=f"""\
## Looks for
Samples that carry a backdoor's label for another reason than the rest of their class: the network recognises the
trigger, not the object, so their activations in the last hidden layer form a group of their own, while the pictures
themselves look like those of other classes.

## Needs
A labelled training set: `--data FILE_OR_DIR` (role `train`, the default), two classes of {FEWEST} samples or more.

## Decides by
Per class: the network's activations, in units of how much the other classes vary, reduced to {_COMPONENTS} dimensions by PCA and
split in two by k-means. Two things are added up: how far the groups lie apart, more than the halves of one bell-shaped
cloud do; and how much less often the nearest pictures of one group are of its own class than those of the other. The
second stands for the paper's exclusionary re-classification, which trains the network anew. The sum is compared with
that of the other classes and scaled so that {LIMIT} is where clean training sets end. `paper_statistic` is the silhouette
of the split. The size of the groups is reported, not judged: poison can be more than half of its class.

## If it fires
Look at the listed samples and the contact sheet. Remove those that carry a pattern, and train again.

## Known limits
Poison of a few per cent of its class, faint and clean-label poison may stay inside the cloud. A class that alone has
two kinds of members, of which one looks like another class, can be blamed. Says nothing about a model whose poisoned
training data you do not have.

## Paper
Chen et al., *Detecting Backdoor Attacks on Deep Neural Networks by Activation Clustering*, SafeAI 2019.
""",
    severity=Severity.HIGH,
    cwe=(506,),
    atlas=("AML.T0020",),
)

_NAME = "activation-clustering"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split(Examined):
    """How one class falls in two; the axis leads across the split.

    Attributes:
        silhouette: Of the split, -1..1.
        separation: Of the groups, above that of the halves of one bell-shaped cloud.
        disagreement: Log of how much less often the suspect group's neighbours are of its class than the other's.
    """

    silhouette: float
    separation: float
    disagreement: float

    @property
    def statistic(self) -> float:
        """Separation and disagreement together."""
        return self.separation + self.disagreement

    @property
    def numbers(self) -> dict[str, float]:
        return {
            "silhouette": self.silhouette,
            "separation": self.separation,
            "disagreement": self.disagreement,
        }

    @property
    def paper_statistic(self) -> float:
        return self.silhouette


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationClustering:
    """Split every class in two and ask whether the split is real.

    Attributes:
        components: Dimensions kept by PCA.
        layer: Name of the layer whose output to cluster; "" for the input of the last layer with weights.
    """

    RULE: ClassVar[Rule] = _RULE
    ADDS_UP: ClassVar[bool] = False

    components: int = _COMPONENTS
    layer: str = ""

    def run(self, context: Context) -> Evidence:
        """Measure, if there is a labelled training set."""
        reason = missing(context)
        if reason:
            return skipped(_NAME, _RULE.id, reason)
        assert context.representations is not None
        context.progress("clustering activations", 0, 1, "")
        samples = context.representations.samples(self.layer)
        splits = measure(samples, self.components)
        indices = peer_indices(np.array([each.statistic for each in splits]), _SCALE)
        return blame(context, _NAME, _RULE.id, splits, indices, self.layer)


DETECTOR = ActivationClustering


def measure(samples: Sequence[ClassSample], components: int) -> list[_Split]:
    """Return how each class of enough samples falls in two; two of them at least."""
    from threadpoolctl import threadpool_limits

    # One thread: sums stay the same on every machine, and small problems are faster so.
    with threadpool_limits(1):
        neighbours = Neighbours(samples)
        examined = [sample for sample in samples if sample.is_enough]
        views = frames([sample.activations for sample in examined])
        return [
            _split(sample, view, neighbours, components) for sample, view in zip(examined, views, strict=True)
        ]


def _split(sample: ClassSample, frame: Frame, neighbours: Neighbours, components: int) -> _Split:
    coordinates, directions, _ = principal(frame.see(sample.activations), components)
    is_second, centres = _two_groups(coordinates)
    # The suspect group is the one whose pictures look less like the class, whichever is larger.
    asked, votes = neighbours.own_votes(sample)
    own = [_mean(votes[is_second[asked] == group]) + _GRANTED for group in (False, True)]
    suspect = int(own[1] < own[0])
    across = centres[suspect] - centres[1 - suspect]
    axis = directions @ across
    middle = float((centres.sum(axis=0) / 2) @ across)
    return _Split(
        sample=sample,
        frame=frame,
        axis=axis,
        threshold=middle,
        silhouette=_silhouette(coordinates, is_second),
        separation=best_cut(coordinates @ across).separation - BELL,
        disagreement=float(np.log(own[1 - suspect] / own[suspect])),
        share=float((is_second == bool(suspect)).mean()),
    )


def _mean(votes: Floats) -> float:
    """Return the mean vote; 1 of a group so small that nobody of it was asked."""
    return float(votes.mean()) if len(votes) else 1.0


def _two_groups(points: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Return who is in the second group after 2-means, and both centres, shape ``(2, r)``.

    K-means starts from the best cut across the widest direction and not at random: it then finds the split that
    matters rather than a handful of strays, and always the same one.
    """
    from sklearn.cluster import KMeans

    first = points[:, 0]
    is_upper = first > best_cut(first).threshold
    if not is_upper.any():  # all points are equal
        return np.arange(len(points)) >= len(points) // 2, np.zeros((2, points.shape[1]))
    start = np.stack([points[~is_upper].mean(axis=0), points[is_upper].mean(axis=0)])
    found = KMeans(n_clusters=2, init=start, n_init=1).fit(points)
    return found.labels_ == 1, found.cluster_centers_


def _silhouette(points: Floats, groups: NDArray[np.bool_]) -> float:
    from sklearn.metrics import silhouette_score

    sample = np.random.default_rng(0).permutation(len(points))[:_SILHOUETTE_SAMPLES]
    if not points.std(axis=0).max() > 0 or len(np.unique(groups[sample])) < 2:
        return 0.0
    return float(silhouette_score(points[sample], groups[sample]))
