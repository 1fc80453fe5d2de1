"""Activation Clustering: poisoned samples of a class sit apart from the real ones in the last hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gate.core.evidence import Evidence, Measurement, Status
from gate.core.rule import Rule, Severity
from gate.detectors._contract import Context
from gate.detectors._stats import MAD_SCALE, clean_limit, shrunk_spread

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
A labelled training set: `--data FILE_OR_DIR` (role `train`, the default), at least 64 samples of a class.

## Decides by
Per class: the network's activations, reduced by PCA and split in two by k-means. The silhouette of the split is
compared with what the same split gives on a single bell-shaped cloud of the same size and spread, so that a class
that is one cloud raises no alarm; the excess is compared with that of the other classes. `paper_statistic` is the
silhouette. The size of the smaller group is reported, not judged: poison can be half of its class.

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

# A few near duplicates (frames of one video) split a small class as cleanly as poison does.
_FEWEST = 64
_NULL_DRAWS = 19
_LARGEST_INDEX = 99.0
# An excess that a class of one kind does not reach, and how much classes differ in it by nature.
_LEAST_EXCESS = 0.13
_PRIOR_SPREAD, _PRIOR_WEIGHT = 0.04, 10.0
# This share of a class may be far off, and this many times as far as the rest, without being a group.
_STRAYS, _FAR = 0.01, 2.0
_SAMPLES_PER_CLASS = 2000
_SILHOUETTE_SAMPLES = 1000


@dataclass(frozen=True, slots=True)
class _Split:
    """How one class falls in two.

    Attributes:
        label: The class.
        silhouette: Of the split, -1..1.
        share: Of the smaller group, 0..0.5.
        excess: Silhouette above that of one cloud of the same size and spread.
        noise: Standard deviation of the silhouette of such clouds.
    """

    label: int
    silhouette: float
    share: float
    excess: float
    noise: float


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
        from threadpoolctl import threadpool_limits

        activations = context.classifier.activations(dataset.images).astype(np.float64)
        labels = [k for k in np.unique(dataset.labels) if (dataset.labels == k).sum() >= _FEWEST]
        splits = []
        for done, label in enumerate(labels):
            context.progress("clustering activations", done, len(labels), f"class {label}")
            rng = np.random.default_rng([context.seed, 4, int(label)])
            members = np.flatnonzero(dataset.labels == label)
            chosen = rng.permutation(members)[:_SAMPLES_PER_CLASS]
            # One thread: sums stay the same on every machine, and small problems are faster so.
            with threadpool_limits(1):
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
    reduced = _without_strays(_principal(activations, components))
    silhouette, share = _two_groups(reduced)
    spread = reduced.std(axis=0)
    null = [_two_groups(rng.normal(size=reduced.shape) * spread)[0] for _ in range(_NULL_DRAWS)]
    return _Split(label, silhouette, share, silhouette - float(np.mean(null)), float(np.std(null)))


def _indices(splits: list[_Split]) -> list[float]:
    """Return each class's index: its excess over what one cloud and the other classes reach, 2.0 at that limit."""
    excesses = np.array([split.excess for split in splits])
    indices = []
    for position, split in enumerate(splits):
        limit = max(_LEAST_EXCESS, 3.0 * split.noise, _usual_excess(np.delete(excesses, position)))
        indices.append(float(np.clip(2.0 * split.excess / limit, 0.0, _LARGEST_INDEX)))
    return indices


def _usual_excess(others: Floats) -> float:
    """Return what the largest of all classes reaches in 99 % of clean sets, judged by the other classes.

    Their median, and as many spreads as the number of classes asks for, shrunk toward the spread of clean sets.
    """
    if not len(others):
        return 0.0
    median = float(np.median(others))
    spread = MAD_SCALE * float(np.median(np.abs(others - median)))
    shrunk = shrunk_spread(spread, len(others), _PRIOR_SPREAD, _PRIOR_WEIGHT)
    return median + clean_limit(len(others) + 1) * shrunk


def _principal(activations: Floats, components: int) -> Floats:
    centred = activations - activations.mean(axis=0)
    left, size, _ = np.linalg.svd(centred, full_matrices=False)
    kept = min(components, int((size > 1e-9 * max(size[0], 1e-12)).sum()))
    projected: Floats = left[:, : max(kept, 1)] * size[: max(kept, 1)]
    return projected


def _without_strays(points: Floats) -> Floats:
    """Return the points without the few far ones that a split would set apart instead of finding two groups."""
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    limit = np.quantile(distances, 1.0 - _STRAYS) * _FAR
    kept: Floats = points[distances <= limit]
    return kept


def _two_groups(points: Floats) -> tuple[float, float]:
    """Return the silhouette and the share of the smaller group after 2-means; (0, 0.5) if all points are equal."""
    from sklearn.cluster import KMeans

    if not points.std(axis=0).max() > 0:
        return 0.0, 0.5
    groups = KMeans(n_clusters=2, n_init=4, random_state=0).fit_predict(points)
    share = float(min(groups.mean(), 1 - groups.mean()))
    return _silhouette(points, groups), share


def _silhouette(points: Floats, groups: NDArray[np.int32]) -> float:
    from sklearn.metrics import silhouette_score

    sample = np.random.RandomState(0).permutation(len(points))[:_SILHOUETTE_SAMPLES]
    if len(np.unique(groups[sample])) < 2:  # a group of very few escapes the sample
        sample = np.arange(len(points))
    return float(silhouette_score(points[sample], groups[sample]))


def _score(splits: list[_Split]) -> Evidence:
    indices = _indices(splits)
    order = sorted(range(len(splits)), key=lambda i: (-indices[i], splits[i].label))
    suspects = [splits[i].label for i in order if indices[i] > 2.0]
    worst = splits[order[0]]
    return Evidence(
        detector="activation-clustering",
        rule=_RULE.id,
        status=Status.MEASURED,
        anomaly_index=indices[order[0]],
        paper_statistic=worst.silhouette,
        target_labels=tuple(suspects) or (worst.label,),
        measurements=tuple(
            Measurement(name=name, value=value, label=split.label)
            for split, index in zip(splits, indices, strict=True)
            for name, value in (
                ("silhouette", split.silhouette),
                ("smaller_share", split.share),
                ("excess_silhouette", split.excess),
                ("index", index),
            )
        ),
    )
