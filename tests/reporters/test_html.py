"""The HTML report loads nothing, runs nothing, says everything, and stays usable with many models."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from gate.cli.registry import all_rules
from gate.core.evidence import Measurement, Trigger
from gate.core.report import ArtifactReport, ScanReport
from gate.core.rule import Rule
from gate.reporters import html
from gate.reporters.parts.html_pictures import pictures

_VOID = {"meta", "link", "img", "input"}
_LOADING = ("src", "srcset", "href", "xlink:href", "data", "poster", "action", "style")


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, *names: str) -> list[str]:
        return [value for _, name, value in self.attributes if name in names]


@pytest.fixture
def page(rules: tuple[Rule, ...]) -> Callable[[ScanReport], Page]:
    return lambda report: Page(html.render(report, rules))


def test_every_tag_is_closed_and_every_link_leads_somewhere(
    sample: ScanReport, page: Callable[[ScanReport], Page]
) -> None:
    shown = page(sample)
    ids = Counter(shown.values("id"))
    named = [name for value in shown.values("aria-labelledby") for name in value.split()]
    inner = [value[1:] for value in shown.values("href") if value.startswith("#")]

    assert [] == shown.open
    assert {1} == set(ids.values())
    assert {*named, *inner} <= set(ids)


def test_nothing_is_loaded_and_nothing_runs(sample: ScanReport, page: Callable[[ScanReport], Page]) -> None:
    shown = page(sample)

    assert not {"script", "iframe", "object", "embed", "form", "base", "video", "audio"} & set(shown.tags)
    assert not [name for _, name, _ in shown.attributes if name.startswith("on")]
    assert not [value for value in shown.values(*_LOADING) if not value.startswith(("data:", "#"))]


def test_the_browser_is_told_to_allow_this_style_and_nothing_else(
    reports: dict[str, ScanReport], rules: tuple[Rule, ...]
) -> None:
    text = html.render(reports["hostile"], rules)
    style = re.findall(r"<style>(.*?)</style>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()

    assert 1 == len(style)
    assert f"default-src 'none'; img-src data:; style-src 'sha256-{digest}';" in text
    assert not re.findall(r"url\(|@import", style[0])


def test_hostile_text_is_text(reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]) -> None:
    shown = page(reports["hostile"])

    assert "<script>alert(1)</script>" in shown.text
    assert "'quote\" end" in shown.text


def test_the_page_says_what_was_found_and_what_to_do(
    reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]
) -> None:
    text = " ".join(page(reports["mixed"]).text.split())

    for told in (
        "2 failed, 1 incomplete, 1 incomplete but tolerated, 1 waived, 2 passed",
        "A finding fails the policy. Exit code 1.",
        "A trigger of 148.0 px sends 99.7 % of images to class 33.",
        "Do not ship this model. Try backdoor-gate repair, or train it again",
        "makes it class 33 in 99.7 % of the cases",
        "24 classes. The smallest trigger, 148.0 px, is that of class 33; the median is",
        "models/big.h5 is a Git LFS pointer",
        "it needs the training images",
        "landlock 7, seccomp",
        "3f2a1b9c" * 8,
        "backdoor-gate check --policy policy.yaml --profile quick --seed 7 -- models/traffic_signs.h5",
        "A few pixels send almost every image to one class.",
    ):
        assert told in text


def test_what_was_measured_of_one_class_only_is_among_the_numbers(
    reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]
) -> None:
    once = Measurement(name="place_lead", value=3.25, label=7)
    often = [Measurement(name="class_index", value=0.5, label=label) for label in range(3)]

    def told(*measurements: Measurement) -> str:
        first, *others = reports["fail"].artifacts
        evidence = replace(first.evidence[0], measurements=measurements)
        entry = replace(first, evidence=(evidence, *first.evidence[1:]))
        return " ".join(page(replace(reports["fail"], artifacts=(entry, *others))).text.split())

    assert "place lead, class 7" in told(once, *often)
    assert "class index" not in told(once, *often)


def test_a_rule_is_explained_once_however_many_models_it_met(
    reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]
) -> None:
    assert 1 == page(reports["mixed"]).text.count("Wang 2019.")


def test_every_rule_of_the_gate_has_a_page_in_html(
    run: Callable[..., ScanReport], reports: dict[str, ScanReport]
) -> None:
    finding = reports["fail"].artifacts[0].findings[0]
    known = all_rules()
    entry = replace(
        reports["fail"].artifacts[0], findings=tuple(replace(finding, rule=rule.id) for rule in known)
    )

    shown = Page(html.render(run(entry), known))

    assert {f"rule-{place}" for place in range(1, len(known) + 1)} <= set(shown.values("id"))
    assert "##" not in shown.text


def test_an_empty_run_says_that_nothing_could_fail(
    reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]
) -> None:
    assert "There was no model to scan, so nothing could fail." in page(reports["empty"]).text


def many(entries: tuple[ArtifactReport, ...], count: int) -> list[ArtifactReport]:
    return [
        replace(entry, artifact=replace(entry.artifact, path=f"models/{place:03}.h5"))
        for place, entry in enumerate(entries[place % len(entries)] for place in range(count))
    ]


def test_two_hundred_models_are_a_table_and_a_few_open_pages(
    run: Callable[..., ScanReport], reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]
) -> None:
    entries = many((reports["fail"].artifacts[0], *[reports["pass"].artifacts[0]] * 9), 200)

    text = page(run(*entries))

    assert 10 == sum(1 for tag, name, _ in text.attributes if (tag, name) == ("details", "open"))
    assert {"show-all", "show-fail", "show-pass"} <= set(text.values("id"))
    assert 200 == sum(value.startswith("#model-") for value in text.values("href"))


def test_models_that_pass_are_pictured_only_in_small_reports(
    run: Callable[..., ScanReport], reports: dict[str, ScanReport], page: Callable[[ScanReport], Page]
) -> None:
    waived = reports["waived"].artifacts[0]
    clean = replace(reports["pass"].artifacts[0], evidence=waived.evidence)

    assert "Every network has one; this one is not small enough to blame." in page(run(clean)).text
    assert 0 == page(run(*many((clean,), 21))).tags["img"]


def decoded(address: str) -> np.ndarray:
    raw = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(raw), formats=("PNG",)))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def trigger(mask: bytes, pattern: bytes = b"") -> Trigger:
    return Trigger(target_label=0, l1_norm=1, attack_success_rate=1, mask_png=mask, pattern_png=pattern)


def test_a_small_trigger_is_enlarged_with_its_neighbourhood() -> None:
    mask = np.zeros((20, 24), np.uint8)
    mask[17:20, 21:24] = 255

    drawn = pictures(trigger(png(mask), png(np.full((20, 24, 3), 9, np.uint8))))

    assert drawn is not None
    assert (20, 24, 4) == decoded(drawn.stamp).shape
    assert (7, 7, 4) == decoded(drawn.close_up).shape  # 3 pixels and a margin of 2, moved into the picture
    assert 9 * 255 == decoded(drawn.close_up)[..., 3].sum()
    assert not drawn.is_strengthened


@pytest.mark.parametrize("strength", [0, 20])
def test_a_trigger_all_over_the_picture_or_of_nothing_needs_no_close_up(strength: int) -> None:
    drawn = pictures(trigger(png(np.full((8, 8), strength, np.uint8))))

    assert drawn is not None
    assert ("", "") == (drawn.close_up, drawn.pattern)


def test_a_faint_trigger_is_drawn_stronger_and_that_is_said() -> None:
    drawn = pictures(trigger(png(np.full((8, 8), 64, np.uint8))))

    assert drawn is not None
    assert drawn.is_strengthened
    assert {255} == set(decoded(drawn.mask).ravel())


@pytest.mark.parametrize("mask", [b"", b"\x89PNG\r\n\x1a\n" + b"x" * 30])
def test_a_broken_picture_leaves_the_numbers(mask: bytes) -> None:
    assert pictures(trigger(mask)) is None


@pytest.mark.parametrize(
    ("examples", "is_shown"), [(png(np.zeros((6, 9, 3), np.uint8)), True), (b"x", False)]
)
def test_stamped_images_stand_below_the_trigger(
    reports: dict[str, ScanReport], rules: tuple[Rule, ...], examples: bytes, is_shown: bool
) -> None:
    (entry, *_) = reports["fail"].artifacts
    found = replace(trigger(png(np.full((8, 8), 255, np.uint8))), examples_png=examples)
    evidence = replace(entry.evidence[0], trigger=found)
    report = replace(reports["fail"], artifacts=(replace(entry, evidence=(evidence,)),))

    assert is_shown is ('<figure class="examples"><img src="data:image/png' in html.render(report, rules))
