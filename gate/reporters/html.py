"""The report as one HTML file for people: no script, no request, nothing to install."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from gate.core.report import ArtifactReport, ScanReport
from gate.core.reproduce import command
from gate.core.rule import Rule
from gate.core.scale import LIMIT
from gate.reporters.parts.html_view import Facts, ModelView, RuleLink, model_view
from gate.reporters.parts.look import Look
from gate.reporters.parts.words import meaning, ranked, safe, stops_run, tally

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_TEMPLATES = Path(__file__).parent / "templates"
# So many models are shown in full at first; a reader of two hundred wants the table.
_MOST_OPEN = 10
_MOST_PICTURED = 20  # models beyond which those that pass are not pictured
_FEW = 6  # models that need no filter
_LONGEST_COMMAND = 40  # models in one command


@dataclass(frozen=True, slots=True, kw_only=True)
class _RulePage:
    """A rule that this report names; `page` is HTML of our own."""

    link: RuleLink
    summary: str
    page: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """All that the template shows, but for the style."""

    verdict: str
    tally: tuple[str, ...]
    meaning: str
    exit_code: int
    version: str
    facts: Facts
    notices: tuple[str, ...]
    filters: tuple[str, ...]
    limit: str
    models: tuple[ModelView, ...]
    rules: tuple[_RulePage, ...]
    command: str


def render(report: ScanReport, rules: Sequence[Rule], **_look: Unpack[Look]) -> str:
    """Return the report as one page that loads nothing from anywhere."""
    from markupsafe import Markup

    style = (_TEMPLATES / "report.css").read_text("utf-8")
    page = _environment().get_template("report.html.jinja")
    text = page.render(
        page=_page(report, rules),
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
    )
    return f"{text.rstrip()}\n"


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["with_code"] = _with_code
    return environment


def _with_code(text: str) -> Markup:
    """Return text as HTML, with what stands in backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def _page(report: ScanReport, rules: Sequence[Rule]) -> _Page:
    entries = ranked(report)
    met = _met(entries, rules)
    links = {
        rule.id: RuleLink(id=rule.id, name=rule.name, anchor=f"rule-{place}")
        for place, rule in enumerate(met, start=1)
    }
    verdicts = tuple(dict.fromkeys(entry.verdict.value for entry in entries))
    return _Page(
        verdict=report.verdict.value if entries else "nothing to scan",
        tally=tally(report),
        meaning=meaning(report),
        exit_code=int(report.exit_code),
        version=safe(report.version),
        facts=_facts(report),
        notices=tuple(safe(notice) for notice in report.notices),
        filters=verdicts if len(verdicts) > 1 and len(entries) > _FEW else (),
        limit=f"{LIMIT:.1f}",
        models=tuple(
            model_view(
                entry,
                report,
                place,
                links,
                is_open=place <= _MOST_OPEN and _is_news(entry),
                is_pictured=len(entries) <= _MOST_PICTURED or _is_news(entry),
            )
            for place, entry in enumerate(entries, start=1)
        ),
        rules=tuple(_RulePage(link=links[rule.id], summary=rule.summary, page=_html(rule)) for rule in met),
        command=safe(command(report, entries), 16384) if 0 < len(entries) <= _LONGEST_COMMAND else "",
    )


def _is_news(entry: ArtifactReport) -> bool:
    return stops_run(entry) or bool(entry.findings)


def _met(entries: Sequence[ArtifactReport], rules: Sequence[Rule]) -> list[Rule]:
    named = {finding.rule for entry in entries for finding in entry.findings}
    named |= {gap.rule for entry in entries for gap in entry.not_checked}
    return [rule for rule in rules if rule.id in named]


def _facts(report: ScanReport) -> Facts:
    return (
        ("Policy", safe(report.policy.source)),
        ("Policy SHA-256", safe(report.policy.sha256)),
        *(
            (name.capitalize(), f"{safe(stamp.source)}, sha256 {safe(stamp.sha256[:12])}")
            for name, stamp in report.exceptions
        ),
        ("Profile", f"{safe(report.profile)}, seed {report.seed}"),
        ("Sandbox", safe(report.sandbox) or "no scanning process was started"),
        ("Version", f"backdoor-gate {safe(report.version)}"),
    )


def _html(rule: Rule) -> Markup:
    """Return a rule's page; its headings go below those of the report."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    writer = MarkdownIt("commonmark", {"html": False})
    tokens = writer.parse(rule.page)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = "h4"
    return Markup(writer.renderer.render(tokens, writer.options, {}))  # noqa: S704 - escaped by the writer
