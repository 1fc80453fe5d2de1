"""Activation Clustering: poisoned samples of a class sit apart from the real ones in the last hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement, Status
from gate.core.rule import Rule, Severity
from gate.detectors._contract import Context

Floats = NDArray[np.float64]

_RULE = Rule(
    id="BD102",
    name="split-activations",
    summary="The training samples of one class fall into two separate groups, one of them small.",
    page="""\
## Looks for
Samples that carry a backdoor's label for another reason than the rest of their class: the network recognises the
trigger, not the object, so their activations in the last hidden layer form a small group of their own.

## Needs
A labelled training set: `--data FILE_OR_DIR` (role `train`, the default), at least 32 samples of a class.

## Decides by
Per class: the network's activations, reduced by PCA and split in two by k-means. The smaller group must hold less
than 35 % of the class. Its silhouette is compared with what the same split gives on a single bell-shaped cloud of
the same size and spread, so that a class that is one cloud raises no alarm. `paper_statistic` is the silhouette.

## If it fires
Look at the samples of the smaller group of that class, remove them if they carry a pattern, and train again.

## Known limits
Classes that really have two kinds of members can be blamed. Faint and clean-label poison may stay inside the cloud.
Says nothing about a model whose poisoned training data you do not have.

## Paper
Chen et al., *Detecting Backdoor Attacks on Deep Neural Networks by Activation Clustering*, SafeAI 2019.
""",
    severity=Severity.HIGH,
    cwe=(506,),
    atlas=("AML.T0020",),
)

_FEWEST = 32
_LARGEST_SHARE = 0.35
_NULL_DRAWS = 19
_LARGEST_INDEX = 99.0
# Silhouettes of well separated groups stay above this whatever the null says of a tiny class.
_LEAST_SILHOUETTE = 0.15
_SAMPLES_PER_CLASS = 2000
_SILHOUETTE_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class _Split:
    """How one class falls in two: silhouette -1..1, share of the smaller group 0..0.5, index >= 0."""

    label: int
    silhouette: float
    share: float
    index: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationClustering:
    """Split every class in two and ask whether the split is real.

    Attributes:
        components: Dimensions kept by PCA.
    """

    RULE: ClassVar[Rule] = _RULE

    components: int = 10

    def run(self, context: Context) -> Evidence:
        """Measure, if there is a labelled training set."""
        reason = _missing(context)
        if reason:
            return Evidence(
                detector="activation-clustering", rule=_RULE.id, status=Status.SKIPPED, reason=reason
            )
        splits = self._measure(context)
        if not splits:
            reason = f"No class has {_FEWEST} samples or more."
            return Evidence(
                detector="activation-clustering", rule=_RULE.id, status=Status.SKIPPED, reason=reason
            )
        return _score(splits)

    def _measure(self, context: Context) -> list[_Split]:
        dataset = context.dataset
        assert dataset is not None
        assert dataset.labels is not None
        activations = context.classifier.activations(dataset.images).astype(np.float64)
        labels = [k for k in np.unique(dataset.labels) if (dataset.labels == k).sum() >= _FEWEST]
        splits = []
        for done, label in enumerate(labels):
            context.progress("clustering activations", done, len(labels), f"class {label}")
            rng = np.random.default_rng([context.seed, 4, int(label)])
            members = np.flatnonzero(dataset.labels == label)
            chosen = rng.permutation(members)[:_SAMPLES_PER_CLASS]
            splits.append(_split(activations[chosen], int(label), self.components, rng))
        return splits


DETECTOR = ActivationClustering


def _missing(context: Context) -> str:
    if context.dataset is None:
        return "Needs a labelled training set; give one with --data."
    if context.dataset.labels is None:
        return "Needs labels; the data set has none."
    if context.dataset.role != "train":
        return "Needs the training set; the data set given is a clean one."
    return ""


def _split(activations: Floats, label: int, components: int, rng: np.random.Generator) -> _Split:
    """Split one class and compare with the same split of normal clouds of the same spread."""
    reduced = _principal(activations, components)
    silhouette, share = _two_groups(reduced)
    spread = reduced.std(axis=0)
    null = [_two_groups(rng.normal(size=reduced.shape) * spread)[0] for _ in range(_NULL_DRAWS)]
    return _Split(label, silhouette, share, _index(silhouette, share, np.array(null)))


def _index(silhouette: float, share: float, null: Floats) -> float:
    """Return 0 for a class that is one cloud or splits evenly, 2.0 where the null and the floor end."""
    if share > _LARGEST_SHARE:
        return 0.0
    limit = max(float(null.mean() + 3.0 * null.std()), _LEAST_SILHOUETTE)
    return float(np.clip(2.0 * silhouette / limit, 0.0, _LARGEST_INDEX))


def _principal(activations: Floats, components: int) -> Floats:
    centred = activations - activations.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    kept = min(components, int((size > 1e-9 * max(size[0], 1e-12)).sum()))
    projected: Floats = left[:, : max(kept, 1)] * size[: max(kept, 1)]
    return projected


def _two_groups(points: Floats) -> tuple[float, float]:
    """Return the silhouette and the share of the smaller group after 2-means; (0, 0.5) if all points are equal."""
    from sklearn.cluster import KMeans

    if not points.std(axis=0).max() > 0:
        return 0.0, 0.5
    groups = KMeans(n_clusters=2, n_init=4, random_state=0).fit_predict(points)
    share = float(min(groups.mean(), 1 - groups.mean()))
    if share == 0:
        return 0.0, 0.5
    return _silhouette(points, groups), share


def _silhouette(points: Floats, groups: NDArray[np.int32]) -> float:
    from sklearn.metrics import silhouette_score

    sample = np.random.RandomState(0).permutation(len(points))[:_SILHOUETTE_SAMPLES]
    if len(np.unique(groups[sample])) < 2:  # a group of very few escapes the sample
        sample = np.arange(len(points))
    return float(silhouette_score(points[sample], groups[sample]))


def _score(splits: list[_Split]) -> Evidence:
    worst = max(splits, key=lambda split: (split.index, split.silhouette))
    suspects = sorted((split for split in splits if split.index > 2.0), key=lambda split: -split.index)
    return Evidence(
        detector="activation-clustering",
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=worst.index,
        paper_statistic=worst.silhouette,
        target_labels=tuple(split.label for split in suspects) or (worst.label,),
        measurements=tuple(
            Measurement(name=name, value=value, label=split.label)
            for split in splits
            for name, value in (
                ("silhouette", split.silhouette),
                ("smaller_share", split.share),
                ("index", split.index),
            )
        ),
    )
