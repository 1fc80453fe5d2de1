"""What a change brings is described, and nothing outside of the repository is read for it, or quoted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.detectors.meta_neural_analysis import TABLE

Told = tuple[int, str, str]
Run = Callable[..., Told]

OURS = "version: 1\n"
TOKEN = "hunter2"
# None is a policy, each would be quoted by a different message.
SECRETS = {
    "a word": TOKEN,
    "a list": f"- {TOKEN}\n- &{TOKEN} x\n",
    "a mapping": f"password: {TOKEN}\nversion: {TOKEN}\n",
    "a mapping of our keys": f"profile: {TOKEN}\nlimits: {{seconds: {TOKEN}}}\n{TOKEN}: 1\n",
    "a compose file": f"version: '3'\nprofile: {TOKEN}\n{TOKEN}: 1\n",
    "no YAML": f"a: !{TOKEN}!x b\n{TOKEN}: 1",
    "a tag": f"a: !<{TOKEN}> b\n--- {TOKEN}\n",
    "twice the same": f"{TOKEN}: 1\n{TOKEN}: 2\n",
}


def change(repo: Any, before: dict[str, str], tmp_path: Path, **links: str) -> None:
    """Commit files on main, and on a branch a model and links in the place of files."""
    repo.commit(**before)
    repo.git("checkout", "-q", "-b", "change")
    for name, target in links.items():
        place = tmp_path / name
        place.unlink(missing_ok=True)
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(target)
    repo.commit(**{"m.h5": ""})


def refused(told: Run, *arguments: str) -> str:
    code, out, err = told("check", "--diff", "main", "--static", *arguments)

    assert 2 == code, out + err
    assert TOKEN not in out + err
    return err


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files that are valid, so that only the way to them can be refused."""
    place = tmp_path_factory.mktemp("outside")
    (place / "p.yaml").write_text(f"version: 1\nexclude: ['{TOKEN}/**']\n")
    (place / "waivers.yaml").write_text("version: 1\nwaivers: []\n")
    (place / "meta.json").write_text(TABLE.read_text())
    return place


@pytest.mark.parametrize("before", [{".backdoor-gate.yaml": OURS}, {}], ids=["policy", "no policy"])
@pytest.mark.parametrize("origin", [(), ("--policy-from=base",), ("--policy-from=head",)], ids=str)
@pytest.mark.parametrize("target", ["OUT/p.yaml", ".git/config", "ci.yaml", ".git/HEAD"])
def test_a_policy_that_is_a_link_is_not_read(
    told: Run,
    repo: Any,
    tmp_path: Path,
    outside: Path,
    before: dict[str, str],
    origin: tuple[str, ...],
    target: str,
) -> None:
    files = {**before, "ci.yaml": f"version: 1\nexclude: ['{TOKEN}']"}
    change(repo, files, tmp_path, **{".backdoor-gate.yaml": target.replace("OUT", str(outside))})

    assert ".backdoor-gate.yaml:1:1: expected a policy file, received: a symbolic link" in refused(
        told, *origin
    )


