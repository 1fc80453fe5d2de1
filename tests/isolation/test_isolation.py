"""A scanning child that does anything but its duty leaves the scan incomplete; real processes play it here."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from threading import Event, Timer

import pytest

import gate
from gate import isolation
from gate.core.errors import IncompleteError
from gate.core.job import Job
from gate.core.scan import Scan
from gate.isolation import fresh, reading, server
from gate.isolation.starting import Starting
from tests.jobs import INVERSION, job_of

ROOT = Path(gate.__file__).parents[1]

JOB = job_of(memory_mb=64, detectors=INVERSION)

# What every child begins with: it hears its job, and knows the record that would be right.
PREAMBLE = """
import json, os, signal, subprocess, sys, time
job = json.loads(sys.stdin.read())
scan = {"artifact": job["artifact"], "evidence": [], "findings": [], "gaps": [], "model": None,
        "score": None, "joint_index": None, "joint_label": None, "seconds": 1.0, "confinement": None, "content": None, "keras": None}
evidence = {"detector": "neural-cleanse", "rule": "BD101", "status": "measured", "anomaly_index": 1.0,
            "paper_statistic": None, "target_labels": [], "measurements": [], "trigger": None, "reason": "",
            "inconclusive": "", "remark": "", "suspects": None}
def send(message):
    print(json.dumps(message), flush=True)
def answer(**changes):
    send({"nonce": job["nonce"], "scan": scan | changes})
"""

Heard = list[tuple[str, int, int, str]]
Run = Callable[..., tuple[Scan, Heard]]


# A server that does all that ours does, but for what its children are to do.
SERVER = f"""
import socket, sys
sys.path.append({str(ROOT)!r})
from gate.worker.server import serve
control = socket.socket(fileno=0)
control.send(b"ready")
if serve(control):
    exec(compile(open({{worker!r}}).read(), "worker", "exec"), {{{{"__name__": "__main__"}}}})
"""


@pytest.fixture(params=["fresh", "forked"])
def run(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a script in the place of the worker; return its scan and the progress it told."""
    if request.param == "forked" and sys.platform != "linux":
        pytest.skip("forks are safe on Linux only")
    expected = {"fresh": (True,), "forked": (True, True)}[request.param]

    def start(
        script: str,
        *,
        seconds: float = 20.0,
        job: Job = JOB,
        preamble: str = PREAMBLE,
        stop: Event | None = None,
        environ: dict[str, str] | None = None,
    ) -> tuple[Scan, Heard]:
        worker, forking, workspace = tmp_path / "worker.py", tmp_path / "server.py", tmp_path / "workspace"
        worker.write_text(preamble + script)
        forking.write_text(SERVER.format(worker=str(worker)))
        workspace.mkdir()
        monkeypatch.setattr(fresh, "_SCRIPT", worker)
        monkeypatch.setattr(server, "_SCRIPT", forking)
        heard: Heard = []

        def progress(*told: object) -> None:
            heard.append(told)  # type: ignore[arg-type]

        known = dict(os.environ) if environ is None else environ
        asked = dataclasses.replace(job, seconds=seconds)
        with Starting(known, expected) as starting:
            scan = isolation.run(asked, starting, workspace, progress, stop or Event())
        return scan, [told for told in heard if told[0] != "starting TensorFlow"]

    return start


def test_one_whole_record_is_the_scan(run: Run) -> None:
    scan, heard = run('send({"progress": ["reading", 1, 2, "it"]})\nanswer(evidence=[evidence])')

    assert (JOB.artifact, 1.0) == (scan.artifact, scan.evidence[0].anomaly_index)
    assert [("reading", 1, 2, "it")] == heard


def test_progress_is_made_printable(run: Run) -> None:
    _, heard = run('send({"progress": ["\\x1b[2J" + "x" * 99, 1, 2, "\\n::error::"]})\nanswer()')

    stage, _, _, detail = heard[0]
    assert stage.startswith("\\x1b[2Jxxx")
    assert 61 == len(stage)
    assert "\\n::error::" == detail


WRONG = {
    "says nothing": ("", "ended without a verdict: it said nothing"),
    "says why": ("sys.exit('the disk is full')", "ended without a verdict: the disk is full"),
    "crashes after its record": ("answer(); sys.exit(1)", "ended without a verdict"),
    "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", "ended by signal 9 (Killed)"),
    "is killed after its record": ("answer(); os.kill(os.getpid(), signal.SIGSEGV)", "Segmentation fault"),
    "is killed by an odd signal": ("os.kill(os.getpid(), 40)", "ended by signal 40"),
    "sends no JSON": ("print('hello')", "malformed record"),
    "sends no object": ("send(5)", "malformed record"),
    "sends an empty list": ("send([])", "malformed record"),
    "sends half a record": ("print(json.dumps({'nonce': job['nonce']})[:-5])", "malformed record"),
    "sends its record without an end": (
        "sys.stdout.write(json.dumps({'nonce': job['nonce'], 'scan': scan}))",
        "ended without a verdict",
    ),
    "forgets a key": ("scan.pop('gaps'); answer()", "expected the keys"),
    "adds a key": ("answer(verdict='pass')", "expected the keys"),
    "sends another type": ("answer(score='low')", "expected float, received str"),
    "sends NaN": ("answer(score=float('nan'))", "expected a finite number, received NaN"),
    "sends infinity": ("answer(seconds=float('inf'))", "expected a finite number, received Infinity"),
    "sends a number without end": ('print(\'{"progress": ["x", 1e999, 1, ""]}\')', "1e999"),
    "sends a whole number without end": ("answer(score=10**400)", "malformed record"),
    "nests without end": ("print('[' * 100000)", "malformed record"),
    "sends broken progress": ("send({'progress': [1, 2]})", "malformed record"),
    "sends measured evidence without an index": (
        "answer(evidence=[evidence | {'anomaly_index': None}])",
        "malformed record",
    ),
    "lacks the nonce": ("send({'nonce': 'guess', 'scan': scan})", "does not belong to this scan"),
    "adds to the message": ("send({'nonce': job['nonce'], 'scan': scan, 'x': 1})", "malformed record"),
    "answers twice": ("answer(); answer()", "does not belong to this scan"),
    "speaks of another file": ("answer(artifact=job['artifact'] | {'path': 'other.h5'})", "does not belong"),
    "speaks for a detector that was not asked": (
        "answer(evidence=[evidence | {'detector': '../../etc/cron.d/x'}])",
        "does not belong to this scan",
    ),
    "floods its output": (
        "while True: send({'progress': ['x' * 65536, 1, 2, '']})",
        "sent more than 16777216 bytes",
    ),
    "floods one line": ("while True: sys.stdout.write('x' * 65536)", "sent more than 16777216 bytes"),
    "takes all memory": ("raise MemoryError", "MemoryError"),
}


