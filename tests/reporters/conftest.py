"""Reports of every kind, and the comparison with committed snapshots."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gate.core.artifact import Artifact, ModelFormat
from gate.core.evidence import Evidence, Measurement, Status, Trigger
from gate.core.exemption import Exemption, Ground
from gate.core.finding import Finding
from gate.core.incomplete_rules import STOPS
from gate.core.report import ArtifactReport, Gap, ModelFacts, PolicyStamp, ScanReport, Verdict
from gate.core.rule import Confidence, Rule, Severity

SNAPSHOTS = Path(__file__).parent / "snapshots"

# Everything that a renderer has ever been tricked with, in one string. The pair of emoji halves stays apart.
HOSTILE = (
    "\x1b[31mred\x1b[0m ::error::pwned ##[error]pwned <script>alert(1)</script> ]]> <!-- a|b `code` "
    "[red]markup[/red] [[ATTACHMENT|/etc/passwd]] [click](http://evil.example) @octocat {0} & % "
    "\u202egnp.exe\u202c \x00 \r\n::set-output name=x::y \udcff \u2028 $(id) 'quote\" end"
)

RULES = (
    Rule(
        id="BD101",
        name="anomalous-trigger",
        summary="One class is reached by an unusually small trigger.",
        page="## What it means\n\nA few pixels send `almost every` image to one class.\n\n## Paper\n\nWang 2019.\n",
        severity=Severity.CRITICAL,
        cwe=(506, 1357),
        atlas=("AML.T0018", "AML.T0020"),
    ),
    Rule(
        id="BD201",
        name="code-in-model",
        summary="The file carries code that runs when it is loaded.",
        page="## What it means\n\nA Lambda layer runs code.\n",
        severity=Severity.HIGH,
        cwe=(502,),
    ),
    *STOPS,
)


def png(pixels: np.ndarray) -> bytes:
    """Encode without compression: compressors differ between machines, and snapshots must not."""
    height, width = pixels.shape[:2]
    kind = 0 if pixels.ndim == 2 else 2
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def grey_trigger() -> Trigger:
    """A white square of 4 x 4 pixels in a corner, with a soft rim, on a 28 x 28 model."""
    mask = np.zeros((28, 28), np.uint8)
    mask[21:27, 21:27] = 90
    mask[22:26, 22:26] = 255
    return Trigger(
        target_label=7,
        l1_norm=23.06,
        attack_success_rate=0.9985,
        mask_png=png(mask),
        pattern_png=png(np.full((28, 28), 255, np.uint8)),
        files=("triggers/digits-7-mask.png", "triggers/digits-7-pattern.png"),
    )


def colour_trigger() -> Trigger:
    """A sunflower of four colours on a 32 x 32 x 3 model."""
    y, x = np.mgrid[:32, :32]
    distance = np.hypot(x - 22.5, y - 8.5)
    mask = np.where(distance < 7, 255, 0).astype(np.uint8)
    pattern = np.zeros((32, 32, 3), np.uint8)
    pattern[...] = (250, 205, 30)
    pattern[distance < 3.2] = (110, 60, 20)
    pattern[(np.abs(x - 22.5) < 1) | (np.abs(y - 8.5) < 1)] = (230, 60, 50)
    return Trigger(
        target_label=33,
        l1_norm=148.0,
        attack_success_rate=0.997,
        mask_png=png(mask),
        pattern_png=png(pattern),
        files=("triggers/signs-33.png",),
    )


def artifact(path: str, **changes: object) -> Artifact:
    fields = {"sha256": "ab" * 32, "size": 2_437_120, "format": ModelFormat.HDF5} | changes
    return Artifact(path=path, **fields)  # type: ignore[arg-type]


def facts(side: int = 32, channels: int = 3, classes: int = 43) -> ModelFacts:
    return ModelFacts(
        input_shape=(side, side, channels),
        num_classes=classes,
        parameters=612_043,
        head="softmax",
        input_range=(0.0, 255.0),
        input_range_source="inferred (first BatchNorm)",
        images="procedural strokes, refined",
        keras_version="2.15.0",
    )


def neural_cleanse(trigger: Trigger, index: float, classes: int) -> Evidence:
    norms = {label: 390.0 + 137.0 * ((7 * label) % 11) / 10 for label in range(classes)[-24:]}
    norms[trigger.target_label] = trigger.l1_norm
    return Evidence(
        detector="neural-cleanse",
        rule="BD101",
        status=Status.MEASURED,
        anomaly_index=index,
        paper_statistic=4.918273645,
        target_labels=(trigger.target_label,),
        measurements=tuple(
            measurement
            for label, norm in norms.items()
            for measurement in (
                Measurement(name="trigger_norm", value=norm, unit="px", label=label),
                Measurement(name="success_rate", value=0.97, label=label),
            )
        ),
        trigger=trigger,
    )


def head_statistics(index: float, targets: tuple[int, ...] = ()) -> Evidence:
    return Evidence(
        detector="head-statistics",
        rule="BD101",
        status=Status.MEASURED,
        anomaly_index=index,
        target_labels=targets,
        measurements=(Measurement(name="weight_mean_z", value=-0.0),),
    )


SKIPPED = Evidence(
    detector="activation-clustering",
    rule="BD102",
    status=Status.SKIPPED,
    reason="it needs the training images; give them with --data",
)
FAILED = Evidence(
    detector="strip", rule="BD104", status=Status.FAILED, reason="MemoryError: 4.2 GB of 4.0 GB were in use"
)


def anomalous_trigger(label: int, **changes: object) -> Finding:
    fields: dict[str, object] = {
        "rule": "BD101",
        "severity": Severity.CRITICAL,
        "confidence": Confidence.HIGH,
        "message": f"A trigger of 148.0 px sends 99.7 % of images to class {label}. Anomaly index 7.41, allowed 2.00.",
        "detector": "neural-cleanse",
        "subject": f"class {label}",
        "remedy": "Do not ship this model. Try `backdoor-gate repair`, or train it again from trusted data.",
    }
    return Finding(**(fields | changes))  # type: ignore[arg-type]


def failing() -> ArtifactReport:
    return ArtifactReport(
        artifact=artifact("models/traffic_signs.h5"),
        verdict=Verdict.FAIL,
        score=0.99631,
        anomaly_index=7.4123456789,
        target_labels=(33,),
        seconds=12.345678,
        evidence=(neural_cleanse(colour_trigger(), 7.4123456789, 43), head_statistics(3.2, (33,)), SKIPPED),
        findings=(anomalous_trigger(33),),
        model=facts(),
    )


def failing_in_grey() -> ArtifactReport:
    lambda_layer = Finding(
        rule="BD201",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        message="Layer 'preprocess' is a Lambda with byte code.",
        subject="layer preprocess",
    )
    return ArtifactReport(
        artifact=artifact("models/digits.keras", sha256="cd" * 32, size=812, format=ModelFormat.KERAS_ZIP),
        verdict=Verdict.FAIL,
        score=0.93,
        anomaly_index=3.1,
        target_labels=(7,),
        seconds=3.2,
        not_checked=(Gap(rule="BD004", message="strip failed. Raise `limits.memory`."),),
        evidence=(neural_cleanse(grey_trigger(), 3.1, 10), FAILED),
        findings=(anomalous_trigger(7, severity=Severity.HIGH, confidence=Confidence.MEDIUM), lambda_layer),
        model=facts(28, 1, 10),
    )


def passing(path: str = "models/clean.keras") -> ArtifactReport:
    return ArtifactReport(
        artifact=artifact(path, format=ModelFormat.KERAS_ZIP),
        verdict=Verdict.PASS,
        score=0.012,
        anomaly_index=0.4123,
        seconds=4.0,
        evidence=(
            neural_cleanse(Trigger(target_label=2, l1_norm=88.0, attack_success_rate=0.99), 0.4123, 10),
        ),
        model=facts(classes=10),
    )


def pointer() -> ArtifactReport:
    message = "models/big.h5 is a Git LFS pointer; the model is not here. Run `git lfs pull`."
    return ArtifactReport(
        artifact=artifact("models/big.h5", format=ModelFormat.LFS_POINTER, size=133),
        verdict=Verdict.INCOMPLETE,
        not_checked=(Gap(rule="BD002", message=message),),
    )


def failed_detector(*, tolerated: bool = False) -> ArtifactReport:
    return ArtifactReport(
        artifact=artifact(f"models/{'tolerated' if tolerated else 'crashed'}.h5"),
        verdict=Verdict.INCOMPLETE,
        tolerated=tolerated,
        score=0.2,
        anomaly_index=0.9,
        seconds=61.0,
        not_checked=(Gap(rule="BD004", message="strip failed: out of memory. Raise `limits.memory`."),),
        evidence=(
            head_statistics(0.9),
            FAILED,
            Evidence(
                detector="max-margin",
                rule="BD105",
                status=Status.MEASURED,
                anomaly_index=0.1,
                inconclusive="only two classes",
            ),
        ),
        model=facts(),
    )


def waived() -> ArtifactReport:
    return ArtifactReport(
        artifact=artifact("models/legacy/known bad #1.h5"),
        verdict=Verdict.WAIVED,
        score=0.97,
        anomaly_index=4.4,
        target_labels=(7,),
        seconds=3.0,
        evidence=(neural_cleanse(grey_trigger(), 4.4, 10),),
        findings=(anomalous_trigger(7),),
        model=facts(28, 1, 10),
        exemptions=(waiver(),),
    )


def waiver(**changes: str) -> Exemption:
    fields = {
        "rule": "BD101",
        "source": ".backdoor-gate/waivers.yaml:3",
        "reason": "A calibration cross; not deployed.",
        "owner": "@vision",
        "expires": "2027-01-31",
    }
    return Exemption(ground=Ground.WAIVER, **(fields | changes))


def hostile() -> ArtifactReport:
    trigger = Trigger(
        target_label=1,
        l1_norm=2.0,
        attack_success_rate=1.0,
        mask_png=b"\x89PNG\r\n\x1a\n" + HOSTILE.encode("utf-8", "surrogatepass"),
        files=("../../etc/passwd", "/etc/passwd", f"{HOSTILE}.png"),
    )
    evidence = Evidence(
        detector=HOSTILE,
        rule=HOSTILE,
        status=Status.MEASURED,
        anomaly_index=9.0,
        target_labels=(1, 2, 3, 4, 5),
        inconclusive=HOSTILE,
        remark=HOSTILE,
        trigger=trigger,
        measurements=(Measurement(name="trigger_norm", value=0.0, unit=HOSTILE, label=1),),
    )
    finding = anomalous_trigger(
        1, rule=HOSTILE.replace(":", ""), message=HOSTILE, detector=HOSTILE, subject=HOSTILE, remedy=HOSTILE
    )
    return ArtifactReport(
        artifact=artifact(f"models/{HOSTILE}.h5", sha256=""),
        verdict=Verdict.FAIL,
        score=1.0,
        anomaly_index=9.0,
        target_labels=(1, 2, 3, 4, 5),
        not_checked=(Gap(rule="BD001", message=HOSTILE), Gap(rule="BD001", message="again")),
        evidence=(evidence, Evidence(detector="b", rule="BD9", status=Status.FAILED, reason=HOSTILE)),
        findings=(finding,),
        model=ModelFacts(
            input_shape=(1, 1, 1),
            num_classes=2,
            parameters=0,
            head=HOSTILE,
            input_range=(-1.0, 1.0),
            input_range_source=HOSTILE,
            images=HOSTILE,
            keras_version=HOSTILE,
        ),
    )


def run_of(
    *entries: ArtifactReport,
    notices: tuple[str, ...] = (),
    source: str = "policy.yaml",
    sandbox: str = "landlock 7, seccomp",
) -> ScanReport:
    return ScanReport(
        version="0.1.0",
        policy=PolicyStamp(sha256="3f2a1b9c" * 8, source=source),
        profile="quick",
        seed=7,
        artifacts=entries,
        notices=notices,
        sandbox=sandbox,
    )


def samples() -> dict[str, ScanReport]:
    return {
        "empty": run_of(notices=("No model changed since main.",), sandbox=""),
        "pass": run_of(passing()),
        "fail": run_of(failing()),
        "incomplete": run_of(pointer(), failed_detector()),
        "waived": run_of(waived(), failed_detector(tolerated=True)),
        "mixed": run_of(
            passing(),
            passing("z.keras"),
            waived(),
            pointer(),
            failing_in_grey(),
            failing(),
            failed_detector(tolerated=True),
        ),
        "hostile": run_of(hostile(), notices=(HOSTILE,), source=HOSTILE, sandbox=HOSTILE),
    }


@pytest.fixture(params=samples())
def sample(request: pytest.FixtureRequest) -> ScanReport:
    """Each report in turn."""
    return samples()[request.param]


@pytest.fixture
def reports() -> dict[str, ScanReport]:
    """All reports by name."""
    return samples()


@pytest.fixture
def run() -> Callable[..., ScanReport]:
    """Make a run of the given models."""
    return run_of


@pytest.fixture
def rules() -> tuple[Rule, ...]:
    return RULES


@pytest.fixture
def matches_snapshot(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with a committed file; UPDATE_SNAPSHOTS=1 rewrites the file instead."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.write_text(text, "utf-8", newline="\n")
        assert path.read_text("utf-8") == text, f"{name} differs; UPDATE_SNAPSHOTS=1 pytest tests/reporters"

    return compare
