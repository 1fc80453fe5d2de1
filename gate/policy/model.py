"""A policy, checked and resolved: what may differ between paths, and what holds for the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import cast

from gate.core.job import Role
from gate.core.report import PolicyStamp
from gate.core.rule import Severity
from gate.core.scale import LIMIT
from gate.policy.document import DetectorDocument, Parameter, SettingsDocument, merge
from gate.policy.globs import matches


class Profile(StrEnum):
    """How thorough a scan is."""

    QUICK = "quick"
    FULL = "full"


class Consequence(StrEnum):
    """What an incomplete or inconclusive scan means for the build."""

    FAIL = "fail"
    WARN = "warn"


class OnSkip(StrEnum):
    """What it means that a detector could not run."""

    IGNORE = "ignore"
    FAIL = "fail"


class Statistic(StrEnum):
    """Which number of the evidence is compared; named as its field."""

    ANOMALY_INDEX = "anomaly_index"
    PAPER = "paper_statistic"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorPolicy:
    """What one detector may measure before the model fails. The defaults are the strict reading.

    Attributes:
        id: The detector.
        enabled: Whether it runs.
        max_anomaly_index: The model fails when the statistic exceeds this; > 0.
        statistic: The number that is compared.
        severity: Of its findings.
        on_skip: What it means that it could not run.
        parameters: Its own parameters, sorted by name; those left out have the detector's defaults.
    """

    id: str
    enabled: bool = True
    max_anomaly_index: float = LIMIT
    statistic: Statistic = Statistic.ANOMALY_INDEX
    severity: Severity = Severity.CRITICAL
    on_skip: OnSkip = OnSkip.FAIL
    parameters: tuple[tuple[str, Parameter], ...] = ()

    @classmethod
    def from_document(cls, detector: str, document: Mapping[str, object]) -> DetectorPolicy:
        """Return the record of checked settings; what they leave out has its default."""
        full = cast("DetectorDocument", merge(cls(id=detector).document(), document))
        return cls(
            id=detector,
            enabled=full["enabled"],
            max_anomaly_index=float(full["max_anomaly_index"]),
            statistic=Statistic(full["statistic"]),
            severity=Severity(full["severity"]),
            on_skip=OnSkip(full["on_skip"]),
            parameters=tuple(sorted(full["parameters"].items())),
        )

    def document(self) -> dict[str, object]:
        """Return the settings as they stand in a policy file."""
        settings = asdict(self) | {"parameters": dict(self.parameters)}
        del settings["id"]
        return settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the scan of one model may use: wall time, memory of the process, size of the file (MiB).

    And what it should take: what does not fit into the budget, in seconds, is left out; None for as long as it takes.
    """

    seconds: int = 600
    budget: int | None = None
    memory_mb: int = 4096
    model_mb: int = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetting:
    """A data set: path relative to the root, and what it is."""

    path: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPolicy:
    """What one model must satisfy. The defaults are the strict reading, and without a detector nothing passes.

    Attributes:
        detectors: In the order in which they run and are reported.
        max_score: The model fails when the calibrated probability exceeds this, 0..1; None for no limit.
        max_regression: The model fails when an anomaly index is more than this above that of the model under the same path
            at the base commit, > 0; None for no limit.
        incomplete: What an incomplete scan means.
        inconclusive: What evidence means that cannot clear the model.
        limits: What the scan may use.
        input_range: (low, high) of the raw input; None to find out.
        data: Labelled images; None for none.
    """

    detectors: tuple[DetectorPolicy, ...] = ()
    max_score: float | None = None
    max_regression: float | None = None
    incomplete: Consequence = Consequence.FAIL
    inconclusive: Consequence = Consequence.FAIL
    limits: Limits = field(default_factory=Limits)
    input_range: tuple[float, float] | None = None
    data: DataSetting | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> PathPolicy:
        """Return the record of checked settings; what they leave out has its default."""
        full = cast("SettingsDocument", merge(cls().document(), document))
        score, rise = full["max_score"], full["max_regression"]
        span, data = full["input_range"], full["data"]
        return cls(
            detectors=tuple(DetectorPolicy.from_document(*each) for each in full["detectors"].items()),
            max_score=None if score is None else float(score),
            max_regression=None if rise is None else float(rise),
            incomplete=Consequence(full["incomplete"]),
            inconclusive=Consequence(full["inconclusive"]),
            limits=Limits(**full["limits"]),
            input_range=None if span is None else (float(span[0]), float(span[1])),
            data=None if data is None else DataSetting(path=data["path"], role=Role(data["role"])),
        )

    def document(self) -> dict[str, object]:
        """Return the settings as they stand in a policy file."""
        return asdict(self) | {"detectors": {each.id: each.document() for each in self.detectors}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverTerms:
    """What waivers may do.

    Attributes:
        max_days: A waiver may not end later than this many days from the day of the run.
        allow_incomplete: Whether waivers and baseline may name rules of incomplete scans.
    """

    max_days: int = 90
    allow_incomplete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other settings for the paths that match.

    Attributes:
        match: Pattern, see `gate.policy.globs`.
        settings: What it changes, as JSON: only what is named changes, and no record can leave things out.
        reason: Why, for the reader; "" if it does not say.
    """

    match: str
    settings: str
    reason: str = ""

    def document(self) -> dict[str, object]:
        """Return the entry as it stands in a policy file."""
        reason = {"reason": self.reason} if self.reason else {}
        return {"match": self.match, **reason, **json.loads(self.settings)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A resolved policy.

    Attributes:
        source: Path of the file, or "built-in default".
        profile: What `--profile` is when it is not given; None if the policy leaves it open.
        exclude: Patterns of files that are never scanned. The caller names them to the user.
        settings: For every path.
        overrides: For some paths; later ones win.
        waivers: What waivers may do.
        files: Those of the repository that it was made of; they say nothing of its meaning.
    """

    source: str
    profile: Profile | None = None
    exclude: tuple[str, ...] = ()
    settings: PathPolicy = field(default_factory=PathPolicy)
    overrides: tuple[Override, ...] = ()
    waivers: WaiverTerms = field(default_factory=WaiverTerms)
    files: tuple[Path, ...] = field(default=(), compare=False)

    def for_path(self, path: str) -> PathPolicy:
        """Return what the model at this path (relative to the root, with forward slashes) must satisfy."""
        document = self.settings.document()
        for override in self.overrides:
            if matches(override.match, path):
                document = merge(document, json.loads(override.settings))
        return PathPolicy.from_document(document)

    def with_meta_model(self, file: str) -> Policy:
        """Return the policy with meta neural analysis switched on for every path, by the meta-model in a file."""
        settings = {"detectors": {"meta-neural-analysis": {"enabled": True, "parameters": {"model": file}}}}
        override = Override(match="**", settings=json.dumps(settings), reason="--meta")
        return replace(self, overrides=(*self.overrides, override))

    def is_excluded(self, path: str) -> bool:
        """Return whether the policy keeps the gate away from this path."""
        return any(matches(pattern, path) for pattern in self.exclude)

    def resolved(self) -> dict[str, object]:
        """Return the whole policy as plain data; written out, it is a policy file that means the same."""
        document = {
            "version": 1,
            "profile": self.profile,
            **self.settings.document(),
            "exclude": self.exclude,
            "waivers": asdict(self.waivers),
            "paths": [override.document() for override in self.overrides],
        }
        plain: dict[str, object] = json.loads(json.dumps(document))
        return plain

    @property
    def stamp(self) -> PolicyStamp:
        """What was resolved, as a digest that comments, formatting and `extends` do not change."""
        canonical = json.dumps(self.resolved(), sort_keys=True, separators=(",", ":"), allow_nan=False)
        return PolicyStamp(sha256=hashlib.sha256(canonical.encode("ascii")).hexdigest(), source=self.source)