def test_a_policy_behind_a_folder_that_is_a_link_is_not_read(
    told: Run, repo: Any, tmp_path: Path, outside: Path
) -> None:
    (outside / "backdoor-gate.yaml").write_text(OURS)
    change(repo, {".backdoor-gate.yaml": OURS}, tmp_path, **{".github": str(outside)})
    repo.git("rm", "-q", ".backdoor-gate.yaml")

    assert ".github/backdoor-gate.yaml:1:1: expected a policy file, received: a symbolic link" in refused(
        told
    )


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("OUT/p.yaml", "which is outside of the repository"),
        ("UP/p.yaml", "which is outside of the repository"),
        ("../gone.yaml", "which is outside of the repository"),
        ("./.git/config", "received: a file of git's own"),
        ("./links/p.yaml", "received: a symbolic link"),
    ],
)
def test_what_a_policy_extends_stays_in_the_repository(
    told: Run, repo: Any, tmp_path: Path, outside: Path, base: str, reason: str, is_new: bool
) -> None:
    up = os.path.relpath(outside, tmp_path)
    base = base.replace("OUT", str(outside)).replace("UP", up)
    change(repo, {} if is_new else {".backdoor-gate.yaml": OURS}, tmp_path, links=str(outside))
    repo.commit(**{".backdoor-gate.yaml": f"version: 1\nextends: {base}\n"})

    assert reason in refused(told)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_nothing_of_a_file_that_is_no_policy_is_quoted(
    told: Run, repo: Any, tmp_path: Path, secret: str
) -> None:
    change(repo, {".backdoor-gate.yaml": OURS}, tmp_path)
    repo.commit(**{".backdoor-gate.yaml": "version: 1\nextends: ./.env\n"})
    (tmp_path / ".env").write_text(secret)

    assert "expected a policy file, which says `version: 1`, received something else" in refused(told)
    code, out, err = told("check", "m.h5", "--static")
    assert (2, False) == (code, TOKEN in out + err)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_nothing_is_quoted_of_a_link_either_where_there_is_no_base(
    told: Run, tmp_path: Path, outside: Path, secret: str
) -> None:
    (outside / "secret").write_text(secret)
    (tmp_path / "m.h5").touch()
    for name in (".backdoor-gate.yaml", ".backdoor-gate/waivers.yaml", ".backdoor-gate/baseline.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(outside / "secret")
        code, out, err = told("check", "m.h5", "--static")
        assert (2, False) == (code, TOKEN in out + err)
        (tmp_path / name).unlink()


@pytest.mark.parametrize("name", ["waivers.yaml", "baseline.json"])
@pytest.mark.parametrize("origin", ["base", "head"])
def test_waivers_and_baseline_are_no_links(
    told: Run, repo: Any, tmp_path: Path, outside: Path, name: str, origin: str
) -> None:
    link = {f".backdoor-gate/{name}": str(outside / "waivers.yaml")}
    change(repo, {".backdoor-gate.yaml": OURS}, tmp_path, **link)

    said = refused(told, f"--policy-from={origin}")

    assert (
        f".backdoor-gate/{name}:1:1: expected a {name.partition('.')[0]} file, received: a symbolic" in said
    )


def test_what_a_link_leads_to_is_not_even_hashed(told: Run, repo: Any, tmp_path: Path, outside: Path) -> None:
    os.mkfifo(outside / "pipe")  # reading would never end
    link = {"ci.yaml": str(outside / "pipe")}
    change(
        repo, {".backdoor-gate.yaml": "version: 1\nextends: ./ci.yaml\n", "ci.yaml": OURS}, tmp_path, **link
    )

    assert "ci.yaml:1:1: expected a policy file, received: a symbolic link" in refused(told)


@pytest.mark.parametrize(
    ("name", "reason"), [("OUT/meta.json", "outside of the repository"), ("link.json", "a symbolic link")]
)
def test_a_first_policy_names_no_meta_model_elsewhere(
    told: Run, repo: Any, tmp_path: Path, outside: Path, name: str, reason: str
) -> None:
    change(repo, {}, tmp_path, **{"link.json": str(outside / "meta.json")})
    meta = f"{{enabled: true, parameters: {{model: {name.replace('OUT', str(outside))}}}}}"
    repo.commit(**{".backdoor-gate.yaml": f"version: 1\ndetectors: {{meta-neural-analysis: {meta}}}\n"})

    code, out, err = told("check", "--diff", "main", "--no-cache")

    assert (2, True) == (code, reason in err), out + err


def test_a_meta_model_that_is_none_is_not_quoted(told: Run, repo: Any, tmp_path: Path) -> None:
    meta = "{enabled: true, parameters: {model: .env}}"
    change(
        repo, {".backdoor-gate.yaml": f"version: 1\ndetectors: {{meta-neural-analysis: {meta}}}\n"}, tmp_path
    )
    for text in (f'{{"version": "{TOKEN}"}}', f'"{TOKEN}"', f'{{"{TOKEN}": 1}}', TOKEN):
        (tmp_path / ".env").write_text(text)
        code, out, err = told("check", "--diff", "main", "--no-cache", "--policy-from=head")
        assert (2, False) == (code, TOKEN in out + err)


DATA = "version: 1\ndata: {path: lists/train.csv, role: train}\n"


@pytest.mark.parametrize("link", ["lists", "lists/train.csv"])
@pytest.mark.parametrize("origin", ["base", "head"])
def test_data_that_a_policy_names_are_no_links(
    told: Run, repo: Any, tmp_path: Path, outside: Path, link: str, origin: str
) -> None:
    (outside / "train.csv").write_text(f"file,label\n{TOKEN},{TOKEN}\n")
    target = outside if link == "lists" else outside / "train.csv"
    change(repo, {".backdoor-gate.yaml": DATA}, tmp_path, **{link: str(target)})

    assert (
        "lists/train.csv: expected a file or folder of the repository, received a symbolic link"
        in refused(told, f"--policy-from={origin}")
    )


def test_data_of_a_first_policy_lie_in_the_repository(
    told: Run, repo: Any, tmp_path: Path, outside: Path
) -> None:
    (outside / "train.csv").write_text(f"file,label\n{TOKEN},{TOKEN}\n")
    change(repo, {}, tmp_path)
    for name in (f"{outside}/train.csv", f"{os.path.relpath(outside, tmp_path)}/train.csv", ".git/x.csv"):
        repo.commit(**{".backdoor-gate.yaml": DATA.replace("lists/train.csv", name)})
        said = refused(told)
        assert ("outside of the repository" in said) or ("git's own" in said)


def test_what_the_user_names_may_lie_anywhere(told: Run, repo: Any, tmp_path: Path, outside: Path) -> None:
    """An organisation's policy, beside the repository, that extends another one and names a meta-model."""
    meta = f"{{enabled: true, parameters: {{model: {outside}/meta.json}}}}"
    data = f"{{path: {outside}/x.npz, role: train}}"
    (outside / "org.yaml").write_text(
        f"version: 1\nextends: ./p.yaml\ndata: {data}\ndetectors: {{meta-neural-analysis: {meta}}}\n"
    )
    (outside / "link.yaml").symlink_to("org.yaml")
    files = {"waivers": str(outside / "waivers.yaml"), "policy": str(outside / "link.yaml")}
    change(
        repo,
        {".backdoor-gate.yaml": OURS, ".backdoor-gate/baseline.json": '{"version":1,"findings":[]}'},
        tmp_path,
    )
    # The change touches a governing file, so that its own terms are read, too.
    repo.commit(**{".backdoor-gate/baseline.json": '{"version": 1, "findings": []}'})

    named = [f"--{option}={file}" for option, file in files.items()]
    code, out, err = told("check", "--diff", "main", "--static", "--output=json=../out.json", *named)

    assert (3, "") == (code, err), out  # the empty model is what is incomplete
    report = json.loads((tmp_path.parent / "out.json").read_text())
    assert (outside / "link.yaml").as_posix() == report["policy"]["source"]
    assert "touches .backdoor-gate/baseline.json" in " ".join(report["notices"])


@pytest.mark.parametrize("is_another", [False, True])
def test_a_folder_of_the_change_is_no_other_checkout(
    told: Run, repo: Any, tmp_path: Path, outside: Path, is_another: bool
) -> None:
    change(repo, {"trusted/x": ""}, tmp_path, **{"trusted/.backdoor-gate.yaml": str(outside / "p.yaml")})
    if is_another:
        (tmp_path / "trusted/.git").mkdir()

    assert (3 if is_another else 2) == told("check", "--diff=main", "--static", "--policy-from=trusted")[0]


def test_a_policy_outside_does_not_lead_a_change_out_again(
    told: Run, repo: Any, tmp_path: Path, outside: Path
) -> None:
    (outside / "org.yaml").write_text(f"version: 1\nextends: {tmp_path}/ours.yaml\n")
    change(repo, {"ours.yaml": OURS}, tmp_path)
    repo.commit(**{"ours.yaml": f"version: 1\nextends: {outside}/p.yaml\n"})

    said = refused(told, f"--policy={outside}/org.yaml")

    assert "outside of the repository" in said
