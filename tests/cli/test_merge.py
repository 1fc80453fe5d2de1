"""Reports of parts become the report of the whole, or the reason why they cannot."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.core.evidence import Suspects, SuspectSample, Trigger
from gate.core.report import ArtifactReport, PolicyStamp

Told = tuple[int, str, str]
Run = Callable[..., Told]
Save = Callable[..., str]


def of(shard: str, selection: str = "0123456789ab") -> tuple[str, ...]:
    told = f"This is shard {shard[0]} of {shard[2]} of the selection {selection}; merge the reports of all shards."
    return (told,)


def test_the_worst_part_decides(
    told: Run, save: Save, passing: ArtifactReport, failing: ArtifactReport
) -> None:
    code, out, err = told("merge", save("1.json", passing), save("2.json", failing))

    assert (1, "") == (code, err)
    assert "1 failed · 1 passed" in out


def test_the_merged_report_is_sorted_and_no_shard(
    told: Run, save: Save, tmp_path: Path, passing: ArtifactReport, failing: ArtifactReport
) -> None:
    shards = save("1.json", passing, notices=of("1/2")), save("2.json", failing, notices=of("2/2"))

    code, _, _ = told("merge", *shards, "--output", "json=merged.json")

    merged = json.loads((tmp_path / "merged.json").read_text())
    assert (1, []) == (code, merged["notices"])
    assert ["bad.keras", "good.keras"] == [entry["path"] for entry in merged["artifacts"]]


def test_shards_of_different_selections_do_not_add_up(
    told: Run, save: Save, passing: ArtifactReport, failing: ArtifactReport
) -> None:
    """The base moved between two jobs, or one runner lacks a listing: each counts other models, and some are in no shard."""
    shards = (
        save("1.json", passing, notices=of("1/2")),
        save("2.json", failing, notices=of("2/2", "ba9876543210")),
    )

    code, _, err = told("merge", *shards)

    assert 2 == code
    assert "shards of different selections; models may be missing" in err


def test_different_sandboxes_are_all_told(
    told: Run, save: Save, tmp_path: Path, passing: ArtifactReport, failing: ArtifactReport
) -> None:
    parts = (
        save("1.json", passing, sandbox="landlock 7, seccomp"),
        save("2.json", failing, sandbox="landlock 7, seccomp / none: because"),
        save("3.json"),
    )

    told("merge", *parts, "--output", "json=merged.json")

    assert (
        "landlock 7, seccomp / none: because" == json.loads((tmp_path / "merged.json").read_text())["sandbox"]
    )


def test_a_shard_without_a_report_is_not_taken_for_a_pass(
    told: Run, save: Save, passing: ArtifactReport
) -> None:
    code, out, err = told(
        "merge", save("1.json", passing, notices=of("1/3")), save("3.json", notices=of("3/3"))
    )

    assert (3, "") == (code, out)
    assert "The report of shard 2 of 3 is missing; its models were not judged." in err


def test_shards_of_different_sizes_do_not_add_up(told: Run, save: Save, passing: ArtifactReport) -> None:
    code, _, err = told(
        "merge", save("1.json", passing, notices=of("1/2")), save("2.json", notices=of("2/3"))
    )

    assert 2 == code
    assert "shards of different sizes" in err


def test_empty_parts_make_an_empty_whole_that_says_so(told: Run, save: Save) -> None:
    empty = "0 models to scan: nothing was selected, so nothing can fail."

    code, out, _ = told("merge", save("1.json", notices=(empty,)), save("2.json", notices=(empty,)))

    assert 0 == code
    assert empty in out


def test_an_empty_part_says_nothing_of_the_whole(told: Run, save: Save, passing: ArtifactReport) -> None:
    empty = "0 models to scan: nothing was selected, so nothing can fail."

    code, out, _ = told("merge", save("1.json", notices=(empty,)), save("2.json", passing))

    assert 0 == code
    assert empty not in out


@pytest.mark.parametrize(
    "change",
    [{"version": "2.0.0"}, {"profile": "full"}, {"seed": 1}, {"policy": PolicyStamp(sha256="0" * 64, source="x")}, {"waivers": PolicyStamp(sha256="0" * 64, source="x")}],
)  # fmt: skip
def test_reports_under_other_terms_are_refused(
    told: Run, save: Save, passing: ArtifactReport, change: dict[str, object]
) -> None:
    code, _, err = told("merge", save("1.json", passing), save("2.json", **change))

    assert 2 == code
    assert "differ in version, policy, waivers, profile or seed" in err


def test_the_same_model_may_be_in_two_reports_that_agree(
    told: Run, save: Save, failing: ArtifactReport
) -> None:
    slower = dataclasses.replace(failing, seconds=99.0)

    code, out, _ = told("merge", save("1.json", failing), save("2.json", slower))

    assert 1 == code
    assert "models  1 failed" in out


def test_two_reports_that_disagree_are_refused(told: Run, save: Save, failing: ArtifactReport) -> None:
    other = dataclasses.replace(failing, score=0.5)

    code, _, err = told("merge", save("1.json", failing), save("2.json", other))

    assert 2 == code
    assert "bad.keras: two reports disagree about it." in err


def test_pictures_are_written_again_where_the_merged_report_is(
    told: Run, save: Save, tmp_path: Path, failing: ArtifactReport
) -> None:
    evidence, *others = failing.evidence
    assert isinstance(evidence.trigger, Trigger)
    trigger = dataclasses.replace(evidence.trigger, files=("elsewhere/mask.png",))
    suspect = SuspectSample(index=0, file="", label=3, score=1.0)
    suspects = Suspects(count=1, samples=(suspect,), files=("elsewhere/suspects.csv",))
    changed = dataclasses.replace(evidence, trigger=trigger, suspects=suspects)
    elsewhere = dataclasses.replace(failing, evidence=(changed, *others))
    here = dataclasses.replace(
        elsewhere, evidence=(dataclasses.replace(evidence, suspects=suspects), *others)
    )

    told("merge", save("1.json", elsewhere), save("2.json", here), "--output", "json=out/merged.json")

    merged = json.loads((tmp_path / "out" / "merged.json").read_text())
    found = merged["artifacts"][0]["evidence"][0]
    files = found["trigger"]["files"] + found["suspects"]["files"]
    assert 3 == len(files)
    assert all((tmp_path / file).is_file() for file in files)


@pytest.mark.parametrize("content", ["", "{}", "[]", "\udcff", '{"schema_version": "1.0"}'])
def test_what_is_no_report_is_refused_by_name(told: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.json").write_bytes(content.encode("utf-8", "surrogateescape"))

    code, _, err = told("merge", "bad.json")

    assert 2 == code
    assert "backdoor-gate: bad.json: " in err


def test_the_whole_is_told_in_every_format_for_people_and_forges(
    told: Run, save: Save, tmp_path: Path, passing: ArtifactReport, failing: ArtifactReport
) -> None:
    parts = save("1.json", passing), save("2.json", failing)

    code, _, _ = told("merge", *parts, "--output", "html=all.html", "--output", "gitlab=all.json")

    assert 1 == code
    page = (tmp_path / "all.html").read_text()
    assert page.index("bad.keras") < page.index("good.keras")
    assert ["bad.keras"] == [
        issue["location"]["path"] for issue in json.loads((tmp_path / "all.json").read_text())
    ]
