"""Make a meta-model from networks whose truth is known, and say how good it is on those that it did not see."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from gate.detectors.meta.model import FURTHEST, VERSION, MetaModel
from gate.detectors.shared.constants import reals
from gate.models.numerics.arrays import Floats

Bools = NDArray[np.bool_]

_STRENGTH, _LARGEST_POWER, _FALSE_ALARMS = reals("meta.fit", "strength", "largest-power", "false-alarms")
_LEAST_SPREAD, _LEAST_DEVIATION = reals("meta.fit", "least-spread", "least-deviation")


def area(clean: Floats, bad: Floats) -> float:
    """Return the area under the ROC curve: how often a backdoored network has the larger sum."""
    larger = (bad[:, None] > clean[None]).mean() + 0.5 * (bad[:, None] == clean[None]).mean()
    return float(larger)


def held_out(features: Floats, is_bad: Bools, folds: NDArray[np.int64]) -> Floats:
    """Return the sum of each network by the meta-model that was made of the other folds, shape ``(n,)``.

    Args:
        features: Shape ``(n, f)``.
        is_bad: Which networks are backdoored, shape ``(n,)``; both kinds must be outside of every fold.
        folds: Which networks are left out together, shape ``(n,)``.
    """
    sums = np.zeros(len(features))
    for fold in np.unique(folds):
        is_out = folds == fold
        centre, spread, weights, bias = _fitted(features[~is_out], is_bad[~is_out])
        sums[is_out] = _standard(features[is_out], centre, spread) @ weights + bias
    return sums


def fit(
    names: tuple[str, ...], features: Floats, is_bad: Bools, folds: NDArray[np.int64], architecture: str = ""
) -> MetaModel:
    """Return the meta-model of all networks, its scale set by those that it did not see.

    Args:
        names: Of the features.
        features: Shape ``(n, f)``.
        is_bad: Which networks are backdoored, shape ``(n,)``.
        folds: Which networks are left out together, shape ``(n,)``.
        architecture: Digest of the architecture; "" for any.
    """
    sums = held_out(features, is_bad, folds)
    clean = sums[~is_bad]
    usual = float(np.median(clean))
    # The sample is too small to count a hundredth: a normal tail.
    reach = NormalDist().inv_cdf(1 - _FALSE_ALARMS) * max(float(clean.std(ddof=1)), _LEAST_DEVIATION)
    centre, spread, weights, bias = _fitted(features, is_bad)
    return MetaModel(
        version=VERSION,
        architecture=architecture,
        networks=len(features),
        auc=round(area(clean, sums[is_bad]), 4),
        features=names,
        centre=_rounded(centre),
        spread=_rounded(spread),
        weights=_rounded(weights),
        bias=round(float(bias), 6),
        usual=round(usual, 6),
        limit=round(usual + reach, 6),
    )


def _fitted(features: Floats, is_bad: Bools) -> tuple[Floats, Floats, Floats, float]:
    """Return centre, spread, weights and bias of a ridge logistic regression; both kinds count the same.

    Each attack shows in a few features only, so they are measured in units of the clean networks. Every feature is a lead
    of one class over the others, or the like: more of it never speaks for a network, so no weight is below 0.
    """
    from scipy.optimize import minimize

    clean = features[~is_bad]
    centre, spread = clean.mean(axis=0), np.maximum(clean.std(axis=0), _LEAST_SPREAD)
    standard = _standard(features, centre, spread)
    shares = np.where(is_bad, 0.5 / is_bad.sum(), 0.5 / (~is_bad).sum())
    sign = np.where(is_bad, 1.0, -1.0)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights = parameters[:-1]
        margins = sign * (standard @ weights + parameters[-1])
        value = shares @ np.logaddexp(0.0, -margins) + 0.5 * _STRENGTH * weights @ weights
        slopes = -shares * sign / (1.0 + np.exp(np.minimum(margins, _LARGEST_POWER)))
        return float(value), np.append(slopes @ standard + _STRENGTH * weights, slopes.sum())

    count = features.shape[1]
    bounds = [(0.0, None)] * count + [(None, None)]
    found = minimize(loss, np.zeros(count + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return centre, spread, found[:-1], float(found[-1])


def _standard(features: Floats, centre: Floats, spread: Floats) -> Floats:
    standard: Floats = np.clip((features - centre) / spread, -FURTHEST, FURTHEST)
    return standard


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(float(f"{value:.6g}") for value in values)
