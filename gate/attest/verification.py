"""Decide by an attestation whether a model may be deployed; whatever is not said clearly is no permission."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gate.attest import dsse
from gate.attest.problems import RefusedError, UndecidedError
from gate.core.attestation import LEVELS, PASSED, PREDICATE_TYPE, STATEMENT_TYPE, VERIFIER
from gate.core.text import printable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What an attestation has to say.

    Attributes:
        sha256: Digest of the model.
        level: The least that the scan must have been: "static", "quick" or "full".
        policy_sha256: Digest of the policy that judged; "" for any.
    """

    sha256: str
    level: str = "quick"
    policy_sha256: str = ""


def verify(text: bytes, demand: Demand, key: Ed25519PublicKey | None) -> None:
    """Return if an attestation says what is demanded.

    Args:
        text: The attestation, an envelope or a bare statement. Hostile.
        demand: What it has to say.
        key: By whom; None if it is known from elsewhere where it comes from.

    Raises:
        RefusedError: It says otherwise, or speaks of another model, or is not by this key.
        UndecidedError: It is no attestation of this gate.
    """
    document = _parse(text)
    if dsse.is_envelope(document):
        document = _parse(dsse.unwrap(document, key))
    elif key is not None:
        raise RefusedError("The attestation is not signed.", hint="Write it with --attestation-key.")
    subjects, predicate = _opened(document)
    _check_subject(subjects, demand.sha256)
    _check_result(predicate, demand)


def _parse(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UndecidedError("The attestation is no JSON.") from error
    if not isinstance(document, dict):
        raise UndecidedError("The attestation is no JSON object.")
    return document


def _opened(statement: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return a statement's subjects and its predicate, once it is known to be a summary of this gate."""
    subjects, predicate = statement.get("subject"), statement.get("predicate")
    if statement.get("_type") != STATEMENT_TYPE or statement.get("predicateType") != PREDICATE_TYPE:
        raise UndecidedError(f"The attestation is no verification summary ({PREDICATE_TYPE}).")
    if not isinstance(subjects, list) or not isinstance(predicate, dict):
        raise UndecidedError("The attestation lacks its subjects or its predicate.")
    if _within(predicate, "verifier", "id") != VERIFIER:
        raise UndecidedError("The attestation is by another verifier than backdoor-gate.")
    return subjects, predicate


def _check_subject(subjects: list[Any], sha256: str) -> None:
    if not any(_within(subject, "digest", "sha256") == sha256 for subject in subjects):
        raise RefusedError(
            f"The attestation does not speak of this file (sha256 {sha256}).",
            hint="It was changed since the scan, or it is another one. Scan it: backdoor-gate check.",
        )


def _check_result(predicate: dict[str, Any], demand: Demand) -> None:
    if predicate.get("verificationResult") != PASSED:
        said = printable(str(predicate.get("verificationResult")), 40)
        raise RefusedError(f"The run that the attestation is of did not pass: {said}.")
    levels = predicate.get("verifiedLevels")
    least = list(LEVELS).index(demand.level)
    enough = list(LEVELS.values())[least:]
    if not isinstance(levels, list) or not any(level in enough for level in levels):
        raise RefusedError(
            f"The scan was less thorough than demanded: expected {enough[0]}, received {printable(str(levels), 80)}.",
            hint="Scan it again with that profile, or state --level.",
        )
    received = _within(predicate, "policy", "digest", "sha256")
    if demand.policy_sha256 and received != demand.policy_sha256:
        raise RefusedError(
            f"Another policy judged: expected sha256 {demand.policy_sha256}, received {printable(str(received), 64)}."
        )


def _within(node: Any, *keys: str) -> Any:
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node
