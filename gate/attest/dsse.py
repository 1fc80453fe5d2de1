"""Dead Simple Signing Envelopes (DSSE 1.0) around in-toto statements, signed with Ed25519."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from gate.attest.problems import RefusedError, UndecidedError
from gate.core.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_INSTALL = "Install it: pip install '.[attest]' in a checkout of the gate"


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """Return the key that signs.

    Args:
        pem: PKCS #8 without a password, such as `openssl genpkey -algorithm ed25519` writes.

    Raises:
        UsageError: It is none, or `cryptography` is not installed.
    """
    _require_library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:  # TypeError: it has a password
        raise _no_key("private", "openssl genpkey -algorithm ed25519 -out key.pem") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key("private", "openssl genpkey -algorithm ed25519 -out key.pem")
    return key


def public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the key that checks.

    Args:
        pem: Such as `openssl pkey -in key.pem -pubout` writes.

    Raises:
        UsageError: It is none, or `cryptography` is not installed.
    """
    _require_library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as error:
        raise _no_key("public", "openssl pkey -in key.pem -pubout -out key.pub") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key("public", "openssl pkey -in key.pem -pubout -out key.pub")
    return key


def sign(payload: str, key: Ed25519PrivateKey) -> str:
    """Return a statement in a signed envelope, as JSON."""
    body = payload.encode()
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(body).decode(),
        "signatures": [
            {"keyid": _key_id(key.public_key()), "sig": base64.b64encode(key.sign(_encoded(body))).decode()}
        ],
    }
    return json.dumps(envelope, indent=2) + "\n"


def is_envelope(document: object) -> bool:
    """Return whether JSON looks like an envelope, signed or not."""
    return isinstance(document, dict) and "payload" in document


def unwrap(envelope: dict[str, Any], key: Ed25519PublicKey | None) -> bytes:
    """Return the statement in an envelope.

    Args:
        envelope: Hostile until its signature is checked.
        key: One of the signatures has to be by it; None to look at none.

    Raises:
        RefusedError: No signature is by this key.
        UndecidedError: It is no envelope around a statement.
    """
    try:
        body = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]]
        is_statement = envelope["payloadType"] == PAYLOAD_TYPE
    except (ValueError, TypeError, KeyError) as error:
        raise UndecidedError("The attestation is no DSSE envelope that can be read.") from error
    if not is_statement:
        raise UndecidedError("The envelope holds no in-toto statement.")
    if key is not None and not any(_is_by(key, signature, body) for signature in signatures):
        raise RefusedError(
            f"No signature of the attestation is by the key {_key_id(key)[:12]}, or its content was changed.",
            hint="Give the public key that belongs to the one that signed it.",
        )
    return body


def _is_by(key: Ed25519PublicKey, signature: bytes, body: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, _encoded(body))
    except InvalidSignature:
        return False
    return True


def _encoded(body: bytes) -> bytes:
    """Return what is signed: DSSE's pre-authentication encoding of type and body."""
    return b"DSSEv1 %d %b %d %b" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(body), body)


def _key_id(key: Ed25519PublicKey) -> str:
    from cryptography.hazmat.primitives import serialization

    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _no_key(kind: str, command: str) -> UsageError:
    return UsageError(f"Expected a {kind} Ed25519 key in PEM, without a password.", hint=f"Such as {command}")


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401 - only asked for
    except ImportError as error:
        raise UsageError("Signatures need the package cryptography.", hint=_INSTALL) from error
