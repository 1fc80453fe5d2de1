"""What every format must do with every report."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from gate import reporters
from gate.core.artifact import ModelFormat
from gate.core.errors import UsageError
from gate.core.report import ScanReport
from gate.core.rule import Rule

FORMATS = reporters.names()
Check = Callable[[str, str], None]


def test_formats_are_the_files_of_the_package() -> None:
    assert {"console", "github", "gitlab", "html", "json", "junit", "markdown", "sarif"} <= set(FORMATS)
    assert not any(name.startswith("_") for name in FORMATS)


def test_listing_the_formats_imports_none_of_them() -> None:
    code = (
        "import sys; from gate import reporters; reporters.names();"
        "sys.exit(any(m in sys.modules for m in ('rich', 'PIL', 'jsonschema', 'junit_xml', 'gate.reporters.sarif')))"
    )

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


@pytest.mark.parametrize(("name", "hint"), [("serif", "did you mean 'sarif'?"), ("_words", ""), ("", "")])
def test_unknown_format_names_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match="expected one of attestation, console") as caught:
        reporters.get(name)

    assert hint == caught.value.hint


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders_every_report(name: str, sample: ScanReport, rules: tuple[Rule, ...]) -> None:
    text = reporters.get(name).render(sample, rules)

    assert text.endswith("\n")
    assert text == reporters.get(name).render(sample, rules)
    text.encode("utf-8")  # a lone surrogate would break the file


@pytest.mark.parametrize("name", FORMATS)
def test_order_of_the_artifacts_does_not_matter(
    name: str, reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    report = reports["mixed"]
    reversed_report = replace(report, artifacts=report.artifacts[::-1])

    assert reporters.get(name).render(report, rules) == reporters.get(name).render(reversed_report, rules)


# Annotations and issues tell of problems only; a verification summary has no room for how.
@pytest.mark.parametrize("name", sorted({*FORMATS} - {"github", "gitlab", "attestation"}))
def test_how_the_scans_were_locked_in_is_told(
    name: str, reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    assert "landlock 7, seccomp" in reporters.get(name).render(reports["mixed"], rules)


@pytest.mark.parametrize("name", FORMATS)
def test_a_rule_that_nobody_knows_is_told_all_the_same(name: str, reports: dict[str, ScanReport]) -> None:
    assert "BD101" in reporters.get(name).render(reports["fail"], ())


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("poison", ["\x1b", "\x00", "\r", "\u202e", "\u2028", "\udcff", "##[error]"])
def test_hostile_characters_never_appear_raw(
    name: str, poison: str, reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    assert poison not in reporters.get(name).render(reports["hostile"], rules)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "github"])
@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_a_workflow_command(
    name: str, width: int, reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    lines = reporters.get(name).render(reports["hostile"], rules, width=width).splitlines()

    assert not [line for line in lines if line.lstrip().startswith("::")]


# A page is looked at by a browser instead (test_html_browser.py), and its pictures are compressed anew.
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "html"])
@pytest.mark.parametrize("kind", ["empty", "fail", "mixed", "hostile"])
def test_format_looks_as_committed(
    name: str,
    kind: str,
    reports: dict[str, ScanReport],
    rules: tuple[Rule, ...],
    matches_snapshot: Check,
) -> None:
    matches_snapshot(f"{kind}.{name}.txt", reporters.get(name).render(reports[kind], rules))


@pytest.mark.parametrize("kind", ModelFormat)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_renders_every_kind_of_file(
    name: str, kind: ModelFormat, reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    found = reports["mixed"]
    entries = tuple(
        replace(entry, artifact=replace(entry.artifact, format=kind)) for entry in found.artifacts
    )

    assert reporters.get(name).render(replace(found, artifacts=entries), rules)
