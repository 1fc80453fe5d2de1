"""The one scale of all detectors: an anomaly index of 0 or more, whose limit at most 1 % of clean models exceed."""

from __future__ import annotations

LIMIT = 2.0
LARGEST_INDEX = 99.0
