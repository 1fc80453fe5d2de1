from __future__ import annotations

import base64
import json
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate.attest import dsse
from gate.attest.problems import RefusedError, UndecidedError
from gate.core.errors import UsageError

KEY = Ed25519PrivateKey.generate()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_what_was_signed_comes_out_again(text: str) -> None:
    envelope = json.loads(dsse.sign(text, KEY))

    assert dsse.is_envelope(envelope)
    assert text.encode() == dsse.unwrap(envelope, KEY.public_key())


def test_the_signature_is_over_dsses_own_encoding(key: Ed25519PrivateKey) -> None:
    envelope = json.loads(dsse.sign("hello", key))

    # Raises if it is not; the text is of DSSE's specification, protocol.md.
    key.public_key().verify(
        base64.b64decode(envelope["signatures"][0]["sig"]), b"DSSEv1 28 application/vnd.in-toto+json 5 hello"
    )


def test_keys_are_read_from_pem(key: Ed25519PrivateKey, private_pem: bytes, public_pem: bytes) -> None:
    envelope = json.loads(dsse.sign("x", dsse.private_key(private_pem)))

    assert b"x" == dsse.unwrap(envelope, dsse.public_key(public_pem))


def test_another_key_or_another_text_is_refused(key: Ed25519PrivateKey) -> None:
    envelope = json.loads(dsse.sign("x", key))
    forged = envelope | {"payload": base64.b64encode(b"y").decode()}

    for document, signer in ((envelope, KEY), (forged, key)):
        with pytest.raises(RefusedError, match="No signature of the attestation is by the key"):
            dsse.unwrap(document, signer.public_key())


def test_without_a_key_no_signature_is_asked_for(key: Ed25519PrivateKey) -> None:
    assert b"x" == dsse.unwrap(json.loads(dsse.sign("x", key)) | {"signatures": []}, None)


@pytest.mark.parametrize(
    "damage",
    [
        {"payload": "%"},
        {"payload": 1},
        {"signatures": None},
        {"signatures": [{}]},
        {"payloadType": "text/html"},
    ],
)
def test_a_damaged_envelope_decides_nothing(key: Ed25519PrivateKey, damage: dict[str, object]) -> None:
    envelope = json.loads(dsse.sign("x", key)) | damage

    with pytest.raises(UndecidedError):
        dsse.unwrap(envelope, key.public_key())


def test_a_key_of_another_kind_is_an_error_of_usage(key: Ed25519PrivateKey) -> None:
    curve = generate_private_key(SECP256R1())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    locked = key.private_bytes(pem, pkcs8, serialization.BestAvailableEncryption(b"secret"))
    other = curve.private_bytes(pem, pkcs8, serialization.NoEncryption())
    other_public = curve.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)

    for content in (b"no key", locked, other):
        with pytest.raises(UsageError, match="Expected a private Ed25519 key"):
            dsse.private_key(content)
    for content in (b"no key", other_public):
        with pytest.raises(UsageError, match="Expected a public Ed25519 key"):
            dsse.public_key(content)


def test_a_light_install_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(UsageError, match="need the package cryptography"):
        dsse.public_key(b"")
