"""Files that stand beside a report."""

from __future__ import annotations

import csv
import dataclasses
import io
from pathlib import Path

import pytest

from gate.cli.report_files import with_files
from gate.core.evidence import Suspects, SuspectSample
from gate.core.report import ArtifactReport


def sample(file: str, score: float = 1.0) -> SuspectSample:
    return SuspectSample(index=7, file=file, label=3, score=score)


def accused(failing: ArtifactReport, suspects: Suspects) -> ArtifactReport:
    evidence = dataclasses.replace(failing.evidence[0], detector="spectral-signatures", trigger=None)
    return dataclasses.replace(failing, evidence=(dataclasses.replace(evidence, suspects=suspects),))


def written(entry: ArtifactReport) -> dict[str, bytes]:
    """Return what is written, by the name in the report."""
    files: dict[str, bytes] = {}

    def write(path: Path, content: bytes) -> str:
        files[path.as_posix()] = content
        return path.as_posix()

    shown = with_files(entry, Path("out"), write).evidence[0].suspects
    assert shown is not None
    assert list(shown.files) == list(files)
    return files


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def test_suspects_are_written_as_a_list_and_a_sheet(failing: ArtifactReport) -> None:
    samples = (sample("cat/1.png", 2.5), sample("", 1 / 3))

    files = written(accused(failing, Suspects(count=2, samples=samples, sheet_png=b"png")))

    stem = "out/backdoor-gate-suspects/abababababab-spectral-signatures"
    assert [f"{stem}.csv", f"{stem}.png"] == list(files)
    assert b"png" == files[f"{stem}.png"]
    assert [
        ["index", "file", "label", "score"],
        ["7", "cat/1.png", "3", "2.5"],
        ["7", "", "3", "0.333333"],
    ] == rows(files[f"{stem}.csv"])


def test_without_a_sheet_there_is_only_the_list(failing: ArtifactReport) -> None:
    assert 1 == len(written(accused(failing, Suspects(count=1, samples=(sample("a.png"),)))))


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=cmd|' /C calc'!A0.png", "./=cmd|' /C calc'!A0.png"),
        ("@SUM(A1).png", "./@SUM(A1).png"),
        ("a\n=1.png", "a\\n=1.png"),
        ("\x1b[2J\u202e.png", "\\x1b[2J\\u202e.png"),
        ("\udcff.png", "\\udcff.png"),
    ],
)
def test_names_of_files_stay_names(failing: ArtifactReport, name: str, cell: str) -> None:
    (content,) = written(accused(failing, Suspects(count=1, samples=(sample(name),)))).values()

    assert cell == rows(content)[1][1]
