"""The words in which a verdict is put."""

from __future__ import annotations

from gate.core.evidence import Evidence
from gate.policy.model import Statistic

_SHOWN_LABELS = 5
_ROWS, _COLUMNS = ("upper", "", "lower"), ("left", "", "right")
_NAMES = {Statistic.ANOMALY_INDEX: "anomaly index", Statistic.PAPER: "the paper's statistic"}


def accusation(evidence: Evidence, comparison: str) -> str:
    """Return what was found; the first sentence stands alone."""
    labels = evidence.target_labels
    if evidence.remark:
        what = evidence.remark
    elif evidence.trigger:
        trigger = evidence.trigger
        rate = f"{100 * trigger.attack_success_rate:.0f} %"
        what = f"A trigger of {trigger.l1_norm:.1f} px sends {rate} of images to {trigger.destination}"
    elif labels:
        what = f"Class {labels[0]} stands out as the target of a backdoor{_where(evidence)}"
    else:
        what = "The model behaves unlike clean models"
    others = ", ".join(map(str, labels[1:_SHOWN_LABELS])) + (", ..." if len(labels) > _SHOWN_LABELS else "")
    return f"{what} ({comparison})." + (f" Also suspected: {others}." if others else "")


def _where(evidence: Evidence) -> str:
    """Return where in the picture the class's trigger should be, if the detector knows."""
    if evidence.location is None:
        return ""
    row, column = (min(int(3 * share), 2) for share in (evidence.location.row, evidence.location.column))
    place = f"{_ROWS[row]} {_COLUMNS[column]}".strip() or "centre"
    return f" with a trigger at the {place} of the picture"


def comparison(statistic: Statistic, value: float, limit: float) -> str:
    """Return the number that was compared, and its limit."""
    shown, allowed = apart(value, limit)
    return f"{_NAMES[statistic]} {shown}, allowed {allowed}"


def apart(value: float, limit: float) -> tuple[str, str]:
    """Return both numbers with two decimals, or with as many as it takes to tell them apart."""
    short = f"{value:.2f}", f"{limit:.2f}"
    return short if short[0] != short[1] else (repr(value), repr(limit))


def sentence(text: str) -> str:
    """Return the text with a full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def remedy(rule: str) -> str:
    """Return what the reader of a finding can do next."""
    return (
        "Do not deploy this model before its origin and its training data are reviewed; "
        f"`backdoor-gate explain {rule}` says what to look at."
    )
