"""From a scan to deploy time: what passed is let through, by its digest and a signature, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.acceptance.conftest import Once, write_tiny

Cli = Callable[..., Any]
STATIC = ("--level", "static")


def write_keys(folder: Path) -> None:
    for name in ("key", "other"):
        made = Ed25519PrivateKey.generate()
        pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        (folder / f"{name}.pem").write_bytes(made.private_bytes(pem, pkcs8, serialization.NoEncryption()))
        public = made.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        (folder / f"{name}.pub").write_bytes(public)


@pytest.fixture(scope="session")
def signed(cli: Cli, once: Once) -> Path:
    def sign(folder: Path) -> None:
        write_keys(folder)
        write_tiny(folder)
        arguments = ("check", "tiny.h5", "--static", "--output", "attestation=a.json")
        assert 0 == cli(*arguments, "--attestation-key", "key.pem", cwd=folder).code

    return once("signed", sign)


@pytest.fixture
def attested(signed: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with a model, its signed attestation, and the keys."""
    return shutil.copytree(signed, tmp_path, dirs_exist_ok=True)


def verify(cli: Cli, folder: Path, *options: str, model: str = "tiny.h5") -> Any:
    return cli("verify", model, "--attestation", "a.json", *options, cwd=folder)


def test_a_model_that_passed_is_let_through(cli: Cli, attested: Path) -> None:
    outcome = verify(cli, attested, "--key", "key.pub", "--policy", "default", *STATIC)

    assert (0, "") == (outcome.code, outcome.err)
    assert outcome.out.startswith("tiny.h5: passed, static or better (sha256 ")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--key", "other.pub", *STATIC), 1, "No signature of the attestation is by the key"),
        (("--key", "key.pub"), 1, "less thorough than demanded"),
        (("--key", "key.pub", "--policy", "strict", *STATIC), 1, "Another policy judged"),
        (STATIC, 3, "but not who says so"),
        (("--unsigned", *STATIC), 0, ""),
        (("--key", "gone.pub"), 2, "--key: gone.pub cannot be read"),
        (("--key", "key.pem"), 2, "Expected a public Ed25519 key"),
        (("--key", "key.pub", "--unsigned"), 2, "exclude each other"),
    ],
)
def test_less_than_all_that_is_demanded_is_not_enough(
    cli: Cli, attested: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    outcome = verify(cli, attested, *options)

    assert code == outcome.code
    assert said in outcome.err


def test_a_model_that_was_changed_is_refused(cli: Cli, attested: Path) -> None:
    with (attested / "tiny.h5").open("ab") as file:
        file.write(b"\0")

    outcome = verify(cli, attested, "--key", "key.pub", *STATIC)

    assert 1 == outcome.code
    assert "does not speak of this file" in outcome.err


@pytest.mark.parametrize(
    ("model", "content", "code"), [("gone.h5", None, 2), ("tiny.h5", b"no JSON", 3), ("tiny.h5", b"{}", 3)]
)
def test_what_cannot_be_read_decides_nothing(
    cli: Cli, attested: Path, model: str, content: bytes | None, code: int
) -> None:
    if content is not None:
        (attested / "a.json").write_bytes(content)

    assert code == verify(cli, attested, "--unsigned", *STATIC, model=model).code


def test_a_run_that_fails_speaks_against_its_models(cli: Cli, tmp_path: Path, lambda_model: Any) -> None:
    arguments = ("check", lambda_model[0].name, "--static", "--output", "attestation=a.json")

    assert 1 == cli(*arguments, cwd=tmp_path).code
    assert 1 == verify(cli, tmp_path, "--unsigned", *STATIC, model=lambda_model[0].name).code


def test_without_a_key_the_statement_is_bare_for_others_to_sign(
    cli: Cli, tmp_path: Path, tiny_model: Path
) -> None:
    cli("check", "tiny.h5", "--static", "--output", "attestation=a.json", cwd=tmp_path)

    statement = json.loads((tmp_path / "a.json").read_text())
    assert "https://in-toto.io/Statement/v1" == statement["_type"]
    assert ["BACKDOOR_GATE_STATIC"] == statement["predicate"]["verifiedLevels"]


@pytest.mark.parametrize(
    ("key", "output", "said"),
    [
        ("gone.pem", "attestation=a.json", "--attestation-key: gone.pem cannot be read"),
        ("key.pub", "attestation=a.json", "Expected a private Ed25519 key"),
        ("key.pem", "attestation", "only a file is signed"),
    ],
)
def test_a_key_that_cannot_sign_is_told_before_the_scan(
    cli: Cli, tmp_path: Path, tiny_model: Path, key: str, output: str, said: str
) -> None:
    write_keys(tmp_path)
    arguments = ("check", "tiny.h5", "--static", "--output", output, "--attestation-key", key)
    outcome = cli(*arguments, cwd=tmp_path)

    assert (2, "") == (outcome.code, outcome.out)
    assert said in outcome.err


def test_a_key_without_an_attestation_signs_nothing(cli: Cli, tmp_path: Path, tiny_model: Path) -> None:
    environ = {"BACKDOOR_GATE_ATTESTATION_KEY": "gone.pem"}

    assert 0 == cli("check", "tiny.h5", "--static", cwd=tmp_path, environ=environ).code
