"""`backdoor-gate verify`: at deploy time, ask an attestation whether a model passed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gate.core.attestation import LEVELS
from gate.core.errors import UsageError, usable
from gate.core.text import printable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_LARGEST = 16 * 1024 * 1024


@click.command(short_help="Say by an attestation whether a model passed.")
@click.argument("model")
@click.option(
    "--attestation", required=True, metavar="FILE", help="Written by `check --output attestation=FILE`."
)
@click.option("--key", metavar="FILE", help="Public Ed25519 key (PEM) of who signed it.")
@click.option(
    "--unsigned",
    is_flag=True,
    help="Ask for no signature: another tool has checked where the file comes from.",
)
@click.option("--policy", "policy_source", metavar="FILE|NAME", help="The policy that has to have judged.")
@click.option(
    "--level",
    type=click.Choice(list(LEVELS)),
    default="quick",
    show_default=True,
    help="The least that the scan must have been.",
)
def verify(
    model: str, attestation: str, key: str | None, unsigned: bool, policy_source: str | None, level: str
) -> int:
    """Compare a model's digest with an attestation, without scanning.

    Exit codes: 0 it passed, by a signature of this key; 1 it did not pass, was changed, or the signature is another's;
    2 the command is wrong; 3 it cannot be decided.
    """
    from gate.attest.problems import UndecidedError
    from gate.attest.verification import Demand, verify

    if key and unsigned:
        raise UsageError("--key and --unsigned exclude each other.", hint="Give --key where there is one.")
    signer = None if key is None else _public_key(key)
    demand = Demand(sha256=_sha256(model), level=level, policy_sha256=_policy_sha256(policy_source))
    verify(_read(attestation, "--attestation"), demand, signer)
    if signer is None and not unsigned:
        raise UndecidedError(
            "The attestation says that this model passed, but not who says so.",
            hint="Give --key; or --unsigned, where `gh attestation verify` or the like has checked its origin.",
        )
    click.echo(f"{printable(model)}: passed, {level} or better (sha256 {demand.sha256})")
    return 0


def _public_key(file: str) -> Ed25519PublicKey:
    from gate.attest.dsse import public_key

    return public_key(_read(file, "--key"))


def _policy_sha256(source: str | None) -> str:
    if source is None:
        return ""
    from gate.cli.registry import load_policy

    return load_policy(source).stamp.sha256


def _sha256(model: str) -> str:
    with usable(f"{model}: cannot be read", "Name the model file."), Path(model).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read(file: str, option: str) -> bytes:
    with usable(f"{option}: {file} cannot be read", "Name a file."), Path(file).open("rb") as stream:
        return stream.read(_LARGEST)
