"""Is the smallest trigger too small? Outlier statistics over the classes of one network, without TensorFlow."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from gate.detectors.shared.constants import reals
from gate.models.numerics.arrays import Floats

MAD_SCALE, _FALSE_ALARMS = reals("scoring.outliers", "mad-scale", "false-alarms")
_SHARE_OF_WHOLE, CONFIDENCE = reals("scoring.outliers", "share-of-whole", "confidence")


def paper_index(norms: Floats) -> float:
    """Return `(median(n) - min(n)) / MAD(n)`, the anomaly index of the paper, over the norms that are finite.

    Args:
        norms: L1 norms of the recovered masks in pixels, shape ``(k,)``; infinite where none was found.

    Returns:
        0 or more; 0 where all norms are equal.

    Paper: Wang et al., Neural Cleanse, IEEE S&P 2019 (https://doi.org/10.1109/SP.2019.00031). Known limits: it cannot exceed 0.67 for two classes, and
    exceeds 2 for a third of all clean ten-class models under a normal null.
    """
    finite = norms[np.isfinite(norms)]
    if not len(finite):
        return 0.0
    median = float(np.median(finite))
    spread = MAD_SCALE * float(np.median(np.abs(finite - median)))
    return (median - float(finite.min())) / spread if spread > 0 else 0.0


def beside_means(table: Floats) -> Floats:
    """Return `x_ij - mean_i - mean_j + mean`: what rows and columns have with each other alone, as in an analysis of variance."""
    left: Floats = table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean()
    return left


def location_lead(table: Floats) -> tuple[float, int]:
    """Return `(t_1 - (t_2 + t_3) / 2) / u`, where t are the columns' largest interactions, largest first; and the first's column.

    Rows (places) count more or less, and so do columns (classes); both means are taken away. Of what is left each column has its
    largest. The lead is the largest of them less the mean of the next two, in units of the root mean square of what is left, to which
    a share of the whole table's is added: where places and classes have next to nothing with each other, chance must not count.

    Args:
        table: What each row does for each column, in any unit, shape ``(places, k)``, k >= 2.

    Returns:
        The lead, 0 or more; 0 for a table of zeros. The column's position.
    """
    column = int(beside_means(table).max(axis=0).argmax())
    return place_lead_of(table, column), column


def place_lead_of(table: Floats, column: int) -> float:
    """Return `(t_c - mean of the largest two others) / u` of one column c, see `location_lead`; negative if others lead.

    Args:
        table: What each row does for each column, in any unit, shape ``(places, k)``, k >= 2.
        column: Its position.
    """
    left = beside_means(table)
    tops = left.max(axis=0)
    others = np.sort(np.delete(tops, column))[::-1]
    unit = float(np.sqrt(np.mean(left**2) + np.mean((_SHARE_OF_WHOLE * table) ** 2)))
    return float(tops[column] - np.mean(others[:2])) / unit if unit else 0.0


def log_gap(norms: Floats, leader: int) -> float:
    """Return `log(median of the other classes' norms / the leader's norm)`; negative if the leader is larger.

    Classes without a trigger count as infinitely large (right-censored). If they are the majority, the median
    is not known and the largest finite norm, a lower bound, stands in.
    """
    others = np.delete(norms, leader)
    median = float(np.median(others))
    if not np.isfinite(median):
        finite = others[np.isfinite(others)]
        median = float(finite.max()) if len(finite) else float(norms[leader])
    return float(np.log(median) - np.log(norms[leader]))


def spread_below(norms: Floats, leader: int) -> float:
    """Return `MAD(log n)` of the other classes, from those below their median m only: `median(log m - log n)`, scaled to a normal spread.

    The upper half may hold classes without a trigger, and only the lower half says how small a norm can be
    by nature. 0 if fewer than two classes lie there.
    """
    others = np.sort(np.delete(norms, leader))
    lower = others[: (len(others) + 1) // 2]
    if len(lower) < 2 or not np.isfinite(lower).all():
        return 0.0
    logs = np.log(lower)
    return float(MAD_SCALE * np.median(logs[-1] - logs[:-1]))


def shrunk_spread(measured: float, weight: float, prior: float, prior_weight: float) -> float:
    """Return `sqrt((w s^2 + w0 s0^2) / (w + w0))`: the spread pulled toward that of clean networks, as few classes say little.

    Args:
        measured: Spread of this model's classes, >= 0.
        weight: How many classes it rests on.
        prior: Spread of clean models.
        prior_weight: How many classes the prior is worth.
    """
    return float(np.sqrt((weight * measured**2 + prior_weight * prior**2) / (weight + prior_weight)))


def clean_limit(num_classes: int) -> float:
    """Return `c(k) = -z(1 - (1 - p)^(1 / k))`: how many spreads below the median the smallest of k normal values lies with probability p."""
    return -NormalDist().inv_cdf(1.0 - (1.0 - _FALSE_ALARMS) ** (1.0 / max(num_classes, 2)))


def wilson_interval(successes: int, trials: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return `(p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)`, within 0..1; (0, 1) without trials.

    Paper: Wilson, Probable inference, JASA 1927 (https://doi.org/10.1080/01621459.1927.10502953).
    """
    if trials <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    rate = successes / trials
    centre = rate + z * z / (2 * trials)
    half = z * float(np.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)))
    scale = 1 + z * z / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
