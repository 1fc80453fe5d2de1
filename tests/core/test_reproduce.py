"""The command that repeats a scan survives a shell."""

from __future__ import annotations

import os
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.core.artifact import Artifact, ModelFormat
from gate.core.report import ArtifactReport, ModelFacts, PolicyStamp, ScanReport, Verdict
from gate.core.reproduce import command, quoted
from gate.core.text import printable


def model(path: str, source: str = "") -> ArtifactReport:
    facts = ModelFacts(
        input_shape=(8, 8, 1),
        num_classes=2,
        parameters=1,
        head="softmax",
        input_range=(-1.0, 1.0),
        input_range_source=source,
        images="",
    )
    artifact = Artifact(path=path, sha256="", size=1, format=ModelFormat.HDF5)
    return ArtifactReport(artifact=artifact, verdict=Verdict.PASS, model=facts if source else None)


def run(*entries: ArtifactReport, source: str = "built-in default", profile: str = "quick") -> ScanReport:
    stamp = PolicyStamp(sha256="", source=source)
    return ScanReport(version="1", policy=stamp, profile=profile, seed=7, artifacts=entries)


def test_policy_profile_seed_and_models_are_named() -> None:
    report = run(model("b c.h5"), model("-a.h5"))

    assert "backdoor-gate check --policy default --profile quick --seed 7 -- -a.h5 'b c.h5'" == command(
        report, report.artifacts
    )


def test_a_range_is_repeated_only_if_it_was_stated_on_the_command_line() -> None:
    stated, inferred = model("a.h5", "option"), model("b.h5", "inferred")
    report = run(stated, inferred, source="ci.yaml", profile="static")

    assert "backdoor-gate check --policy ci.yaml --static --seed 7 --input-range=-1,1 -- a.h5" == command(
        report, [stated]
    )
    assert "--input-range" not in command(report, [inferred])


words = st.one_of(
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1),
    st.binary(min_size=1).filter(lambda raw: b"\0" not in raw).map(os.fsdecode),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(words, min_size=8, max_size=8))
def test_a_shell_reads_the_very_bytes_of_a_path(hostile: list[str]) -> None:
    line = " ".join(quoted(word) for word in hostile)

    told = subprocess.run(["bash", "-c", f"printf '%s\\0' {line}"], capture_output=True, check=True).stdout

    assert [os.fsencode(word) for word in hostile] == told.split(b"\0")[:-1]
    assert line == printable(line, len(line))


def test_half_an_emoji_that_no_path_can_hold_does_not_stop_a_report() -> None:
    assert r"$'\xed\xa0\x80'" == quoted("\ud800")
