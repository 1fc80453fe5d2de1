"""Shared words: numbers as people read them, and hostile text made harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.report import ScanReport
from gate.reporters.parts import words


@given(st.text(alphabet=st.sampled_from(":#[a\n\x1b\u202e\ud800|é"), max_size=40))
def test_safe_text_is_one_harmless_line(text: str) -> None:
    shown = words.safe(text)

    assert not any(command in shown for command in ("::", "##[", "[[", "\n", "\x1b", "\u202e"))
    assert shown == words.safe(shown)
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_437_120, "2.4 MB"), (5 * 10**9, "5.0 GB")],
)
def test_sizes_have_units(count: int, said: str) -> None:
    assert said == words.size(count)


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, "100.0 %"), (0.9999, "99.9 %"), (0.5, "50.0 %"), (0.0, "0.0 %")]
)
def test_only_a_full_share_reads_as_a_hundred_per_cent(share: float, said: str) -> None:
    assert said == words.percent(share)


@pytest.mark.parametrize(("targets", "said"), [((), "-"), ((3,), "3"), ((1, 2, 3, 4, 5), "1, 2, 3 +2")])
def test_many_labels_are_counted(targets: tuple[int, ...], said: str) -> None:
    assert said == words.labels(targets)


def test_exit_code_is_put_into_words(reports: dict[str, ScanReport]) -> None:
    expected = {
        "empty": "there was no model to scan",
        "pass": "every model was scanned in full and passed",
        "fail": "a finding fails the policy",
        "incomplete": "a model could not be scanned in full, so it does not pass",
        "waived": "nothing fails the policy, which allows what is waived or incomplete",
    }

    assert expected == {name: words.meaning(reports[name]) for name in expected}


def test_models_to_act_on_come_first(reports: dict[str, ScanReport]) -> None:
    paths = [entry.artifact.path for entry in words.ranked(reports["mixed"])]

    assert [
        "models/traffic_signs.h5",
        "models/digits.keras",
        "models/big.h5",
        "models/tolerated.h5",
        "models/legacy/known bad #1.h5",
        "models/clean.keras",
        "z.keras",
    ] == paths
