"""The hostile corpus through other scanners and ours: what is caught, refused, missed, and what crashes them.

Each scanner lives in a virtual environment of its own below `.work/rivals`, and scans every file in a process of its
own. "Caught" is its exit code for findings, "refused" any other that stops a build, "missed" is exit code 0.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.corpus.build import CASES, build

WORK = Path(__file__).parents[1] / ".work"
SCANNERS = {
    "modelscan": ("modelscan[h5py]==0.8.8", "tensorflow-cpu"),
    "modelaudit": ("modelaudit==0.2.54", "h5py"),
}
_WORDS = {"caught": "caught", "refused": "refused", "missed": "**missed**", "crashed": "crashed"}

# Runs in the scanner's environment: imports it once, then forks for every file.
_DRIVER = """
import contextlib, io, json, os, resource, signal, sys
tool, files = sys.argv[1], json.load(sys.stdin)

if tool == "modelscan":
    from modelscan.modelscan import ModelScan
    from modelscan.settings import DEFAULT_SETTINGS
    def code(path):
        scan = ModelScan(settings=DEFAULT_SETTINGS)
        scan.scan(path)
        return 3 if not scan.scanned else 2 if scan.errors else 1 if scan.issues.all_issues else 0
else:
    from modelaudit.core import determine_exit_code, scan_model_directory_or_file
    def code(path):
        return determine_exit_code(scan_model_directory_or_file(path, cache_enabled=False))

out = os.fdopen(os.dup(1), "w")
for path in files:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
        signal.alarm(120)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1), os.dup2(null, 2)
        try:
            os._exit(code(path))
        except BaseException:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    print(json.dumps(os.waitstatus_to_exitcode(status)), file=out, flush=True)
"""


def main(words: Sequence[str]) -> None:
    """Run all scanners and print the table, one row per kind of file."""
    argparse.ArgumentParser(prog="python -m benchmarks hostile", description=__doc__).parse_args(words)
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        folder = Path(name).resolve() / "corpus"
        marker = folder.parent / "EXECUTED"
        build(folder, marker)
        results = {"backdoor-gate": _ours(folder)} | {tool: _other(tool, folder) for tool in SCANNERS}
        ran = marker.exists()
    _print(results)
    print(f"\nCode of a file ran: {'yes' if ran else 'no'}.")


def _ours(folder: Path) -> dict[str, str]:
    graphs = [name for name in CASES if name.endswith(".pb") and not name.endswith("saved_model.pb")]
    report = folder.parent / "report.json"
    command: list[str | Path] = [
        Path(sys.executable).with_name("backdoor-gate"),
        "check",
        ".",
        *graphs,
        "--jobs",
        "2",
    ]
    subprocess.run(
        [*command, "--output", f"json={report}"], cwd=folder, check=False, stdout=subprocess.DEVNULL
    )
    words = {"fail": "caught", "incomplete": "refused", "pass": "missed"}
    return {entry["path"]: words[entry["verdict"]] for entry in json.loads(report.read_text())["artifacts"]}


def _other(tool: str, folder: Path) -> dict[str, str]:
    home = WORK / "rivals" / tool
    if not (home / "bin" / tool).exists():
        venv.create(home, with_pip=True)
        subprocess.run([home / "bin/pip", "install", "--quiet", *SCANNERS[tool]], check=True)
    done = subprocess.run(
        [home / "bin/python", "-I", "-c", _DRIVER, tool],
        input=json.dumps([str(folder / name) for name in CASES]),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    codes = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: _word(code) for name, code in zip(CASES, codes, strict=True)}


def _word(code: int) -> str:
    if code < 0 or code == 99:
        return "crashed"
    return {0: "missed", 1: "caught"}.get(code, "refused")


def _print(results: dict[str, dict[str, str]]) -> None:
    print(f"| files | number | {' | '.join(results)} |\n|---|---|{'---|' * len(results)}")
    kinds = list(dict.fromkeys(name.partition("/")[0] for name in CASES))
    for kind in [*kinds, ""]:
        names = [name for name in CASES if name.startswith(kind)]
        cells = [_cell(Counter(result[name] for name in names)) for result in results.values()]
        print(f"| {kind or '**all**'} | {len(names)} | {' | '.join(cells)} |")


def _cell(counted: Counter[str]) -> str:
    return ", ".join(f"{counted[word]} {shown}" for word, shown in _WORDS.items() if counted[word])
