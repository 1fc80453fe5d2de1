"""Committed measurements, one dated file each; README.md beside this file says what each holds."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent

# Evidence rows. Networks of the recipe's own tasks; constants were chosen with them in view.
DEVELOPMENT = _FOLDER / "2026-11-28-development.jsonl"
# Networks that saw all images at hand; no constant was chosen on them.
MORE_IMAGES = _FOLDER / "2026-11-21-more-images.jsonl"
# Networks that were trained after the engine's last change, scanned once, and then looked at for the first time.
UNTOUCHED = _FOLDER / "2026-11-28-untouched.jsonl"
# With few classes, trained and scanned once after their scale was changed for the ones above; the first 18 are clean ones only.
FEW_CLASSES = _FOLDER / "2026-11-28-few-classes.jsonl"
# Networks by other authors.
PUBLIC = _FOLDER / "2026-11-28-public.jsonl"
# What networks answer to the questions of meta neural analysis.
META_FEATURES = _FOLDER / "2026-11-21-meta-features.jsonl"
# By how much a patch at each place makes each class lead.
SURVEYS = _FOLDER / "2026-11-27-surveys.npz"
# What networks remember of their training set, asked with clean test images.
MEMORY = _FOLDER / "2026-12-01-training-memory.jsonl"
# What the engine before short looks and the one after say of the same networks, and what they cost.
ENGINES = _FOLDER / "2026-12-01-engines.jsonl"
# What the base says of honest and poisoned changes of clean networks.
UPDATES = _FOLDER / "2026-12-01-updates.jsonl"
