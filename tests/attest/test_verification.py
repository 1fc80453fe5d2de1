from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gate.attest import dsse
from gate.attest.problems import RefusedError, UndecidedError
from gate.attest.verification import Demand, verify

DIGEST, POLICY = "ab" * 32, "cd" * 32
DEMAND = Demand(sha256=DIGEST)
STATEMENT: dict[str, Any] = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "m.h5", "digest": {"sha256": DIGEST}}],
    "predicateType": "https://slsa.dev/verification_summary/v1",
    "predicate": {
        "verifier": {"id": "urn:backdoor-gate"},
        "resourceUri": "file:m.h5",
        "policy": {"uri": "file:p.yaml", "digest": {"sha256": POLICY}},
        "verificationResult": "PASSED",
        "verifiedLevels": ["BACKDOOR_GATE_QUICK"],
    },
}


def changed(place: str, value: object) -> bytes:
    """Return the statement with the value at a dotted place."""
    statement = copy.deepcopy(STATEMENT)
    *folders, name = place.split(".")
    node = statement
    for folder in folders:
        node = node[folder]
    node[name] = value
    return json.dumps(statement).encode()


def test_a_statement_that_says_all_is_enough(key: Ed25519PrivateKey) -> None:
    text = json.dumps(STATEMENT)

    verify(text.encode(), DEMAND, None)
    verify(dsse.sign(text, key).encode(), Demand(sha256=DIGEST, policy_sha256=POLICY), key.public_key())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("subject", []),
        ("subject", ["m.h5"]),
        ("subject", [{"digest": {"sha256": "00" * 32}}]),
        ("subject", [{"digest": {"sha1": DIGEST}}]),
        ("predicate.verificationResult", "FAILED"),
        ("predicate.verificationResult", "passed"),
        ("predicate.verificationResult", None),
        ("predicate.verifiedLevels", ["BACKDOOR_GATE_STATIC"]),
        ("predicate.verifiedLevels", ["FAILED"]),
        ("predicate.verifiedLevels", "BACKDOOR_GATE_QUICK"),
    ],
)
def test_a_statement_that_says_otherwise_is_refused(place: str, value: object) -> None:
    with pytest.raises(RefusedError):
        verify(changed(place, value), DEMAND, None)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[" * 100_000,
        b"[]",
        b"{}",
        changed("_type", "https://in-toto.io/Statement/v0.1"),
        changed("predicateType", "https://slsa.dev/provenance/v1"),
        changed("predicate.verifier.id", "https://example.org"),
        changed("predicate.verifier", None),
        changed("predicate", []),
        changed("subject", {}),
    ],
)
def test_what_is_no_attestation_of_this_gate_decides_nothing(text: bytes) -> None:
    with pytest.raises(UndecidedError):
        verify(text, DEMAND, None)


def test_a_bare_statement_is_not_by_a_key(key: Ed25519PrivateKey) -> None:
    with pytest.raises(RefusedError, match="is not signed"):
        verify(json.dumps(STATEMENT).encode(), DEMAND, key.public_key())


@pytest.mark.parametrize("level", ["static", "quick", "full"])
def test_a_more_thorough_scan_is_enough(level: str) -> None:
    order = ["static", "quick", "full"]
    for stated in order:
        text = changed("predicate.verifiedLevels", [f"BACKDOOR_GATE_{stated.upper()}"])
        demand = Demand(sha256=DIGEST, level=level)
        if order.index(stated) >= order.index(level):
            verify(text, demand, None)
        else:
            with pytest.raises(RefusedError, match="less thorough"):
                verify(text, demand, None)


@pytest.mark.parametrize("policy", ["00" * 32, None])
def test_another_policy_is_refused(policy: object) -> None:
    with pytest.raises(RefusedError, match="Another policy judged"):
        verify(
            changed("predicate.policy.digest.sha256", policy),
            Demand(sha256=DIGEST, policy_sha256=POLICY),
            None,
        )
