"""A layer's name is a stranger's text: from the file to every report, it stays a name."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import parts

Cli = Callable[..., Any]
FORMATS = ("console", "github", "json", "junit", "markdown", "sarif")
NAMES = {
    "workflow command": "\n::error file=a.py,line=1::pwned\n::add-mask::x\n##[error]pwned",
    "terminal": "\x1b]0;pwned\x07\x1b[31mred\x1b[2J\x9b31m\r",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;",
    "end of CDATA": "]]><failure/><!-- -->",
    "table": "| a | b |\n|---|---|\n`code` [x](http://evil.example) @octocat #1",
    "direction": "\u202egnp.exe\u202c\u2066x\u2069\u200b\ufeff",
    "zero": "a\0b",
    "lone surrogate": "\ud800x",
    "line separators": "a\u2028::error::b\u2029c\x85d",
    "rich markup": "[bold red]x[/] [link=file:///etc/passwd]y[/link]",
    "very long": "A" * 100_000,
}
RAW = (
    "\x1b",
    "\0",
    "\x07",
    "\x9b",
    "\x85",
    "\r",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\u2029",
    "##[",
)


def reports(cli: Cli, folder: Path, content: bytes) -> dict[str, str]:
    """Scan a file with this content and return every report that the command writes, and what it prints."""
    folder.mkdir()
    (folder / "model.h5").write_bytes(content)
    outputs = [option for name in FORMATS for option in ("--output", f"{name}=report.{name}")]
    outcome = cli("check", "model.h5", "--static", *outputs, cwd=folder)
    assert (1, "") == (outcome.code, outcome.err)
    # newline="": a lone carriage return must not be translated away before it is looked for.
    texts = {name: (folder / f"report.{name}").read_bytes().decode("utf-8") for name in FORMATS}
    return texts | {"printed": outcome.out}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_hostile_layer_name_is_harmless_in_every_report(cli: Cli, tmp_path: Path, name: str) -> None:
    config = parts.honest(parts.layer("Lambda", name=name), parts.layer(f"Evil{name}", name=name))

    texts = reports(cli, tmp_path / "run", parts.h5(config))

    for kind, text in texts.items():
        assert "BD201" in text
        assert [] == [raw for raw in RAW if raw in text], kind
        assert len(text) < 200_000
        if kind != "github":
            assert [] == [line for line in text.splitlines() if line.lstrip().startswith("::")], kind
    well_formed(texts)


def well_formed(texts: dict[str, str]) -> None:
    """Check that the structure of every report is the gate's own."""
    assert 1 == len(json.loads(texts["json"])["artifacts"])
    (run,) = json.loads(texts["sarif"])["runs"]
    assert {"BD201", "BD202"} == {result["ruleId"] for result in run["results"]}
    root = ET.fromstring(texts["junit"])
    assert {"testsuites", "testsuite", "testcase", "failure", "properties", "property", "system-out"} >= {
        element.tag for element in root.iter()
    }
    commands = [line for line in texts["github"].splitlines() if line.startswith("::")]
    assert commands
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in commands)
    assert all("BD20" in line for line in commands)
    assert "<img" not in texts["markdown"]
    assert "<script" not in texts["markdown"]
    assert "](http" not in texts["markdown"]
