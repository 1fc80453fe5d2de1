"""A change is judged by the terms that were there before it, and a reader is told whose they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.detectors.meta_neural_analysis import TABLE

Told = tuple[int, str, str]
Run = Callable[..., Told]

STRICT = "version: 1\n"
LAX = "version: 1\nexclude: ['**']\n"


def change(repo: Any, before: dict[str, str], after: dict[str, str]) -> str:
    """Commit files on main, then others with a model on a branch; return the commit on main."""
    base: str = repo.commit(**before)
    repo.git("checkout", "-q", "-b", "change")
    repo.commit(**after, **{"m.h5": ""})
    return base


def verdict(told: Run, tmp_path: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    code, _, err = told("check", "--diff", "main", "--static", "--output=json=../out.json", *arguments)
    assert "" == err
    report = json.loads((tmp_path.parent / "out.json").read_text())
    return code, report["policy"], " ".join(report["notices"])


@pytest.mark.parametrize("name", [".backdoor-gate.yaml", ".github/backdoor-gate.yaml"])
def test_a_policy_that_the_change_weakens_does_not_judge_it(
    told: Run, repo: Any, tmp_path: Path, name: str
) -> None:
    base = change(repo, {name: STRICT}, {name: LAX})

    code, policy, notices = verdict(told, tmp_path)

    assert (3, f"{base[:12]}:{name}") == (code, policy["source"])
    assert (
        f"The change touches {name}, which counts once it is merged (then the policy's sha256 is " in notices
    )
    assert 0 == verdict(told, tmp_path, "--policy-from", "head")[0]


def test_what_a_policy_extends_comes_from_the_base_too(told: Run, repo: Any, tmp_path: Path) -> None:
    root = "version: 1\nextends: ci/base.yaml\n"
    base = change(repo, {".backdoor-gate.yaml": root, "ci/base.yaml": STRICT}, {"ci/base.yaml": LAX})

    code, policy, notices = verdict(told, tmp_path)

    assert (3, f"{base[:12]}:.backdoor-gate.yaml") == (code, policy["source"])
    assert "The change touches ci/base.yaml" in notices


def test_a_policy_that_is_deleted_or_renamed_still_judges(told: Run, repo: Any, tmp_path: Path) -> None:
    strict = "version: 1\nlimits: {seconds: 7}\n"
    change(repo, {".backdoor-gate.yaml": strict}, {".github/backdoor-gate.yaml": LAX})
    repo.git("rm", "-q", ".backdoor-gate.yaml")

    code, policy, notices = verdict(told, tmp_path)

    assert (3, True) == (code, policy["source"].endswith(":.backdoor-gate.yaml"))
    assert "touches .backdoor-gate.yaml, .github/backdoor-gate.yaml" in notices


def test_a_named_policy_comes_from_the_base_from_any_folder(
    told: Run, repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = change(repo, {"ci/p.yaml": STRICT, "sub/x": ""}, {"ci/p.yaml": LAX})
    monkeypatch.chdir(tmp_path / "sub")

    code, policy, _ = verdict(told, tmp_path / "sub", "--policy", "../ci/p.yaml")

    assert (3, f"{base[:12]}:ci/p.yaml") == (code, policy["source"])


def test_the_policy_is_that_of_the_tip_and_only_the_changes_own_touch_is_told(
    told: Run, repo: Any, tmp_path: Path
) -> None:
    change(repo, {".backdoor-gate.yaml": LAX}, {})
    repo.git("checkout", "-q", "main")
    tip = repo.commit(**{".backdoor-gate.yaml": STRICT})
    repo.git("checkout", "-q", "change")

    code, policy, notices = verdict(told, tmp_path)

    assert (3, f"{tip[:12]}:.backdoor-gate.yaml") == (code, policy["source"])
    assert "touches" not in notices


def test_a_first_policy_judges_the_change_that_it_comes_with_unless_the_base_is_asked_for(
    told: Run, repo: Any, tmp_path: Path
) -> None:
    change(repo, {}, {".backdoor-gate.yaml": LAX})

    code, policy, notices = verdict(told, tmp_path)
    assert (0, ".backdoor-gate.yaml") == (code, policy["source"])
    assert "holds no policy: .backdoor-gate.yaml judges the change that it comes with" in notices

    code, policy, notices = verdict(told, tmp_path, "--policy-from=base")
    assert (3, "built-in default") == (code, policy["source"])
    assert "the built-in one judges, and .backdoor-gate.yaml counts once it is merged" in notices


@pytest.mark.parametrize("ci", ["true", "1", "yes"])
def test_in_ci_a_first_policy_judges_only_if_the_head_is_asked_for(
    told: Run, repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    change(repo, {}, {".backdoor-gate.yaml": LAX})
    monkeypatch.setenv("CI", ci)

    code, policy, notices = verdict(told, tmp_path)
    assert (3, "built-in default") == (code, policy["source"])
    assert "the built-in one judges, and .backdoor-gate.yaml counts once it is merged" in notices
    assert 0 == verdict(told, tmp_path, "--policy-from=head")[0]


@pytest.mark.parametrize("ci", ["", "0", "false", "False"])
def test_what_is_no_ci_lets_a_first_policy_judge(
    told: Run, repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    change(repo, {}, {".backdoor-gate.yaml": LAX})
    monkeypatch.setenv("CI", ci)

    assert (0, ".backdoor-gate.yaml") == (lambda code, policy, _: (code, policy["source"]))(
        *verdict(told, tmp_path)
    )


def test_in_ci_without_a_base_what_lies_here_judges(
    told: Run, repo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(repo, {}, {".backdoor-gate.yaml": LAX})
    monkeypatch.setenv("CI", "true")

    assert 0 == told("check", "m.h5", "--static")[0]


def test_without_any_policy_the_built_in_one_judges_without_a_word(
    told: Run, repo: Any, tmp_path: Path
) -> None:
    change(repo, {}, {})

    assert (3, "built-in default") == (lambda code, policy, _: (code, policy["source"]))(
        *verdict(told, tmp_path)
    )
    assert "policy" not in verdict(told, tmp_path, "--policy=strict")[2]


def test_a_change_that_breaks_policy_or_waivers_is_refused_before_it_is_merged(
    told: Run, repo: Any, tmp_path: Path
) -> None:
    change(repo, {".backdoor-gate.yaml": STRICT}, {".backdoor-gate.yaml": "version: 2"})
    code, _, err = told("check", "--diff", "main", "--static")
    assert 2 == code
    assert ".backdoor-gate.yaml:1:10: version: expected 1, received 2" in err

    repo.commit(**{".backdoor-gate.yaml": STRICT, ".backdoor-gate/waivers.yaml": "version: 1"})
    code, _, err = told("check", "--diff", "main", "--static")
    assert 2 == code
    assert ".backdoor-gate/waivers.yaml:1:1: waivers: missing" in err


def test_a_broken_policy_of_the_base_is_named_by_its_commit(told: Run, repo: Any) -> None:
    base = change(repo, {".backdoor-gate.yaml": "version: 2"}, {})

    code, _, err = told("check", "--diff", "main", "--static")

    assert 2 == code
    assert f"{base[:12]}:.backdoor-gate.yaml:1:10: version: expected 1" in err.replace(": :", "::")


def test_a_folder_may_hold_the_terms(told: Run, repo: Any, tmp_path: Path) -> None:
    change(repo, {}, {"trusted/.backdoor-gate.yaml": LAX})

    code, policy, _ = verdict(told, tmp_path, "--policy-from=trusted")
    assert (0, ".backdoor-gate.yaml") == (code, policy["source"])
    file = "trusted/.backdoor-gate.yaml"
    assert 0 == verdict(told, tmp_path, f"--policy-from={file}")[0]
    assert 2 == told("check", "--policy-from", file, "--policy", "strict")[0]


WRONG = [
    (("--policy-from", "base"), "--policy-from base: there is no base"),
    (("--policy-from", "bose"), "expected base, head, a folder or a policy file, received 'bose'"),
    (("--waivers", "missing.yaml"), "--waivers: missing.yaml does not exist"),
    (("--baseline", "missing.json"), "--baseline: missing.json does not exist"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda value: str(value))
def test_terms_that_make_no_sense_are_refused(told: Run, arguments: tuple[str, ...], message: str) -> None:
    code, out, err = told("check", *arguments)

    assert (2, "") == (code, out)
    assert message in err


def test_an_unknown_base_writes_a_report_and_reads_no_policy(told: Run, repo: Any, tmp_path: Path) -> None:
    change(repo, {}, {".backdoor-gate.yaml": "version: 2"})

    code, out, err = told("check", "--diff", "gone", "--policy-from=base", "--output=sarif=../x.sarif")

    assert (3, "") == (code, err)
    assert "it is not known which models changed" in " ".join(out.split())
    assert "it is not known which models changed" in (tmp_path.parent / "x.sarif").read_text()


def test_the_list_says_what_and_why_and_scans_nothing(told: Run, repo: Any) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'5' * 64}\nsize 1000\n"
    dvc = f"outs:\n- md5: {'a' * 32}\n  path: t.h5\n"
    base = change(
        repo,
        {".backdoor-gate.yaml": "version: 1\nexclude: ['old/**']\n"},
        {
            "old/x.h5": "",
            "lfs.h5": pointer,
            "t.h5.dvc": dvc,
            "d.dvc": f"outs:\n- md5: {'1' * 32}.dir\n  path: d\n",
        },
    )

    code, out, err = told("check", "--diff", "main", "--list")

    since = f"added since main ({base[:12]})"
    assert (0, "") == (code, err)
    assert [
        "d/        not scanned, BD002: d/: tracked by DVC; the directory that d.dvc names",
        f"lfs.h5    {since}, Git LFS sha256 {'5' * 64}",
        f"m.h5      {since}",
        "old/x.h5  excluded by the policy",
        f"t.h5      tracked by t.h5.dvc, md5 {'a' * 32}",
        "3 to scan, 1 not scannable, 1 excluded.",
    ] == [line.partition(" (md5")[0] for line in out.splitlines()]


def test_a_list_of_an_unknown_base_is_no_empty_list(told: Run, repo: Any) -> None:
    change(repo, {}, {})

    code, out, err = told("check", "--diff", "gone", "--list")

    assert (3, "") == (code, out)
    assert "it is not known which models changed" in err


def test_a_list_obeys_shards_and_tells_of_nothing(told: Run, tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5", "::error::x.h5"):
        (tmp_path / name).touch()

    assert "a.h5  below .\n1 to scan" in told("check", "--list", "--shard=2/3")[1]
    assert not any(line.startswith("::") for line in told("check", "--list")[1].splitlines())
    (tmp_path / "none.txt").touch()
    assert "0 to scan, 0 not scannable, 0 excluded." in told("check", "--list", "--files-from=none.txt")[1]


META = "version: 1\ndetectors: {meta-neural-analysis: {enabled: true, parameters: {model: meta.json}}}\n"
JUDGE = TABLE.read_text()


@pytest.mark.parametrize(
    ("before", "after", "origin", "code"),
    [
        (JUDGE, "{}", "base", 3),  # the judge of main is fine; the empty model is what is incomplete
        ("{}", JUDGE, "base", 2),
        (JUDGE, "{}", "head", 2),
    ],
)
def test_a_change_does_not_bring_the_judge_of_its_own_models(
    told: Run, repo: Any, before: str, after: str, origin: str, code: int
) -> None:
    change(repo, {".backdoor-gate.yaml": META, "meta.json": before}, {"meta.json": after})

    assert code == told("check", "--diff", "main", "--policy-from", origin, "--no-cache")[0]


def test_a_change_of_the_judge_is_told(told: Run, repo: Any, tmp_path: Path) -> None:
    change(repo, {".backdoor-gate.yaml": META, "meta.json": JUDGE}, {"meta.json": "{}"})

    assert "The change touches meta.json, which counts once it is merged." in verdict(told, tmp_path)[2]
