"""What the engine knows of one model before the policy judges it."""

from __future__ import annotations

from dataclasses import dataclass

from gate.core.artifact import Artifact
from gate.core.confinement import Confinement
from gate.core.content import Content
from gate.core.evidence import Evidence
from gate.core.finding import Finding
from gate.core.job import Job
from gate.core.keras_load import KerasLoad
from gate.core.report import Gap, ModelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """Everything measured on one model.

    Attributes:
        artifact: The file.
        evidence: One per detector that was asked, in policy order.
        findings: Of the static checks; each is a reason to fail by itself.
        gaps: What could not be checked.
        model: Facts of the loaded model; None if it was not loaded.
        score: Calibrated probability of a backdoor, 0..1; None if nothing was measured.
        joint_index: Anomaly index of all evidence together; None if nothing was measured.
        joint_label: Class that all evidence together points at; None if there is none.
        seconds: Wall time.
        confinement: How the scanning process was locked in; None if there was no such process, or it did not say.
        content: Digests of the network that the file holds; None if triage stopped it, or its weights are damaged.
        keras: What Keras made of the file, if that was asked.
    """

    artifact: Artifact
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    model: ModelFacts | None = None
    score: float | None = None
    joint_index: float | None = None
    joint_label: int | None = None
    seconds: float = 0.0
    confinement: Confinement | None = None
    content: Content | None = None
    keras: KerasLoad | None = None

    @property
    def anomaly_index(self) -> float | None:
        """The largest of the evidence, and of all evidence together; None if nothing was measured."""
        known = (self.joint_index, *(each.anomaly_index for each in self.evidence))
        return max((index for index in known if index is not None), default=None)

    def answers(self, job: Job) -> bool:
        """Return whether this is of the job's file, and by its detectors alone: their names become file names."""
        asked = {call.detector for call in job.detectors}
        return self.artifact == job.artifact and all(each.detector in asked for each in self.evidence)
