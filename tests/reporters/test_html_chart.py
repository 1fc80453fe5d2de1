"""Charts stay within their frame whatever was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.core.evidence import Evidence, Measurement, Status
from gate.reporters.parts.html_chart import HEIGHT, Chart, chart, meter


def drawn(norms: dict[int, float], targets: tuple[int, ...] = ()) -> Chart | None:
    return chart(
        Evidence(
            detector="neural-cleanse",
            rule="BD101",
            status=Status.MEASURED,
            anomaly_index=1.0,
            target_labels=targets,
            measurements=tuple(
                Measurement(name="trigger_norm", value=norm, unit="px", label=label)
                for label, norm in norms.items()
            ),
        )
    )


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.dictionaries(st.integers(0, 2000), finite, min_size=1, max_size=200), st.lists(st.integers(0, 2000))
)
def test_every_bar_and_line_lies_within_the_frame(norms: dict[int, float], targets: list[int]) -> None:
    shown = drawn(norms, tuple(targets))

    assert shown is not None
    assert min(len(norms), 120) == len(shown.bars)
    for bar in shown.bars:
        assert 0 <= float(bar.left) < float(bar.left) + float(bar.width) <= 100.001
        assert HEIGHT == pytest.approx(float(bar.top) + float(bar.height), abs=0.11)
        assert 0 <= float(bar.top) < HEIGHT
    assert all(0 <= float(tick.top) <= HEIGHT for tick in (*shown.ticks, shown.median))
    assert 2 <= len(shown.ticks) <= 5


@given(st.integers(1, 120), st.sets(st.integers(0, 119), max_size=3))
def test_names_do_not_crowd_but_every_target_has_its_own(count: int, targets: set[int]) -> None:
    shown = drawn(dict.fromkeys(range(count), 10.0), tuple(targets))

    assert shown is not None
    assert {label for label in targets if label < count} == {bar.label for bar in shown.bars if bar.is_target}
    assert all(bar.is_named for bar in shown.bars if bar.is_target)
    assert 12 + 3 >= sum(bar.is_named for bar in shown.bars)


def test_of_very_many_classes_the_smallest_are_drawn_and_that_is_said() -> None:
    shown = drawn({label: float(label) for label in range(300)}, (0,))

    assert shown is not None
    assert list(range(120)) == [bar.label for bar in shown.bars]
    assert shown.summary.startswith(
        "300 classes, of which the 120 smallest are drawn. The smallest trigger, 0.0 px,"
    )


def test_a_detector_without_norms_has_no_chart() -> None:
    assert drawn({}) is None


@pytest.mark.parametrize(
    ("index", "filled", "is_high"),
    [(-3.0, "0.0", False), (2.0, "50.0", False), (2.1, "52.5", True), (1e9, "100.0", True)],
)
def test_the_limit_is_the_middle_of_the_meter(index: float, filled: str, is_high: bool) -> None:
    shown = meter(index)

    assert shown is not None
    assert (filled, is_high) == (shown.filled, shown.is_high)


def test_no_index_no_meter() -> None:
    assert meter(None) is None
