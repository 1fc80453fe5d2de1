"""The command line within this process, and reports to feed it."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gate.cli.main import main
from gate.cli.registry import all_rules
from gate.core.artifact import Artifact, ModelFormat
from gate.core.evidence import Evidence, Status, Trigger
from gate.core.finding import Finding
from gate.core.report import ArtifactReport, PolicyStamp, ScanReport, Verdict
from gate.core.rule import Confidence, Severity
from gate.reporters import json as json_format

# The smallest PNG there is: one grey pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)

Told = tuple[int, str, str]


@pytest.fixture
def told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Told]]:
    """Run the command in a temporary folder; return exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["backdoor-gate", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The current folder as a repository; `write` and `commit` files, `git` does the rest."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("SOURCE_DATE_EPOCH", "CI"):
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")

    class Repo:
        @staticmethod
        def git(*arguments: str) -> str:
            command = ["git", *arguments]
            return subprocess.run(
                command, cwd=tmp_path, check=True, capture_output=True, text=True
            ).stdout.strip()

        @staticmethod
        def commit(**files: str) -> str:
            for name, text in files.items():
                place = tmp_path / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)
            Repo.git("add", "-A")
            Repo.git("commit", "-q", "--allow-empty", "-m", "x")
            return Repo.git("rev-parse", "HEAD")

    Repo.git("init", "-q", "-b", "main")
    return Repo


def finding() -> Finding:
    return Finding(
        rule="BD101",
        severity=Severity.CRITICAL,
        confidence=Confidence.HIGH,
        message="A trigger sends all images to class 3.",
        detector="neural-cleanse",
        subject="label:3",
    )


def entry(path: str, *, fails: bool = False) -> ArtifactReport:
    artifact = Artifact(path=path, sha256="ab" * 32, size=9, format=ModelFormat.KERAS_ZIP)
    evidence = Evidence(
        detector="neural-cleanse",
        rule="BD101",
        status=Status.MEASURED,
        anomaly_index=4.0 if fails else 0.5,
        target_labels=(3,),
        trigger=Trigger(
            target_label=3, l1_norm=1.0, attack_success_rate=1.0, mask_png=PIXEL, pattern_png=PIXEL
        ),
    )
    skipped = Evidence(
        detector="activation-clustering", rule="BD102", status=Status.SKIPPED, reason="Needs images."
    )
    return ArtifactReport(
        artifact=artifact,
        verdict=Verdict.FAIL if fails else Verdict.PASS,
        anomaly_index=evidence.anomaly_index,
        target_labels=(3,) if fails else (),
        seconds=1.5,
        evidence=(evidence, skipped),
        findings=(finding(),) if fails else (),
    )


def scan_report(*entries: ArtifactReport, notices: tuple[str, ...] = ()) -> ScanReport:
    return ScanReport(
        version="1.0.0",
        policy=PolicyStamp(sha256="cd" * 32, source="built-in default"),
        profile="quick",
        seed=0,
        artifacts=entries,
        notices=notices,
    )


@pytest.fixture
def passing() -> ArtifactReport:
    return entry("good.keras")


@pytest.fixture
def failing() -> ArtifactReport:
    return entry("bad.keras", fails=True)


@pytest.fixture
def report_of() -> Callable[..., ScanReport]:
    return scan_report


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., str]:
    """Write a report of some entries as JSON, with some of its fields changed; return the file's name."""

    def write(name: str, *entries: ArtifactReport, notices: tuple[str, ...] = (), **changes: object) -> str:
        report = dataclasses.replace(scan_report(*entries, notices=notices), **changes)  # type: ignore[arg-type]
        (tmp_path / name).write_text(json_format.render(report, all_rules()))
        return name

    return write
