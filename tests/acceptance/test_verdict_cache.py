"""A model that has not changed is not scanned again, and nobody else can say what was measured."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.stopwatch import cpu_seconds

Cli = Callable[..., Any]
KEY = "BACKDOOR_GATE_CACHE_KEY"
PIXELS = "--input-range=0,1"


@pytest.fixture
def caching(cli: Cli, tmp_path: Path) -> Cli:
    """Run the command with a cache of this test's own."""
    folders = {
        "BACKDOOR_GATE_NO_CACHE": "0",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }

    def run(*arguments: str, environ: Mapping[str, str] = {}, **more: Any) -> Any:
        return cli(*arguments, environ=folders | dict(environ), **more)

    return run


def entries(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").glob("backdoor-gate/verdicts/v1/*/*"))


def report(folder: Path, name: str = "r.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / name).read_text())
    return document


def is_cached(folder: Path, name: str = "r.json") -> list[bool]:
    return [entry.get("cached", False) for entry in report(folder, name)["artifacts"]]


def test_a_report_from_the_cache_is_the_same_report(caching: Cli, tmp_path: Path, tiny_model: Path) -> None:
    outcomes = [
        caching("check", "tiny.h5", "--static", "--output", f"json={name}", cwd=tmp_path)
        for name in ("1.json", "2.json")
    ]

    first, second = report(tmp_path, "1.json"), report(tmp_path, "2.json")
    assert [0, 0] == [outcome.code for outcome in outcomes]
    assert True is second["artifacts"][0].pop("cached")
    assert first == second
    assert ", cached" in outcomes[1].out
    assert ", cached" not in outcomes[0].out


FORMATS = (
    *("sarif", "junit", "html", "json", "markdown", "gitlab", "github"),
    *("cyclonedx", "modelcard", "attestation"),
)
SECONDS = re.compile(r'"seconds": [0-9.]+|time="[0-9.]+"|[0-9.]+ s</dd>')


@pytest.fixture
def written(
    caching: Cli, tmp_path: Path, tiny_model: Path, lambda_model: Any
) -> Callable[..., dict[str, str]]:
    """Scan two models, one with a finding, and return every report."""

    def run(*options: str) -> dict[str, str]:
        outputs = [f"--output={name}={name}.out" for name in FORMATS]
        models = ("tiny.h5", lambda_model[0].name)
        environ = {"SOURCE_DATE_EPOCH": "1800000000"}
        caching("check", *models, "--static", *options, *outputs, cwd=tmp_path, environ=environ)
        return {name: (tmp_path / f"{name}.out").read_text() for name in FORMATS}

    return run


def test_two_scans_give_the_same_bytes_but_for_the_seconds(written: Callable[..., dict[str, str]]) -> None:
    first, second = written("--no-cache"), written("--no-cache")

    for name in FORMATS:
        assert SECONDS.sub("", first[name]) == SECONDS.sub("", second[name]), name
    timed = {name for name in FORMATS if SECONDS.search(first[name])}
    assert {"json", "junit", "html"} == timed


def test_a_verdict_from_the_cache_gives_the_same_bytes_but_where_it_says_so(
    written: Callable[..., dict[str, str]],
) -> None:
    first, second = written(), written()

    assert {"json", "html"} == {name for name in FORMATS if first[name] != second[name]}
    assert first["json"] == re.sub(r'\n *"cached": true,', "", second["json"])
    remark = re.compile(r"\n *<[^\n]*Measured[^\n]*verdict cache[^\n]*")
    assert 2 == len(remark.findall(second["html"]))
    assert first["html"] == remark.sub("", second["html"])


@pytest.mark.parametrize("how", [{"options": ["--no-cache"]}, {"environ": {"BACKDOOR_GATE_NO_CACHE": "1"}}])
def test_the_cache_can_be_switched_off(
    caching: Cli, tmp_path: Path, tiny_model: Path, how: dict[str, Any]
) -> None:
    arguments = ("check", "tiny.h5", "--static", "--output", "json=r.json", *how.get("options", []))
    for _ in range(2):
        caching(*arguments, cwd=tmp_path, environ=how.get("environ", {}))

    assert [False] == is_cached(tmp_path)
    assert [] == entries(tmp_path)


def test_a_cache_from_elsewhere_counts_only_with_the_key_that_sealed_it(
    caching: Cli, tmp_path: Path, tiny_model: Path
) -> None:
    arguments = ("check", "tiny.h5", "--static", "--cache-dir", "shared", "--output", "json=r.json")
    seen = []
    for key, machine in (("k" * 32, "a"), ("k" * 32, "b"), ("", "b"), ("l" * 32, "b")):
        environ = {KEY: key, "XDG_STATE_HOME": str(tmp_path / machine)}
        caching(*arguments, cwd=tmp_path, environ=environ)
        notices = [notice for notice in report(tmp_path)["notices"] if "cache" in notice]
        seen.append((is_cached(tmp_path)[0], len(notices)))

    assert [(False, 0), (True, 0), (False, 1), (False, 1)] == seen


def test_a_forged_verdict_is_not_believed(caching: Cli, tmp_path: Path, lambda_model: Any) -> None:
    model, _ = lambda_model
    arguments = ("check", model.name, "--static", "--output", "json=r.json")
    caching(*arguments, cwd=tmp_path)
    (entry,) = entries(tmp_path)
    seal, _, body = entry.read_text().partition("\n")
    entry.write_text(seal + "\n" + json.dumps(json.loads(body) | {"findings": []}))

    outcome = caching(*arguments, cwd=tmp_path)

    assert 1 == outcome.code
    assert [False] == is_cached(tmp_path)
    assert [
        notice
        for notice in report(tmp_path)["notices"]
        if "was changed, or sealed with another key" in notice
    ]
    assert 1 == caching(*arguments, cwd=tmp_path).code
    assert [True] == is_cached(tmp_path)


def test_the_policy_judges_what_was_cached_anew(caching: Cli, tmp_path: Path, tiny_model: Path) -> None:
    caching("check", "tiny.h5", "--static", cwd=tmp_path)
    (tmp_path / "p.yaml").write_text("version: 1\nexclude: ['tiny.h5']\n")

    outcome = caching("check", "tiny.h5", "--static", "--policy", "p.yaml", cwd=tmp_path)

    assert "The policy excludes 1 model(s)" in outcome.out


def test_a_pointer_is_judged_by_the_verdict_on_its_model(
    caching: Cli, tmp_path: Path, tiny_model: Path
) -> None:
    content = tiny_model.read_bytes()
    oid = hashlib.sha256(content).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(content)}\n"
    for name in ("pointer.h5", "pointer.keras", "pointer.bin"):
        (tmp_path / name).write_text(pointer)
    codes = [caching("check", "pointer.h5", "--static", cwd=tmp_path).code]
    caching("check", "tiny.h5", "--static", cwd=tmp_path)
    # HDF5 under another name would not be scanned either.
    codes += [
        caching("check", name, "--static", "--output", "json=r.json", cwd=tmp_path).code
        for name in ("pointer.keras", "pointer.bin", "pointer.h5")
    ]

    assert [3, 3, 3, 0] == codes
    (entry,) = report(tmp_path)["artifacts"]
    assert (oid, len(content), "hdf5", True) == (
        entry["sha256"],
        entry["size"],
        entry["format"],
        entry["cached"],
    )


def test_a_key_that_can_be_guessed_is_an_error_of_usage(
    caching: Cli, tmp_path: Path, tiny_model: Path
) -> None:
    outcome = caching("check", "tiny.h5", "--static", cwd=tmp_path, environ={KEY: "1234"})

    assert 2 == outcome.code
    assert "expected at least 16 characters" in outcome.err


def test_without_a_place_for_a_secret_nothing_is_cached(
    caching: Cli, tmp_path: Path, tiny_model: Path
) -> None:
    environ = {"XDG_STATE_HOME": str(tiny_model)}
    quiet = caching("check", "tiny.h5", "--static", cwd=tmp_path, environ=environ)
    asked = caching("check", "tiny.h5", "--static", "--cache-dir", "c", cwd=tmp_path, environ=environ)

    info = caching("cache", "info", cwd=tmp_path, environ=environ)

    assert (0, "") == (quiet.code, quiet.err)
    assert "key        none, so that nothing is cached" in info.out
    assert (0, True) == (asked.code, "verdicts are not cached" in asked.err)
    assert not (tmp_path / "c").exists()


def test_git_does_not_learn_the_key(caching: Cli, repo: Any, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "git").write_text(f"#!/bin/sh\nenv >> {tmp_path}/seen\nexit 1\n")
    (tools / "git").chmod(0o755)
    environ = {KEY: "k" * 32, "PATH": f"{tools}:{os.environ['PATH']}"}

    caching("check", "--staged", cwd=repo.top, environ=environ)

    assert "PATH=" in (tmp_path / "seen").read_text()
    assert KEY not in (tmp_path / "seen").read_text()


def test_the_cache_can_be_looked_at_and_emptied(caching: Cli, tmp_path: Path, tiny_model: Path) -> None:
    caching("check", "tiny.h5", "--static", cwd=tmp_path)
    info = caching("cache", "info", cwd=tmp_path).out
    foreign = caching("cache", "info", cwd=tmp_path, environ={KEY: "k" * 32}).out
    kept = caching("cache", "prune", "--days", "1", cwd=tmp_path).out
    cleared = caching("cache", "clear", cwd=tmp_path).out

    assert "verdicts   1 (" in info
    assert "authentic  1\nkey        of this machine\n" in info
    assert f"authentic  0\nkey        {KEY}\n" in foreign
    assert "removed 0 verdict(s), 0.0 MiB\n" == kept
    assert "removed 1 verdict(s), 0.0 MiB\n" == cleared
    assert [] == entries(tmp_path)


def committed(repo: Any, model: Path, name: str = "m.h5") -> None:
    (repo.top / name).write_bytes(model.read_bytes())
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "model")


def of_git(repo: Any) -> dict[str, str]:
    """Return what makes the repository nobody's; the rest would switch the cache off again."""
    return {name: value for name, value in repo.environ.items() if name.startswith("GIT_")}


def another(model: Path, name: str = "dense/bias:0") -> None:
    """Change one weight of a model."""
    import h5py

    with h5py.File(model, "a") as store:
        values = store[f"model_weights/dense/{name}"]
        values[0] = values[0] + 1.0


def test_a_diff_says_which_layers_changed(caching: Cli, repo: Any, tiny_model: Path) -> None:
    committed(repo, tiny_model)
    before = hashlib.sha256(tiny_model.read_bytes()).hexdigest()
    repo.git("switch", "-q", "-c", "topic")
    another(tiny_model)
    committed(repo, tiny_model)

    arguments = ("check", "--diff", "main", "--static", "--output", "json=r.json")
    outcome = caching(*arguments, cwd=repo.top, environ=of_git(repo))

    (entry,) = report(repo.top)["artifacts"]
    assert 0 == outcome.code
    assert {
        "base_sha256": before,
        "base_anomaly_index": None,
        "architecture_changed": False,
        "changed_layers": ["dense"],
        "added_layers": [],
        "removed_layers": [],
    } == entry["difference"]
    assert "m.h5: since the base commit changed weights in dense (1)." in report(repo.top)["notices"]


def test_a_base_that_cannot_be_read_is_told(
    caching: Cli, repo: Any, tmp_path: Path, tiny_model: Path
) -> None:
    (repo.top / "m.h5").write_bytes(b"no model")
    repo.git("add", ".")
    repo.git("commit", "-q", "-m", "no model")
    repo.git("switch", "-q", "-c", "topic")
    committed(repo, tiny_model)
    (repo.top / "new.h5").write_bytes(tiny_model.read_bytes())
    committed(repo, tiny_model)

    arguments = ("check", "--diff", "main", "--static", "--output", "json=r.json")
    outcome = caching(*arguments, cwd=repo.top, environ=of_git(repo))

    assert 0 == outcome.code
    assert ["m.h5: since the base commit it could not be compared."] == [
        notice for notice in report(repo.top)["notices"] if "base commit" in notice
    ]
    assert not ["difference" for entry in report(repo.top)["artifacts"] if "difference" in entry]


@pytest.mark.slow
def test_twenty_unchanged_models_cost_less_than_tensorflow_alone(
    caching: Cli, tmp_path: Path, tiny_model: Path
) -> None:
    for number in range(20):
        (tmp_path / f"{number}.h5").write_bytes(tiny_model.read_bytes())
    tiny_model.unlink()
    arguments = ("check", ".", PIXELS, "--output", "json=r.json")
    caching(*arguments, cwd=tmp_path)
    first = is_cached(tmp_path)
    cached = cpu_seconds(lambda: caching(*arguments, cwd=tmp_path))
    engine = cpu_seconds(lambda: subprocess.run([sys.executable, "-c", "import tensorflow"], check=True))

    assert cached < engine / 2
    assert [False, *[True] * 19] == sorted(first)
    assert [True] * 20 == is_cached(tmp_path)


@pytest.mark.slow
def test_a_diff_says_what_the_base_measured(caching: Cli, repo: Any, tiny_model: Path) -> None:
    committed(repo, tiny_model)
    caching("check", "m.h5", PIXELS, "--output", "json=r.json", cwd=repo.top, environ=of_git(repo))
    before = report(repo.top)["artifacts"][0]["anomaly_index"]
    repo.git("switch", "-q", "-c", "topic")
    another(tiny_model)
    committed(repo, tiny_model)

    arguments = ("check", "--diff", "main", PIXELS, "--output", "json=r.json")
    caching(*arguments, cwd=repo.top, environ=of_git(repo))

    assert before == report(repo.top)["artifacts"][0]["difference"]["base_anomaly_index"]
