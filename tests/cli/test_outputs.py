"""Reports are written whole or not at all, and pictures of triggers lie beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.cli.outputs import Target, parse_targets, write
from gate.cli.registry import all_rules
from gate.core.errors import UsageError
from gate.core.report import ArtifactReport, ScanReport

Make = Callable[..., ScanReport]


def written(report: ScanReport, *targets: Target, quiet: bool = False) -> None:
    write(report, targets, all_rules(), verbose=False, quiet=quiet)


def test_the_console_is_there_unless_another_format_takes_its_place() -> None:
    assert (Target("console", None), Target("json", Path("a"))) == parse_targets(["json=a"])
    assert (Target("json", None),) == parse_targets(["json=-"])
    assert (Target("sarif", None),) == parse_targets(["sarif"])


def test_a_report_lands_in_a_folder_that_is_not_there_yet(
    tmp_path: Path, report_of: Make, passing: ArtifactReport
) -> None:
    written(report_of(passing), Target("json", tmp_path / "a" / "b" / "report.json"))

    assert "pass" == json.loads((tmp_path / "a" / "b" / "report.json").read_text())["verdict"]


def test_an_old_report_survives_a_write_that_fails(
    tmp_path: Path, report_of: Make, passing: ArtifactReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "report.json"
    old.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        written(report_of(passing), Target("json", old))

    assert "old" == old.read_text()
    assert ["report.json"] == [file.name for file in tmp_path.iterdir()]


def test_a_report_is_readable_by_others_whatever_the_umask(
    tmp_path: Path, report_of: Make, passing: ArtifactReport
) -> None:
    written(report_of(passing), Target("json", tmp_path / "report.json"))

    assert 0o644 == (tmp_path / "report.json").stat().st_mode & 0o777


def test_a_link_in_the_checkout_is_replaced_and_not_followed(
    tmp_path: Path, report_of: Make, passing: ArtifactReport
) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "report.json").symlink_to("precious")

    written(report_of(passing), Target("json", tmp_path / "report.json"))

    assert "precious" == (tmp_path / "precious").read_text()
    assert not (tmp_path / "report.json").is_symlink()


def test_a_pipe_is_written_to_and_not_replaced(
    tmp_path: Path, report_of: Make, failing: ArtifactReport
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        written(report_of(failing), Target("json", pipe))
        assert reader.stdout is not None
        text = reader.stdout.read()

    assert "fail" == json.loads(text)["verdict"]
    assert pipe.is_fifo()
    assert ["pipe"] == [file.name for file in tmp_path.iterdir()]  # nor do pictures lie beside it


def test_devices_are_left_in_place(report_of: Make, failing: ArtifactReport) -> None:
    written(report_of(failing), Target("json", Path("/dev/null")))

    assert Path("/dev/null").is_char_device()


def test_triggers_of_failing_models_are_written_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report_of: Make, failing: ArtifactReport, passing: ArtifactReport
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)

    written(report_of(failing, passing), Target("json", Path("out/report.json")))

    document = json.loads((tmp_path / "out" / "report.json").read_text())
    triggers = {e["path"]: e["evidence"][0]["trigger"]["files"] for e in document["artifacts"]}
    stem = "out/backdoor-gate-triggers/abababababab-neural-cleanse-class-3"
    assert {"bad.keras": [f"{stem}-mask.png", f"{stem}-pattern.png"], "good.keras": []} == triggers
    assert all((tmp_path / file).is_file() for file in triggers["bad.keras"])


def test_no_folder_is_made_for_a_run_that_passes(
    tmp_path: Path, report_of: Make, passing: ArtifactReport
) -> None:
    written(report_of(passing), Target("json", tmp_path / "report.json"))

    assert ["report.json"] == [file.name for file in tmp_path.iterdir()]


def test_quiet_silences_only_the_console_and_only_a_pass(
    capsys: pytest.CaptureFixture[str], report_of: Make, passing: ArtifactReport, failing: ArtifactReport
) -> None:
    written(report_of(passing), Target("console", None), quiet=True)
    assert "" == capsys.readouterr().out

    written(report_of(passing), Target("json", None), quiet=True)
    assert capsys.readouterr().out

    written(report_of(failing), Target("console", None), quiet=True)
    assert "bad.keras" in capsys.readouterr().out


PRINT = """
import sys
from gate.cli.outputs import Target, write
from gate.reporters.json import parse
write(parse(sys.stdin.read()), (Target(sys.argv[1], None),), (), verbose=False, quiet=False)
print(7 * 6, file=sys.stderr)
"""


def test_a_reader_that_has_seen_enough_does_not_change_the_verdict(
    tmp_path: Path, save: Callable[..., str], failing: ArtifactReport
) -> None:
    report = (tmp_path / save("report.json", failing)).read_bytes()
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-c", PRINT, "json"],
        input=report,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )

    os.close(writer)
    assert (0, b"42\n") == (done.returncode, done.stderr)


def test_a_narrow_encoding_spells_out_what_it_lacks(
    tmp_path: Path, save: Callable[..., str], failing: ArtifactReport
) -> None:
    report = (tmp_path / save("report.json", failing)).read_bytes()
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}

    done = subprocess.run(
        [sys.executable, "-c", PRINT, "markdown"], input=report, env=environ, capture_output=True, check=False
    )

    assert (0, b"42\n") == (done.returncode, done.stderr)
    assert done.stdout.isascii()
    assert b"bad.keras" in done.stdout
