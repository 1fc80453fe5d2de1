"""What the parent asks of a scanning child: plain records that cross the process border as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from gate.core.artifact import Artifact, ModelFormat
from gate.core.keras_load import KerasLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorCall:
    """A detector to run, its parameters as a JSON object in text."""

    detector: str
    parameters: str = "{}"


class Role(StrEnum):
    """What images are to the model: trusted samples, or the suspect training set."""

    CLEAN = "clean"
    TRAIN = "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCall:
    """A data set to use."""

    path: str
    role: Role

    @property
    def readable(self) -> str:
        """What a scan has to be able to read: a CSV file names pictures beside it."""
        return str(PurePath(self.path).parent) if self.path.lower().endswith(".csv") else self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCall:
    """The model under the same path at the base commit.

    Attributes:
        file: Staged copy to read, absolute.
        sha256: Of the file.
        format: Of the file.
    """

    file: str
    sha256: str
    format: ModelFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One model to scan.

    Attributes:
        nonce: Random text that the child's record has to repeat.
        artifact: The file as the report will name it.
        file: Staged copy to read, absolute.
        profile: "quick" or "full".
        seed: Of every random choice.
        detectors: In policy order; empty for static checks only.
        input_range: Stated (low, high); None to find out.
        input_range_source: Who stated it.
        data: The user's images; None for surrogates.
        memory_mb: Address space beyond what the engine itself maps; 0 for no limit.
        seconds: Wall time that the scan may take.
        budget: Wall time that it should take; what does not fit is left out. None for as long as it takes.
        require_sandbox: Whether to refuse the scan if it cannot be locked in.
        threads: Of TensorFlow. Of a scan, parts that run side by side: no part of the verdict.
        loads_by_keras: Whether to have Keras load the file and tell what it built, instead of running the detectors.
        keras: What it built; the scan's network has to be that. None if nobody asked.
        base: What the model replaces; None if nothing is known of it, or no detector asks.
    """

    nonce: str
    artifact: Artifact
    file: str
    profile: str
    seed: int
    detectors: tuple[DetectorCall, ...]
    input_range: tuple[float, float] | None
    input_range_source: str
    data: DataCall | None
    memory_mb: int
    seconds: float = 600.0
    budget: float | None = None
    require_sandbox: bool = False
    threads: int = 2
    loads_by_keras: bool = False
    keras: KerasLoad | None = None
    base: BaseCall | None = None
