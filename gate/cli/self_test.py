"""Prove the gate alive: it has to tell a clean model from a backdoored one, both of which come with it."""

from __future__ import annotations

from gate.core.report import ScanReport, Verdict
from gate.core.shipped import folder

_CLEAN = "clean.keras"
_BACKDOORED = "backdoored-patch.keras"
_TARGET = 7


def scan() -> ScanReport:
    """Scan both models as `check` does, each in a child process, by the built-in policy."""
    from gate import pipeline
    from gate.cli.progress import listener
    from gate.cli.registry import load_policy
    from gate.cli.terminal import environment
    from gate.discover.files import from_paths
    from gate.policy.store import WorkingTree

    root = folder("specimens", "examples/models")
    request = pipeline.Request(
        selection=from_paths((_CLEAN, _BACKDOORED), root),
        policy=load_policy("default", root),
        root=root,
        store=WorkingTree(root=root),
        store_root=root,
        environ=environment(),
        profile="quick",
    )
    with listener() as events:
        return pipeline.run(request, events)


def complaints(report: ScanReport) -> list[str]:
    """Return what the gate got wrong; nothing if it works."""
    models = {entry.artifact.path: entry for entry in report.artifacts}
    wrong = [
        f"{name}: expected {expected}, received {models[name].verdict if name in models else 'nothing'}"
        + "".join(f" ({gap})" for gap in (models[name].not_checked if name in models else ()))
        for name, expected in ((_CLEAN, Verdict.PASS), (_BACKDOORED, Verdict.FAIL))
        if name not in models or models[name].verdict is not expected
    ]
    if wrong or models[_BACKDOORED].target_labels[:1] == (_TARGET,):
        return wrong
    return [f"{_BACKDOORED}: expected target class {_TARGET}, received {models[_BACKDOORED].target_labels}"]


def summary(report: ScanReport) -> str:
    """Return what the gate found."""
    told = (
        f"{entry.artifact.path} {entry.verdict} ({entry.anomaly_index:.2f})" for entry in report.artifacts
    )
    return f"{', '.join(told)} in {sum(entry.seconds for entry in report.artifacts):.0f} s"
