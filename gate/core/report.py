"""Verdicts of one run, and the exit code that follows from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from gate.core.artifact import Artifact
from gate.core.content import Difference
from gate.core.evidence import Evidence
from gate.core.exemption import Exemption
from gate.core.finding import Finding


class Verdict(StrEnum):
    """What the policy says of one model, or of the run."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCOMPLETE = "incomplete"
    WAIVED = "waived"


class ExitCode(IntEnum):
    """The contract with shells and CI systems."""

    PASS = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something that was not checked, why, and how to have it checked.

    Attributes:
        rule: Id of a rule that `stops`.
        message: What is missing and what to do, whole sentences. May hold text from the file.
    """

    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What was read off a model that could be loaded.

    Attributes:
        input_shape: (height, width, channels).
        num_classes: Number of logits, >= 2; one output unit stands for two.
        parameters: Number of weights.
        head: "softmax", "logits" or "sigmoid".
        input_range: (low, high) of the raw input.
        input_range_source: Who said so: "option", "policy", "layer ...", "data" or "inferred (...)".
        images: Where the images came from that the detectors used.
        keras_version: As the file claims; "" if it does not say.
        backend: Of Keras, as the file claims; "" if it does not say.
        saved_at: When, as the file claims; "" if it does not say.
        has_optimizer_state: Whether the state of training lies beside the weights.
        loaded_by_keras: What Keras' own loader made of the file, in words; "" if it was not asked.
        is_refused_by_keras: Whether that loader cannot load it, so that nobody but the gate says what the file means.
        effort: What a budget left time for, in words; "" if nothing was left out.
        clean_images: How many images were given as trusted ones.
    """

    input_shape: tuple[int, int, int]
    num_classes: int
    parameters: int
    head: str
    input_range: tuple[float, float]
    input_range_source: str
    images: str
    keras_version: str = ""
    backend: str = ""
    saved_at: str = ""
    has_optimizer_state: bool = False
    loaded_by_keras: str = ""
    is_refused_by_keras: bool = False
    effort: str = ""
    clean_images: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactReport:
    """One model's verdict with everything that led to it.

    Attributes:
        artifact: The file.
        verdict: The policy's word.
        tolerated: True if the policy lets this incomplete scan through.
        score: Calibrated probability of a backdoor, 0..1; None if nothing was measured.
        anomaly_index: The largest of the evidence, and of all evidence together; None if nothing was measured.
        target_labels: Suspected target classes of the findings, most suspicious first.
        seconds: Wall time of the scan; the only field that differs between two equal runs.
        model: Facts of the loaded model; None if it was not loaded.
        not_checked: What is missing.
        evidence: One per detector, in policy order.
        findings: Reasons to fail.
        content_sha256: Digest of the network whatever its file, see `gate.triage.content`; "" if there is none.
        is_cached: Whether the measurements come from the verdict cache.
        difference: How the network differs from the base commit's; None without `--diff`, or if it is not known.
        exemptions: Rules whose findings do not count here, and why; sorted by rule.
    """

    artifact: Artifact
    verdict: Verdict
    tolerated: bool = False
    score: float | None = None
    anomaly_index: float | None = None
    target_labels: tuple[int, ...] = ()
    seconds: float = 0.0
    model: ModelFacts | None = None
    not_checked: tuple[Gap, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    findings: tuple[Finding, ...] = ()
    content_sha256: str = ""
    is_cached: bool = False
    difference: Difference | None = None
    exemptions: tuple[Exemption, ...] = ()

    def exemption(self, rule: str) -> Exemption | None:
        """Return why findings of a rule do not count on this model; None if they do."""
        return next((each for each in self.exemptions if each.rule == rule), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStamp:
    """Which policy, waivers or baseline judged: digest of what they say, and where they came from."""

    sha256: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """One run.

    Attributes:
        version: Version of backdoor-gate.
        policy: Which policy judged.
        profile: "quick" or "full"; "static" for static checks only.
        seed: Of every random choice.
        artifacts: Sorted by path.
        notices: Remarks on the run as a whole, such as "no model changed".
        sandbox: How the scanning processes were locked in, such as "landlock 7, seccomp" or "none: ..."; "" if none
            of them told.
        waivers: Which waivers held; None if there were none.
        baseline: Which baseline held; None if there was none.
    """

    version: str
    policy: PolicyStamp
    profile: str
    seed: int
    artifacts: tuple[ArtifactReport, ...] = ()
    notices: tuple[str, ...] = ()
    sandbox: str = ""
    waivers: PolicyStamp | None = None
    baseline: PolicyStamp | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the run: findings win over incompleteness."""
        return exit_code(self.artifacts)

    @property
    def exceptions(self) -> tuple[tuple[str, PolicyStamp], ...]:
        """Which files excuse findings, with the name of their kind; none if there are none."""
        stamps = (("waivers", self.waivers), ("baseline", self.baseline))
        return tuple((name, stamp) for name, stamp in stamps if stamp)

    @property
    def verdict(self) -> Verdict:
        """The verdict of the run, in the exit code's words."""
        return _VERDICTS[self.exit_code]


_VERDICTS = {
    ExitCode.PASS: Verdict.PASS,
    ExitCode.FINDINGS: Verdict.FAIL,
    ExitCode.INCOMPLETE: Verdict.INCOMPLETE,
}


def exit_code(artifacts: Iterable[ArtifactReport]) -> ExitCode:
    """Return 1 if any model fails, else 3 if any scan is incomplete and not tolerated, else 0."""
    reports = tuple(artifacts)
    if any(report.verdict is Verdict.FAIL for report in reports):
        return ExitCode.FINDINGS
    if any(report.verdict is Verdict.INCOMPLETE and not report.tolerated for report in reports):
        return ExitCode.INCOMPLETE
    return ExitCode.PASS