@pytest.mark.parametrize(("script", "message"), WRONG.values(), ids=WRONG)
def test_a_child_that_does_anything_else_gives_no_verdict(run: Run, script: str, message: str) -> None:
    with pytest.raises(IncompleteError) as failed:
        run(script)

    assert "BD004" == failed.value.rule
    assert str(failed.value).startswith("The scan did not finish. ")
    assert message in str(failed.value)


def test_a_child_that_is_short_of_memory_names_the_limit(run: Run) -> None:
    with pytest.raises(IncompleteError) as failed:
        run("raise MemoryError")

    assert "limits.memory_mb" in failed.value.hint


@pytest.mark.parametrize("script", ["time.sleep(60)", "answer(); time.sleep(60)", "signal.pause()"])
def test_a_child_that_hangs_is_ended_in_time(run: Run, script: str) -> None:
    started = time.monotonic()

    with pytest.raises(IncompleteError, match=r"It took longer than 0\.5 s"):
        run(script, seconds=0.5)

    assert time.monotonic() - started < 5


def test_a_child_that_hangs_in_silence_is_ended_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "GRACE", 0.2)

    with pytest.raises(IncompleteError, match="fell silent but did not end"):
        run("answer(); os.close(1); os.close(2); time.sleep(60)")


def test_a_child_that_does_not_listen_is_no_accident(run: Run) -> None:
    long = dataclasses.replace(JOB, file="x" * 1_000_000)

    with pytest.raises(IncompleteError, match="ended before it was told what to do"):
        run("import os; os.close(0)", preamble="", job=long)


def test_a_flood_of_complaints_is_cut_to_the_last_words(run: Run) -> None:
    with pytest.raises(IncompleteError, match="ended without a verdict: the end"):
        run("sys.stderr.write('x' * 10_000_000); sys.exit('\\nthe end')")


def test_stopping_ends_the_child_at_once(run: Run) -> None:
    stop = Event()
    timer = Timer(0.3, stop.set)
    timer.start()

    with pytest.raises(IncompleteError, match="It was interrupted"):
        run("time.sleep(60)", stop=stop)

    timer.join()


def is_alive(process: int) -> bool:
    try:
        return "Z" != Path(f"/proc/{process}/stat").read_text().split()[2]
    except FileNotFoundError:
        return False


def test_what_the_child_started_ends_with_it(run: Run, tmp_path: Path) -> None:
    nap = "nap = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"

    run(nap + "open('nap', 'w').write(str(nap.pid)); answer()")

    process, deadline = int((tmp_path / "workspace" / "nap").read_text()), time.monotonic() + 5
    while is_alive(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(process)


def test_what_the_child_started_cannot_keep_the_gate_waiting(
    run: Run, request: pytest.FixtureRequest
) -> None:
    # It holds the standard output open; a server sees that the child itself has ended, and ends the rest.
    is_forked = request.node.callspec.params["run"] == "forked"

    with nullcontext() if is_forked else pytest.raises(IncompleteError, match="It took longer"):
        run("nap = subprocess.Popen(['sleep', '60']); answer()", seconds=2)


def test_no_secret_reaches_the_child(run: Run, tmp_path: Path) -> None:
    secrets = {"GITHUB_TOKEN": "x", "AWS_SECRET_ACCESS_KEY": "x", "HTTPS_PROXY": "x", "KERAS_BACKEND": "jax"}
    settings = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x", "LD_PRELOAD": "", "TF_XLA_FLAGS": "x"}

    run(
        "open('seen', 'w').write(json.dumps(dict(os.environ) | {'path': sys.path})); answer()",
        environ={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **secrets, **settings},
    )

    seen = json.loads((tmp_path / "workspace" / "seen").read_text())
    assert not (set(secrets) | set(settings)) & set(seen) - {"KERAS_BACKEND"}
    assert ("tensorflow", "disable") == (seen["KERAS_BACKEND"], seen["HDF5_PLUGIN_PATH"])
    assert str(tmp_path / "workspace") == seen["HOME"]
    assert str(tmp_path) not in seen["path"]


def test_an_interpreter_that_cannot_be_started_gives_no_verdict(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(IncompleteError, match="cannot be started"):
        run("")
