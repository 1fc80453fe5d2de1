"""From a selection to a report; static checks only, so that no test needs TensorFlow."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from gate.cache.verdicts import VerdictCache
from gate.cli.registry import known_detectors
from gate.core.content import Content
from gate.core.errors import IncompleteError
from gate.core.evidence import Evidence, Status
from gate.core.job import Job
from gate.core.report import ArtifactReport, ScanReport, Verdict
from gate.core.scan import Scan
from gate.discover import files
from gate.discover.git import changed
from gate.pipeline import Request, run, shard_of
from gate.policy.loader import builtin_directory, load
from gate.policy.model import Policy
from gate.policy.store import WorkingTree
from gate.policy.waivers.model import Exemptions, Known


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.plan: tuple[str, ...] = ()
        self.stages: list[tuple[str, str]] = []
        self.verdicts: list[str] = []

    def planned(self, paths: tuple[str, ...]) -> None:
        self.plan = paths

    def progress(self, path: str, stage: str, done: int, total: int, detail: str = "") -> None:
        self.stages.append((path, stage))

    def judged(self, report: ArtifactReport) -> None:
        self.verdicts.append(report.artifact.path)


@pytest.fixture
def policy(tmp_path: Path) -> Callable[[str], Policy]:
    def write(text: str) -> Policy:
        (tmp_path / "policy.yaml").write_text(f"version: 1\n{text}")
        return load("policy.yaml", known_detectors(), builtin_directory(), tmp_path)

    return write


@pytest.fixture
def request_for(tmp_path: Path, policy: Callable[[str], Policy]) -> Callable[..., Request]:
    """Return a request for empty models of these names."""

    def build(*names: str, text: str = "", **changes: object) -> Request:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        request = Request(
            selection=files.from_paths(names or (".",), tmp_path),
            policy=policy(text),
            root=tmp_path,
            store=WorkingTree(root=tmp_path),
            store_root=tmp_path,
            environ=os.environ,
            profile="quick",
            is_static=True,
        )
        return dataclasses.replace(request, **changes)  # type: ignore[arg-type]

    return build


def paths(report: ScanReport) -> list[str]:
    return [entry.artifact.path for entry in report.artifacts]


NAMES = ("a.h5", "b.h5", "c.h5", "d.h5", "e.h5")


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_model_is_planned_judged_and_reported_in_order(
    request_for: Callable[..., Request], jobs: int
) -> None:
    listener = Listener()

    report = run(request_for(*reversed(NAMES), jobs=jobs), listener)

    assert NAMES == listener.plan
    assert set(NAMES) == set(listener.verdicts)
    assert list(NAMES) == paths(report)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_shards_share_all_models_and_gaps_without_overlap(
    request_for: Callable[..., Request], tmp_path: Path, count: int
) -> None:
    listing = "\n".join([*NAMES, "gone.h5", "lost.h5"]).encode()
    request_for(*NAMES)
    selection = files.from_list(listing, tmp_path)

    reports = [
        run(request_for(*NAMES, selection=selection, shard=(i, count)), Listener())
        for i in range(1, count + 1)
    ]

    assert [*NAMES, "gone.h5", "lost.h5"] == sorted(path for report in reports for path in paths(report))
    told = [shard_of(report) for report in reports]
    assert [(i, count) for i in range(1, count + 1)] == [
        shard[:2] for shard in told if count > 1
    ] or count == 1
    assert 1 == len({selection for *_, selection in told})


def test_excluded_models_are_named_and_not_scanned(request_for: Callable[..., Request]) -> None:
    names = [f"old/{i}.h5" for i in range(7)]
    request = request_for("new.h5", *names, text="exclude: ['old/**']")

    report = run(request, Listener())

    assert ["new.h5"] == paths(report)
    assert (
        "The policy excludes 7 model(s), which were not scanned: "
        "old/0.h5, old/1.h5, old/2.h5, old/3.h5, old/4.h5, ...."
    ) in report.notices


def test_an_excluded_gap_is_no_gap(request_for: Callable[..., Request], tmp_path: Path) -> None:
    selection = files.from_list(b"old/gone.h5\n", tmp_path)

    report = run(request_for("x.h5", text="exclude: ['old/**']", selection=selection), Listener())

    assert [] == paths(report)
    assert 0 == report.exit_code
    assert "The policy excludes 1 model(s), which were not scanned: old/gone.h5." in report.notices


def test_no_model_is_a_pass_with_a_line(request_for: Callable[..., Request]) -> None:
    report = run(request_for(), Listener())

    assert (0, []) == (report.exit_code, paths(report))
    assert "0 models to scan: nothing was selected, so nothing can fail." in report.notices


def test_static_checks_ask_no_detector_and_tell_of_their_progress(
    request_for: Callable[..., Request], examples: Path
) -> None:
    listener = Listener()
    model = str(examples / "models" / "clean.keras")

    report = run(request_for(selection=files.from_paths([model], examples)), listener)

    assert (Verdict.PASS, ()) == (report.artifacts[0].verdict, report.artifacts[0].evidence)
    assert [("models/clean.keras", "reading the file")] == listener.stages


def test_a_path_is_judged_by_its_own_limits(request_for: Callable[..., Request], examples: Path) -> None:
    content = (examples / "models" / "clean.keras").read_bytes()
    strict = "paths:\n- match: 'b.keras'\n  reason: test\n  limits: {model_mb: 1}\n"
    request = request_for("a.keras", "b.keras", text=strict)
    for name in ("a.keras", "b.keras"):
        (request.root / name).write_bytes(content.ljust(2 << 20, b"\0"))

    report = run(request, Listener())

    said = [str(entry.not_checked) for entry in report.artifacts]
    assert ["expected at most" in text for text in said] == [False, True]


def test_a_listener_that_fails_stops_the_run(request_for: Callable[..., Request]) -> None:
    class Broken(Listener):
        def judged(self, report: ArtifactReport) -> None:
            raise IncompleteError("BD004", "stop")

    with pytest.raises(IncompleteError, match="stop"):
        run(request_for(*NAMES), Broken())


def test_a_whole_run_is_shard_one_of_one(request_for: Callable[..., Request]) -> None:
    assert (1, 1, "") == shard_of(run(request_for("a.h5"), Listener()))


def test_an_unchanged_model_starts_no_child(
    request_for: Callable[..., Request], tmp_path: Path, examples: Path
) -> None:
    selection = files.from_paths([str(examples / "models")], examples)
    listeners = [Listener(), Listener()]

    first, second = (
        run(request_for(selection=selection, cache=VerdictCache(tmp_path / "cache", b"secret")), listener)
        for listener in listeners
    )

    assert len(first.artifacts) == len(listeners[0].stages)
    assert [] == listeners[1].stages
    assert all(entry.is_cached and entry.content_sha256 for entry in second.artifacts)
    assert first == dataclasses.replace(
        second, artifacts=tuple(dataclasses.replace(entry, is_cached=False) for entry in second.artifacts)
    )


class Measured(VerdictCache):
    """A cache that has the scan of whatever it is asked for: a backdoor, in a network with a digest."""

    def find(self, job: Job) -> Scan | None:
        evidence = (
            Evidence(detector=call.detector, rule="BD101", status=Status.MEASURED, anomaly_index=4.0)
            for call in job.detectors
        )
        content = Content(sha256="ab" * 32, architecture_sha256="cd" * 32, layers=())
        self.keep(job, Scan(artifact=job.artifact, evidence=tuple(evidence), score=0.1, content=content))
        return super().find(job)


@pytest.mark.parametrize(("digest", "verdict"), [("ab" * 32, Verdict.WAIVED), ("0" * 64, Verdict.FAIL)])
def test_an_exception_may_be_bound_to_the_network(
    request_for: Callable[..., Request], tmp_path: Path, examples: Path, digest: str, verdict: Verdict
) -> None:
    model = str(examples / "models" / "clean.keras")
    known = Known(rule="BD101", path="models/clean.keras", digest=f"content:{digest}", source="b.json:1")
    request = request_for(
        selection=files.from_paths([model], examples),
        is_static=False,
        cache=Measured(tmp_path / "cache", b"secret"),
        exemptions=Exemptions(today=date(2026, 11, 21), baseline=(known,)),
    )

    assert [verdict] == [entry.verdict for entry in run(request, Listener()).artifacts]


def test_a_scan_that_is_incomplete_is_done_again(request_for: Callable[..., Request], tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    cache = VerdictCache(tmp_path / "cache", b"secret")
    request = request_for(selection=files.from_paths(["m.h5"], tmp_path), cache=cache)

    found = [run(request, Listener()).artifacts[0] for _ in range(2)]

    assert [(Verdict.INCOMPLETE, False)] * 2 == [(entry.verdict, entry.is_cached) for entry in found]


def test_the_base_is_compared_by_its_content(
    request_for: Callable[..., Request], tmp_path: Path, examples: Path
) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=T", "-c", "user.email=t@example.org")
        command = ("git", *who, *arguments)
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    git("init", "-q")
    model = tmp_path / "m.keras"
    model.write_bytes((examples / "models" / "clean.keras").read_bytes())
    git("add", "m.keras")
    git("commit", "-q", "-m", "clean")
    model.write_bytes((examples / "models" / "backdoored-patch.keras").read_bytes())

    selection = changed("HEAD", tmp_path, os.environ)
    (entry,) = run(request_for(selection=selection), Listener()).artifacts

    assert entry.difference
    assert not entry.difference.is_architecture_changed
    assert entry.difference.changed_layers
    assert not entry.difference.added_layers
