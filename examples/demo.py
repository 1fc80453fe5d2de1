"""Run the gate on the example models, and say whether it told the clean one from the backdoored ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODELS = "examples/models"
REPORTS = Path("demo-report")
FILES = {
    "json": "report.json",
    "sarif": "report.sarif",
    "junit": "report.xml",
    "markdown": "report.md",
    "html": "report.html",
}


def scan() -> int:
    """Scan the example models as a CI job would, and return the gate's exit code."""
    (ROOT / REPORTS).mkdir(exist_ok=True)
    outputs = [f"--output={name}={REPORTS / file}" for name, file in FILES.items()]
    command = [sys.executable, "-m", "gate", "check", MODELS, "--jobs=2", "--output=console=-", *outputs]
    print("$ backdoor-gate", *command[3:], flush=True)
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def complaints(exit_code: int, verdicts: dict[str, str], truth: dict[str, Any]) -> list[str]:
    """Return a line for everything in which the gate was wrong.

    Args:
        exit_code: The gate's.
        verdicts: The gate's word on each model, by its path.
        truth: What ``truth.json`` says.
    """
    expected = {
        f"examples/{model['file']}": "pass" if model["attack"] == "none" else "fail"
        for model in truth["models"]
    }
    lines = [
        f"{path}: expected the verdict {verdict}, received {verdicts.get(path, 'none')}"
        for path, verdict in expected.items()
        if verdicts.get(path) != verdict
    ]
    return lines if exit_code == 1 else [*lines, f"expected exit code 1, received {exit_code}"]


def main() -> int:
    """Return 0 if the gate was right about every example model, else 1."""
    truth = json.loads((ROOT / "examples/truth.json").read_text(encoding="utf-8"))
    report = ROOT / REPORTS / FILES["json"]
    report.unlink(missing_ok=True)  # an older one says nothing of this run
    exit_code = scan()
    artifacts = json.loads(report.read_text(encoding="utf-8"))["artifacts"] if report.exists() else []
    wrong = complaints(exit_code, {artifact["path"]: artifact["verdict"] for artifact in artifacts}, truth)
    if wrong:
        print("\nThe demo went wrong:", *wrong, sep="\n  ", file=sys.stderr)
        return 1
    print(
        "\nExit code 1 is right here: two of the three models have a backdoor, and the clean one passed.",
        f"In CI this stops the merge. The reports are in {REPORTS}/: {', '.join(FILES.values())}.",
        sep="\n",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
